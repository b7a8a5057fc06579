// Where this machine finds its first peer, as configured: cheap places first, GitHub last, for it costs calls.
import type { Config } from "../config/settings.ts";
import { nodeFiles, systemClock } from "../node/ports.ts";
import { actionsCache, type CacheNames } from "../peers/registry/actions-cache.ts";
import { mdns } from "../peers/registry/mdns.ts";
import type { PeerRegistry } from "../peers/registry/registry.ts";
import { sameHost } from "../peers/registry/same-host.ts";
import { sharedStore } from "../peers/registry/shared-store.ts";
import { bootstrapList, staticFile } from "../peers/registry/static.ts";
import type { StoreFiles } from "../ports.ts";
import type { Bucket } from "../store/bucket.ts";
import type { PeersPlan } from "./peers-plan.ts";

export interface RegistryPlace {
  readonly config: Config;
  readonly plan: PeersPlan;
  readonly env: Readonly<Record<string, string>>;
  readonly files: StoreFiles;
  /** Private to this user, of this boot. */
  readonly runtimeFolder: string;
  /** `~/x` -> absolute. */
  readonly expand: (path: string) => string;
  /** `p2p.discovery.shared_store`, opened. */
  readonly shared: Bucket | undefined;
  /** Of the job that this agent serves; undefined: it serves a machine. */
  readonly caches: CacheNames | undefined;
}

export function registriesOf(place: RegistryPlace): PeerRegistry[] {
  const { config, plan, env, files, runtimeFolder, expand, shared, caches } = place;
  const registries: PeerRegistry[] = [
    sameHost({ files, folder: `${runtimeFolder}/peers`, ...plan, pid: process.pid, isAlive }),
  ];
  const bootstrap = config["p2p.discovery.bootstrap_peers"];
  if (config["p2p.discovery.methods.bootstrap"] && bootstrap.length > 0) registries.push(bootstrapList(bootstrap));
  const file = config["p2p.discovery.static_file"];
  if (file !== null) registries.push(staticFile(expand(file), nodeFiles));
  const lifeMs = config["p2p.discovery.github.peer_ttl_minutes"];
  if (config["p2p.discovery.methods.mdns"]) registries.push(mdns({ ...plan, lifeMs, now: () => systemClock.now() }));
  if (shared !== undefined)
    registries.push(sharedStore(shared, plan.network, plan.keys, lifeMs, () => systemClock.now()));
  const github = config["p2p.discovery.methods.github_cache_api"] ? (caches ?? githubCaches(config, env)) : undefined;
  if (github !== undefined)
    registries.push(
      actionsCache({
        keys: plan.keys,
        prefix: config["p2p.discovery.github.peer_cache_key"],
        lifeMs,
        maxPeers: config["p2p.discovery.github.max_peers_per_query"],
        now: () => systemClock.now(),
        ...github,
      }),
    );
  return registries;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** @returns undefined without a token or a repository to ask about */
function githubCaches(config: Config, env: RegistryPlace["env"]): CacheNames | undefined {
  const token = env["GH_TOKEN"] || env["GITHUB_TOKEN"];
  const repository = config["p2p.discovery.github.repository"] ?? env["GITHUB_REPOSITORY"];
  if (token === undefined || token === "" || repository === undefined || repository === "") return undefined;
  const root = env["GITHUB_API_URL"] || "https://api.github.com";
  const names: CacheNames["names"] = async (prefix) => {
    const url = `${root}/repos/${repository}/actions/caches?per_page=100&sort=created_at&key=${encodeURIComponent(prefix)}`;
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json", "user-agent": "foregone" },
      redirect: "error",
      signal: AbortSignal.timeout(2000),
    });
    if (!response.ok) throw new Error(`GitHub answered ${response.status} to the list of caches`);
    const body = (await response.json()) as { readonly actions_caches?: readonly { readonly key?: unknown }[] };
    return (body.actions_caches ?? []).flatMap(({ key }) => (typeof key === "string" ? [key] : []));
  };
  return { names };
}
