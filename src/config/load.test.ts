import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ForegoneError } from "../core/errors.ts";
import { nodeFiles, nodeHasher, nodeRunner } from "../node/ports.ts";
import { describe as words, where } from "./issue.ts";
import { type LoadOptions, loadConfig } from "./load.ts";
import type { ResolvedConfig } from "./resolve.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "foregone-config-"));
  mkdirSync(join(root, ".git"));
  mkdirSync(join(root, ".github"));
});
afterEach(() => rmSync(root, { recursive: true }));

const ports = { files: nodeFiles, hasher: nodeHasher, runner: nodeRunner };
const cacheFile = (text: string) => writeFileSync(join(root, ".github/cache-config.yml"), text);
const p2pFile = (text: string) => writeFileSync(join(root, ".github/p2p-config.yml"), text);

function load(env: Record<string, string> = {}, more: Partial<LoadOptions> = {}): Promise<ResolvedConfig> {
  return loadConfig(ports, root, env, { version: "1", ...more });
}

async function failure(env: Record<string, string> = {}): Promise<ForegoneError> {
  const error = await load(env).catch((caught: unknown) => caught);
  if (!(error instanceof ForegoneError)) throw new TypeError("expected a ForegoneError");
  return error;
}

describe("precedence", () => {
  test("without files and variables everything is a default", async () => {
    const { config, origins, notes } = await load();
    expect(config["skip.max-age"]).toBe(7 * 86_400_000);
    expect(config["skip.audit"]).toBe(1 / 50);
    expect(config["store.memory"]).toBe(64 * 1024 * 1024);
    expect([origins.size, notes.length]).toEqual([0, 0]);
  });

  test("flags beat variables, variables beat cache-config, cache-config beats p2p-config", async () => {
    const key = "p2p.discovery.methods.mdns";
    p2pFile("discovery:\n  methods:\n    mdns: true\n");
    expect(where((await load()).origins.get(key)!)).toBe(".github/p2p-config.yml:3");
    cacheFile("p2p:\n  discovery:\n    methods: {mdns: false}\n");
    expect((await load()).config[key]).toBe(false);
    const env = { FOREGONE_P2P_DISCOVERY_METHODS_MDNS: "on" };
    expect((await load(env)).config[key]).toBe(true);
    const flags = new Map([[key, { name: "--mdns", text: "no" }]]);
    const resolved = await load(env, { flags });
    expect([resolved.config[key], where(resolved.origins.get(key)!)]).toEqual([false, "--mdns"]);
  });

  test("the default store follows $XDG_CACHE_HOME, a named one does not", async () => {
    const store = async (env: Record<string, string>) => (await load(env)).config["store.directory"];
    expect(await store({ XDG_CACHE_HOME: "/caches" })).toBe("/caches/foregone");
    expect(await store({ XDG_CACHE_HOME: "relative" })).toBe("~/.cache/foregone");
    expect(await store({ XDG_CACHE_HOME: "/caches", CACHE_DIR: "/mine" })).toBe("/mine");
  });

  test("an empty variable counts as not set", async () => {
    expect((await load({ ENABLE_P2P_CACHE: "" })).config["p2p.enabled"]).toBe(true);
  });

  test("a command in a subfolder finds the repository's files", async () => {
    mkdirSync(join(root, "packages/a"), { recursive: true });
    cacheFile("skip: {mode: shadow}\n");
    const { config } = await loadConfig(ports, join(root, "packages/a"), {}, { version: "1" });
    expect(config["skip.mode"]).toBe("shadow");
  });

  test("FOREGONE_CONFIG names one file instead of the repository's", async () => {
    cacheFile("skip: {mode: shadow}\n");
    writeFileSync(join(root, "other.yml"), "trace: {ring: 8MiB}\n");
    const { config } = await load({ FOREGONE_CONFIG: "other.yml" });
    expect([config["skip.mode"], config["trace.ring"]]).toEqual(["enforce", 8 * 1024 * 1024]);
    expect((await failure({ FOREGONE_CONFIG: "none.yml" })).message).toContain("none.yml cannot be read");
  });
});

describe("what is wrong is said with file and line", () => {
  test("an unknown key names the nearest known one", async () => {
    cacheFile("skip:\n  mode: shadow\n  max-aeg: 3d\n");
    const error = await failure();
    expect(error.message).toBe('unknown key "skip.max-aeg" (.github/cache-config.yml:3)');
    expect([error.code, error.exitCode, error.hint]).toEqual(["E_CONFIG", 2, "did you mean `max-age`?"]);
  });

  test("a key of p2p-config is named as it is written there", async () => {
    p2pFile("securty:\n  encryption: {enabled: true}\n");
    expect((await failure()).message).toBe('unknown key "securty" (.github/p2p-config.yml:1)');
  });

  test("every error is reported, each with its own line", async () => {
    cacheFile("skip:\n  mode: maybe\n  max-age: soon\n");
    expect((await failure()).message).toMatch(
      /skip.mode: want one of .*yml:2\); skip.max-age: want a duration .*yml:3\)/,
    );
  });

  test.each([
    ["doubled keys", "skip: {mode: off}\nskip: {mode: shadow}\n", /unique.*yml:2/],
    ["a tab", "skip:\n\tmode: off\n", /yml:2/],
    ["a list for a section", "skip: [mode]\n", /skip.? must be a mapping of settings \(.*yml:1/],
    ["a merge key", "skip: &a {mode: off}\ntrace:\n  <<: *a\n", /unknown key "trace.<<"/],
    ["an alias for a section", "skip: &a {mode: off}\ntrace: *a\n", /trace.*alias/],
    ["a secret in a file", "api:\n  webhook:\n    secret: hunter2\n", /api.webhook.secret is a secret/],
    ["plain text", "hello\n", /the file must be a mapping/],
  ])("%s", async (_, text, message) => {
    cacheFile(text);
    expect((await failure()).message).toMatch(message);
  });

  test("a file that is there and cannot be read is an error, not an absent file", async () => {
    mkdirSync(join(root, ".github/cache-config.yml"));
    expect((await failure()).message).toContain("cannot be read");
  });

  test("a file of more than 256 KiB is refused, one of 256 KiB is read", async () => {
    const line = "skip: {mode: off}\n";
    cacheFile(line + "#".repeat(256 * 1024 - line.length));
    expect((await load()).config["skip.mode"]).toBe("off");
    cacheFile(line + "#".repeat(256 * 1024 - line.length + 1));
    expect((await failure()).message).toContain("EFBIG");
  });

  test("bytes that are not UTF-8 are refused", async () => {
    writeFileSync(join(root, ".github/cache-config.yml"), Buffer.from([0x61, 0x3a, 0x20, 0xff]));
    expect((await failure()).message).toContain("not UTF-8");
  });

  test("a bomb of aliases is refused", async () => {
    const levels = Array.from({ length: 20 }, (_, i) => `&a${i + 1} [*a${i}, *a${i}]`);
    cacheFile(`skip: {accept: [&a0 x, ${levels.join(", ")}]}\n`);
    expect((await failure()).message).toMatch(/yml:1/);
  });
});

describe("two names for one setting", () => {
  test("with equal values are accepted", async () => {
    const { config } = await load({ ENABLE_P2P_CACHE: "false", CACHE_ENABLE_P2P: "0" });
    expect(config["p2p.enabled"]).toBe(false);
  });

  test("with different values are an error that names both", async () => {
    const error = await failure({ P2P_LISTEN_PORT: "9000", CACHE_LISTEN_PORT: "9001" });
    expect(error.message).toMatch(/P2P_LISTEN_PORT.*CACHE_LISTEN_PORT|CACHE_LISTEN_PORT.*P2P_LISTEN_PORT/);
    cacheFile("cache: {default_ttl: 100}\napi: {default-ttl: 200s}\n");
    expect((await failure()).message).toBe(
      "api.default-ttl and cache.default_ttl (.github/cache-config.yml:1) name one setting and differ (.github/cache-config.yml:2)",
    );
  });
});

test("a mistyped variable of ours is named once", async () => {
  const { notes } = await load({ FOREGONE_SKIP_TURST: "attested" });
  expect(notes.map((n) => [words(n), n.hint])).toEqual([
    ["unknown variable FOREGONE_SKIP_TURST ($FOREGONE_SKIP_TURST)", "did you mean FOREGONE_SKIP_TRUST?"],
  ]);
});

test("a parsed file is kept under its bytes, and a warm start does not parse", async () => {
  const kept = new Map<string, string>();
  const cache = { get: (key: string) => kept.get(key), put: (key: string, text: string) => void kept.set(key, text) };
  const read = () => loadConfig({ ...ports, cache }, root, {}, { version: "1" });
  cacheFile("skip: {mode: shadow}\nrate_limiting: {cache_first_mode: true}\n");
  const cold = await read();
  expect(kept.size).toBe(1);
  expect(await read()).toEqual(cold);
  expect(kept.size).toBe(1);
  cacheFile("skip: {mode: off}\n");
  expect((await read()).config["skip.mode"]).toBe("off");
  for (const key of kept.keys()) kept.set(key, "{torn");
  expect((await read()).config["skip.mode"]).toBe("off");
});

describe("a pull request's version of the files", () => {
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", ...args], {
      cwd: root,
      stdio: "pipe",
    });
  const pullRequest = (): Record<string, string> => {
    const event = join(root, ".git/event.json");
    writeFileSync(event, JSON.stringify({ repository: { default_branch: "main" } }));
    return {
      GITHUB_ACTIONS: "true",
      GITHUB_EVENT_NAME: "pull_request",
      GITHUB_REF: "refs/pull/7/merge",
      GITHUB_EVENT_PATH: event,
    };
  };
  beforeEach(() => {
    rmSync(join(root, ".git"), { recursive: true });
    git("init", "-q");
    cacheFile("skip: {max-age: 2d, trust: attested, accept: [opaque-service], audit: 1/20}\n");
    git("add", ".");
    git("commit", "-qm", "main");
    git("update-ref", "refs/remotes/origin/main", "HEAD");
  });

  test("cannot loosen, and says so", async () => {
    cacheFile("skip: {max-age: 30d, trust: protected, accept: [opaque-service, events-lost], audit: 0}\n");
    const { config, notes, origins } = await load(pullRequest());
    expect(config["skip.max-age"]).toBe(2 * 86_400_000);
    expect(config["skip.trust"]).toBe("attested");
    expect(config["skip.accept"]).toEqual(["opaque-service"]);
    expect(config["skip.audit"]).toBe(1 / 20);
    expect(where(origins.get("skip.trust")!)).toBe("main:.github/cache-config.yml:1");
    expect(notes.map(words)).toContain(
      "skip.max-age is held at 2d: a pull request may tighten it, not loosen it (.github/cache-config.yml:1)",
    );
  });

  test("can tighten, and change what has no bearing on trust", async () => {
    cacheFile("skip: {max-age: 1d, trust: attested, mode: shadow}\ntrace: {ring: 8MiB}\n");
    const { config, notes } = await load(pullRequest());
    expect([config["skip.max-age"], config["skip.mode"], config["trace.ring"]]).toEqual([
      86_400_000,
      "shadow",
      2 ** 23,
    ]);
    expect(config["skip.audit"]).toBe(1 / 20);
    expect(notes.map(words).filter((note) => !note.includes("skip.trust has no effect"))).toEqual([]);
  });

  test("cannot loosen by deleting the file", async () => {
    rmSync(join(root, ".github"), { recursive: true });
    expect((await load(pullRequest())).config["skip.trust"]).toBe("attested");
  });

  test("without the default branch at hand is held to the defaults", async () => {
    git("update-ref", "-d", "refs/remotes/origin/main");
    cacheFile("skip: {max-age: 30d, accept: [opaque-service]}\n");
    const { config } = await load(pullRequest());
    expect([config["skip.max-age"], config["skip.accept"]]).toEqual([7 * 86_400_000, []]);
  });

  test("on the default branch itself is taken as written", async () => {
    cacheFile("skip: {max-age: 30d}\n");
    const env = { ...pullRequest(), GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/heads/main" };
    expect((await load(env)).config["skip.max-age"]).toBe(30 * 86_400_000);
    expect((await load({ ...env, GITHUB_EVENT_NAME: "pull_request_target" })).config["skip.max-age"]).toBe(
      2 * 86_400_000,
    );
  });

  test("a push whose payload names no default branch is held", async () => {
    cacheFile("skip: {max-age: 30d}\n");
    const env: Record<string, string> = {
      ...pullRequest(),
      GITHUB_REF: "refs/heads/main",
      GITHUB_EVENT_NAME: "push",
    };
    writeFileSync(env["GITHUB_EVENT_PATH"]!, '{"repository": {"default_branch": "--upload-pack=x"}}');
    expect((await load(env)).config["skip.max-age"]).toBe(7 * 86_400_000);
  });
});
