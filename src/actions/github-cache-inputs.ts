// What a workflow asks of setup-github-cache, as the settings that the agent reads. An input that is not given leaves the
// configuration as it is; one that is given stands above it.
import { type Way, WAYS } from "../cli/api/exec-env.ts";
import type { Host } from "./host.ts";

export interface CacheInputs {
  readonly ways: readonly Way[];
  /** Variables of the agent's configuration; empty: not set, also if the job's environment sets it. */
  readonly settings: Readonly<Record<string, string>>;
  /** For the probe, and for peers to be found by; never lent to a client. */
  readonly token: string;
}

const DEFAULT_WAYS = "socket,base-url,preload";

/** Input -> the setting, and its founding names: two names with two values would be an error of the configuration. */
const SETTINGS: readonly (readonly [
  input: string,
  kind: "switch" | "number",
  setting: string,
  ...aliases: string[],
])[] = [
  ["enable-p2p", "switch", "FOREGONE_P2P_ENABLED", "ENABLE_P2P_CACHE", "CACHE_ENABLE_P2P"],
  ["enable-peer-discovery", "switch", "FOREGONE_P2P_DISCOVERY_ENABLED", "ENABLE_PEER_DISCOVERY"],
  ["p2p-port", "number", "FOREGONE_P2P_LISTEN_PORT", "P2P_LISTEN_PORT", "CACHE_LISTEN_PORT"],
  ["cache-size", "number", "FOREGONE_API_MAX_ENTRIES", "GITHUB_CACHE_SIZE"],
  ["cache-ttl", "number", "FOREGONE_API_DEFAULT_TTL", "CACHE_DEFAULT_TTL"],
];

export function readCacheInputs(host: Host): CacheInputs | { readonly mistake: string } {
  const words = (host.input("doors") || DEFAULT_WAYS).split(",").map((word) => word.trim());
  const ways = WAYS.filter((way) => words.includes(way));
  const odd = words.find((word) => !WAYS.includes(word as Way));
  if (odd !== undefined) return { mistake: `doors: some of ${WAYS.join(", ")}, not "${odd}"` };
  const settings: Record<string, string> = {};
  for (const [input, kind, setting, ...aliases] of SETTINGS) {
    const value = host.input(input);
    if (value === "") continue;
    const fits = kind === "switch" ? /^(?:true|false)$/.test(value) : /^\d+$/.test(value);
    if (!fits)
      return { mistake: `${input}: ${kind === "switch" ? "true or false" : "a whole number"}, not "${value}"` };
    settings[setting] = value;
    for (const alias of aliases) settings[alias] = "";
  }
  const secret = host.input("mesh-secret");
  if (secret !== "") settings["FOREGONE_MESH_SECRET"] = secret;
  return { ways, settings, token: host.input("github-token") };
}
