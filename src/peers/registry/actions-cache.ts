// Addresses in the names of Actions cache entries (cache-key.ts). A job's cache service takes announcements and knows the newest; with
// a token alone GitHub lists them, which costs a call of its quota: at start and while peers are short.
import type { MeshKeys } from "../mesh-key.ts";
import { parseAddress } from "../address.ts";
import { decodeCacheKey, encodeCacheKey, prefixOf } from "./cache-key.ts";
import type { Announcement, PeerRegistry } from "./registry.ts";

/** Where names of cache entries are found and made. */
export interface CacheNames {
  /** Names of the newest entries that begin so, at most 100. */
  readonly names: (prefix: string) => Promise<readonly string[]>;
  /** Makes an entry of that name. Undefined: this process has no cache service. */
  readonly save?: (name: string) => Promise<void>;
}

export interface ActionsCacheOptions extends CacheNames {
  readonly keys: MeshKeys;
  /** `discovery.github.peer_cache_key`. */
  readonly prefix: string;
  readonly lifeMs: number;
  /** `discovery.github.max_peers_per_query`. */
  readonly maxPeers: number;
  readonly now: () => number;
}

/** GitHub allows 200 uploads a minute, and names cannot be changed: a fresh one every ten minutes. */
const AGAIN_MS = 600_000;
const MAX_PER_IP = 3;

export function actionsCache(options: ActionsCacheOptions): PeerRegistry {
  const { keys, prefix, lifeMs, maxPeers, now, names, save } = options;
  let savedAt = Number.NEGATIVE_INFINITY;
  /** Found before our own announcement became the newest. */
  let before: readonly string[] = [];
  const found = (): Promise<readonly string[]> => names(prefixOf(prefix, keys[0]));
  return {
    name: "actions-cache",
    source: "registry",
    async list() {
      const all = [...new Set([...(await found()), ...before])];
      const perIp = new Map<string, number>();
      const addresses: string[] = [];
      for (const name of all.slice(0, 100)) {
        for (const text of decodeCacheKey(prefix, keys, name, now(), lifeMs)?.addresses ?? []) {
          const address = parseAddress(text);
          const before = perIp.get(address?.ip ?? "") ?? 0;
          if (address === undefined || before >= MAX_PER_IP || addresses.length >= maxPeers) continue;
          perIp.set(address.ip, before + 1);
          addresses.push(text);
        }
      }
      return addresses;
    },
    ...(save !== undefined && {
      async announce(self: Announcement) {
        if (now() - savedAt < AGAIN_MS) return;
        const name = encodeCacheKey(prefix, keys[0], self, now() + lifeMs);
        if (name === undefined) return;
        savedAt = now();
        before = await found();
        await save(name);
      },
    }),
  };
}
