// A layer that this process may read and not write: what it would write is simply not written there.
import { sha256Of } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import type { Store } from "./store.ts";

/** Marks that disown still go through: whoever finds a false skip must be heard. */
export function readOnly(inner: Store, hasher: Hasher): Store {
  const { blobs, records } = inner;
  return {
    name: inner.name,
    blobs: {
      get: (digest) => blobs.get(digest),
      put: async (bytes) => sha256Of(hasher, bytes),
      findMissing: (digests) => blobs.findMissing(digests),
    },
    records: {
      lookup: (weak) => records.lookup(weak),
      append: async (weak, entry) => {
        if (entry.disowned === true) await records.append(weak, entry);
      },
    },
  };
}
