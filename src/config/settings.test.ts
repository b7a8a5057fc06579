import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseEnv } from "./env.ts";
import { parseConfigFile } from "./file.ts";
import { FOUNDING } from "./founding.ts";
import { IDLE } from "./idle.ts";
import { describe as words } from "./issue.ts";
import { configJsonSchema } from "./json-schema.ts";
import { resolve } from "./resolve.ts";
import { defaultOf, envName, type Setting } from "./setting.ts";
import { KEYS, SETTINGS } from "./settings.ts";

const IN_FILES = KEYS.filter((key) => (SETTINGS[key] as Setting).secret !== true);

test.each(IN_FILES)("%s: its default is of its kind, and what is shown reads back", (key) => {
  const setting: Setting = SETTINGS[key];
  const value = defaultOf(key, setting);
  const nested = key.split(".").reduceRight((inner, part) => `{${part}: ${inner}}`, setting.kind.show(value));
  const layer = parseConfigFile(nested, "x.yml", "");
  expect(layer.issues).toEqual([]);
  expect(layer.entries.get(key)?.value).toEqual(value);
});

test("no setting is a section of another, in its own or a founding name", () => {
  const names = [...KEYS, ...Object.keys(FOUNDING)];
  expect(names.filter((name) => names.some((other) => other.startsWith(`${name}.`)))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
  expect(() => configJsonSchema("p2p-config")).not.toThrow();
});

test("every setting has a variable of its own", () => {
  expect(new Set(KEYS.map(envName)).size).toBe(KEYS.length);
});

/** A value of the setting's kind that is not its default, as one would write it in a variable. */
function other(key: (typeof KEYS)[number]): string {
  const setting: Setting = SETTINGS[key];
  const tried = [
    "700000",
    "7",
    "3",
    "1",
    "0",
    "true",
    "false",
    "1/9",
    "17s",
    "19MiB",
    "/x",
    "x",
    "[]",
    '["x"]',
    "owners",
    "tcp",
  ];
  const { schema } = setting.kind;
  const words = Array.isArray(schema["enum"]) ? schema["enum"].map(String) : [];
  const complex = [
    '[{"host":"h","ttl":"1h"}]',
    '[{"host":"h","path":"/p","ttl":60}]',
    '{"a":"b"}',
    '{"a":"https://b"}',
    '{"a":["b"]}',
    "store",
    "auto",
    "0".repeat(64),
  ];
  const now = JSON.stringify(defaultOf(key, setting));
  for (const text of [...words, ...complex, ...tried]) {
    const parsed = setting.kind.parseText(text);
    if (parsed.ok && JSON.stringify(parsed.value) !== now) return text;
  }
  throw new TypeError(`no other value for ${key}`);
}

test.each(KEYS)("%s can be set by its variable", (key) => {
  const text = other(key);
  const layer = parseEnv({ [envName(key)]: text });
  const { config, origins } = resolve({ layers: [layer], trusted: undefined });
  expect(config[key]).not.toEqual(defaultOf(key, SETTINGS[key] as Setting));
  expect(origins.get(key)).toEqual({ from: "env", name: envName(key) });
});

// What the founding implementation's two files hold, in its own defaults (its comments and layout left out).
const CACHE_CONFIG = `
cache: {enabled: true, max_size: 5000, default_ttl: 300, directory: "~/.cache/github-api-p2p", persistence: true}
p2p: {enabled: true, listen_port: 9000, peer_discovery: true, bootstrap_peers: [], encryption: {enabled: true, token_based: true}}
content_addressing: {enabled: true, validation: {repos: true, workflows: true, runners: true}}
rate_limiting: {warning_threshold: 100, aggressive_threshold: 50, cache_first_mode: true}
monitoring: {enabled: true, log_stats: true, export_metrics: false, metrics_format: json}
operation_ttls: {list_repos: 600, get_repo_info: 300, list_workflows: 300, get_workflow_runs: 120, get_workflow_run: 60,
  list_runners: 300, get_runner_status: 60, copilot_completion: 3600, codeql_results: 86400}
ipfs_accelerate_integration: {enabled: true, use_compatible_formats: true, share_with_accelerate: true, accept_from_accelerate: true}
`;
const P2P_CONFIG = `
network: {protocol_version: "1.0.0", network_id: acme-cache, listen: {addresses: [0.0.0.0], port_range: {start: 9000, end: 9010}, transports: [tcp]},
  connections: {max_peers: 20, min_peers: 2, timeout: 30, keepalive_interval: 60}}
discovery: {enabled: true, methods: {github_cache_api: true, mdns: true, dht: true, bootstrap: true, circuit_relay: true, autonat: true, hole_punching: true},
  github: {repository: null, peer_cache_key: p2p-peers, peer_ttl_minutes: 15, discovery_interval: 300, max_peers_per_query: 10},
  bootstrap_peers: [], mdns: {interval: 5, ttl: 120}, dht: {bucket_size: 20, query_timeout: 60},
  relay: {hop_limit: 3, timeout: 30, relay_addrs: []}, autonat: {enable_server: true, timeout: 30}}
security: {encryption: {enabled: true, algorithm: AES-256-GCM, key_derivation: {use_github_token: true, pbkdf2_iterations: 100000, key_size: 256}},
  access_control: {verify_repository_access: true, trust_bootstrap: true, peer_allowlist: [], peer_blocklist: []},
  content_verification: {verify_hashes: true, reject_invalid: true, max_content_size: 104857600}}
cache_protocol: {protocol_id: /github-cache/1.0.0, message_types: [cache_entry, peer_info],
  broadcast: {enabled: true, strategy: all, peer_count: 5, retry_count: 3}, sync: {enabled: true, interval: 600, max_age: 3600}}
performance: {buffers: {read_buffer: 65536, write_buffer: 65536}, compression: {enabled: true, algorithm: gzip, level: 6},
  throttling: {max_messages_per_sec: 100, max_bandwidth_per_peer: 10485760}}
ipfs_accelerate: {enabled: true, accept_accelerate_peers: true, shared_network_id: ipfs-github-cache, compatible_protocols: [/github-cache/1.0.0]}
logging: {level: info, log_connections: true, log_cache_ops: true, log_messages: false}
monitoring: {enabled: true, metrics: [peer_count, message_count, bytes_sent, bytes_received, cache_entries_shared, cache_entries_received]}
`;

test("the founding files load without an error, and every key without effect is named", () => {
  const layers = [parseConfigFile(CACHE_CONFIG, "c.yml", ""), parseConfigFile(P2P_CONFIG, "p.yml", "p2p.")];
  expect(layers.flatMap((l) => l.issues.filter((i) => i.severity === "error")).map(words)).toEqual([]);
  const { config, notes } = resolve({ layers, trusted: undefined });
  const named = notes.map((note) => note.message.split(/[ :]/)[0]);
  const loud = Object.entries(FOUNDING).flatMap(([name, f]) =>
    f.is === "retired" && f.quiet === undefined ? [name] : [],
  );
  for (const name of [...loud, "p2p.discovery.methods.dht", "p2p.cache_protocol.broadcast.strategy"])
    expect(named, name).toContain(name);
  // and what is honoured is honoured
  expect(config["p2p.network.connections.max_peers"]).toBe(20);
  expect(config["p2p.security.encryption.key_derivation.use_github_token"]).toBe(true);
  expect(config["store.directory"]).toBe("~/.cache/github-api-p2p");
  expect(config["p2p.listen_port"]).toBe(9000);
  expect(config["p2p.enabled"]).toBe(true);
});

test("founding iterations below 600000 are raised, and it is said", () => {
  const { config, notes } = resolve({ layers: [parseConfigFile(P2P_CONFIG, "p.yml", "p2p.")], trusted: undefined });
  expect(config["p2p.security.encryption.key_derivation.pbkdf2_iterations"]).toBe(600_000);
  expect(notes.map((n) => n.message)).toContainEqual(
    expect.stringContaining("pbkdf2_iterations: 100000 is raised to 600000"),
  );
});

test.each([
  "security: {encryption: {enabled: false}}",
  "security: {content_verification: {verify_hashes: false}}",
  "security: {content_verification: {reject_invalid: false}}",
])("%s switches the peers off instead", (text) => {
  const { config, notes } = resolve({ layers: [parseConfigFile(text, "p.yml", "p2p.")], trusted: undefined });
  expect(config["p2p.enabled"]).toBe(false);
  expect(notes[0]?.message).toMatch(/refused, peers stay off: /);
});

test.each(Object.entries(FOUNDING).flatMap(([name, f]) => (f.is === "alias" ? [[name, f.key] as const] : [])))(
  "%s sets %s",
  (name, key) => {
    const setting: Setting = SETTINGS[key];
    const value = setting.kind.parseText(other(key));
    if (!value.ok) throw new TypeError("unreachable");
    const nested = name.split(".").reduceRight((inner, part) => `{${part}: ${inner}}`, setting.kind.show(value.value));
    const { config } = resolve({ layers: [parseConfigFile(nested, "c.yml", "")], trusted: undefined });
    expect(config[key]).toEqual(value.value);
  },
);

test("every setting is read somewhere, or is named as idle; nothing idle is read", () => {
  const code = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path) && !/\.test\.ts$|^config\/|^testing\//.test(path))
    .map((path) => readFileSync(`src/${path}`, "utf8"))
    .join("\n");
  // Looked up by the operation's name.
  const isRead = (key: string): boolean =>
    code.includes(`"${key}"`) || (key.startsWith("api.operation-ttls.") && code.includes("api.operation-ttls."));
  const unread = KEYS.filter((key) => !isRead(key));
  expect(unread.toSorted()).toEqual(Object.keys(IDLE).toSorted());
});

test("an idle setting says so when it is set, and is quiet at its default", () => {
  const notes = (yaml: string) => parseConfigFile(yaml, "c.yml", "").issues.map((issue) => issue.message);
  expect(notes("api: {peer-deadline: 80ms}")).toEqual([
    "api.peer-deadline has no effect: a peer's bytes are waited for as long as `store.deadline` and the mesh's own budget allow",
  ]);
  expect(notes("api: {peer-deadline: 50ms}")).toEqual([]);
});
