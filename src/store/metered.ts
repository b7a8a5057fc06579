// Tells what a layer did and how long it took.
import type { Clock } from "../ports.ts";
import type { OnStoreEvent, StoreOperation } from "./events.ts";
import type { Store } from "./store.ts";

/** A failure is told by whoever bears it (bounded, read-through), once. */
export function metered(inner: Store, clock: Clock, onEvent: OnStoreEvent): Store {
  async function timed<T>(
    operation: StoreOperation,
    work: Promise<T>,
    facts: (value: T) => { readonly found: boolean; readonly bytes: number },
  ): Promise<T> {
    const from = clock.monotonicMs();
    const value = await work;
    onEvent({ type: "done", layer: inner.name, operation, ...facts(value), ms: clock.monotonicMs() - from });
    return value;
  }
  const { blobs, records } = inner;
  return {
    name: inner.name,
    blobs: {
      get: (digest) =>
        timed("get", blobs.get(digest), (bytes) => ({ found: bytes !== undefined, bytes: bytes?.length ?? 0 })),
      put: (bytes) => timed("put", blobs.put(bytes), () => ({ found: true, bytes: bytes.length })),
      findMissing: (digests) =>
        timed("missing", blobs.findMissing(digests), (missing) => ({ found: missing.length === 0, bytes: 0 })),
    },
    records: {
      lookup: (weak) =>
        timed("lookup", records.lookup(weak), (entries) => ({
          found: entries.some((entry) => entry.disowned !== true),
          bytes: 0,
        })),
      append: (weak, entry) => timed("append", records.append(weak, entry), () => ({ found: true, bytes: 0 })),
    },
  };
}
