// A layer that is not there yet, or no longer: until then it has nothing and takes nothing.
import type { Digest } from "../core/digest.ts";
import { type Store, StoreError } from "../store/store.ts";

export function lateLayer(name: string, now: () => Store | undefined): Store {
  const there = (): Store => {
    const store = now();
    if (store === undefined) throw new StoreError(name, "not-up", `${name} are not up`);
    return store;
  };
  return {
    name,
    blobs: {
      get: async (digest) => now()?.blobs.get(digest),
      put: async (bytes) => there().blobs.put(bytes),
      findMissing: async (digests: readonly Digest[]) => now()?.blobs.findMissing(digests) ?? digests,
    },
    records: {
      lookup: async (weak) => now()?.records.lookup(weak) ?? [],
      append: async (weak, entry) => there().records.append(weak, entry),
    },
  };
}
