// The memory layer of a long-lived process (agent, API proxy): what was used last, bounded by bytes. A one-shot `foregone run`
// gains nothing from it and does not load it.
import { LRUCache } from "lru-cache";
import { type Digest, sha256Of } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import { retain } from "./entries.ts";
import type { RecordEntry, Store } from "./store.ts";

/** Key, list links and object headers beside the bytes themselves. */
const OVERHEAD_BYTES = 300;
const ENTRY_BYTES = 500;

/** @param maxBytes of blobs and, beside it, an eighth of that for record entries. A value larger than `maxBytes` is not kept. */
export function memoryStore(hasher: Hasher, maxBytes: number): Store {
  const blobs = new LRUCache<Digest, Uint8Array>({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: (bytes) => bytes.length + OVERHEAD_BYTES,
  });
  const records = new LRUCache<Digest, readonly RecordEntry[]>({
    maxSize: Math.max(1, Math.floor(maxBytes / 8)),
    sizeCalculation: (entries) => entries.length * ENTRY_BYTES + OVERHEAD_BYTES,
  });
  return {
    name: "memory",
    blobs: {
      get: async (digest) => blobs.get(digest),
      async put(bytes) {
        const digest = sha256Of(hasher, bytes);
        if (!blobs.has(digest)) blobs.set(digest, bytes);
        return digest;
      },
      findMissing: async (digests) => digests.filter((digest) => !blobs.has(digest)),
    },
    records: {
      lookup: async (weak) => records.get(weak) ?? [],
      async append(weak, entry) {
        records.set(weak, retain([...(records.get(weak) ?? []), entry]));
      },
    },
  };
}
