// Addresses in a shared store: a list of sealed lines, the same form as the names in the Actions cache, so that who can read the
// store learns nothing and who can write it can only make us dial in vain.
import type { Bucket } from "../../store/bucket.ts";
import { hexKey, lp, sha256 } from "../bytes.ts";
import type { MeshKeys } from "../mesh-key.ts";
import { decodeCacheKey, encodeCacheKey } from "./cache-key.ts";
import type { Announcement, PeerRegistry } from "./registry.ts";

const PREFIX = "p2p-peers";
/** As often as the life of a line allows without flooding the list. */
const AGAIN_PER_LIFE = 3;

export function sharedStore(
  bucket: Bucket & { readonly close?: () => void },
  network: string,
  keys: MeshKeys,
  lifeMs: number,
  now: () => number,
): PeerRegistry {
  const list = `peers/${hexKey(sha256(lp(network, keys[0].kid))).slice(0, 32)}`;
  let addedAt = Number.NEGATIVE_INFINITY;
  return {
    name: `shared store ${bucket.name}`,
    source: "registry",
    async list() {
      const lines = await bucket.lines(list);
      const alive = lines.flatMap(
        (line) => decodeCacheKey(PREFIX, keys, Buffer.from(line).toString("latin1"), now(), lifeMs)?.addresses ?? [],
      );
      return [...new Set(alive)];
    },
    async announce(self: Announcement) {
      if (now() - addedAt < lifeMs / AGAIN_PER_LIFE) return;
      addedAt = now();
      const line = encodeCacheKey(PREFIX, keys[0], self, now() + lifeMs);
      if (line !== undefined) await bucket.addLine(list, Buffer.from(line, "latin1"));
    },
    // The line ends by itself; the connection would not.
    async withdraw() {
      bucket.close?.();
    },
  };
}
