// What a layer that may be slow, dead or flooded is allowed to cost: time, bytes, and failures in a row.
import { codeOf, type OnStoreEvent, type StoreOperation } from "./events.ts";
import { type Store, StoreError } from "./store.ts";

export interface Bounds {
  /** For each operation. */
  readonly deadlineMs: number;
  /** Larger blobs are neither fetched into use nor sent. */
  readonly maxBytes: number;
  /** So many failures in a row, and the layer is off for the life of this process. */
  readonly maxFailures: number;
}

/**
 * Reads never fail: a failure is a miss and an event. Writes fail with a StoreError, at the latest at the deadline; who asked
 * for them tells it.
 */
export function bounded(inner: Store, { deadlineMs, maxBytes, maxFailures }: Bounds, onEvent: OnStoreEvent): Store {
  let failures = 0;

  async function within<T>(work: () => Promise<T>): Promise<T> {
    if (failures >= maxFailures)
      throw new StoreError(inner.name, "off", `${inner.name} is off after ${failures} failures`);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<never>((_, reject) => {
      const late = new StoreError(inner.name, "timeout", `${inner.name} did not answer within ${deadlineMs} ms`);
      timer = setTimeout(() => reject(late), deadlineMs);
    });
    try {
      const value = await Promise.race([work(), deadline]);
      failures = 0;
      return value;
    } catch (error) {
      if (++failures === maxFailures) onEvent({ type: "layer-off", layer: inner.name, failures });
      if (error instanceof StoreError) throw error;
      const code = codeOf(error);
      throw new StoreError(inner.name, code, `${inner.name} failed: ${error instanceof Error ? error.message : code}`);
    } finally {
      clearTimeout(timer);
    }
  }
  async function read<T>(operation: StoreOperation, miss: T, work: () => Promise<T>): Promise<T> {
    try {
      return await within(work);
    } catch (error) {
      const code = codeOf(error);
      // That it is off was told once.
      if (code !== "off") onEvent({ type: "failed", layer: inner.name, operation, code });
      return miss;
    }
  }

  return {
    name: inner.name,
    blobs: {
      async get(digest) {
        const bytes = await read("get", undefined, () => inner.blobs.get(digest));
        if (bytes === undefined || bytes.length <= maxBytes) return bytes;
        onEvent({ type: "failed", layer: inner.name, operation: "get", code: "EFBIG" });
        return undefined;
      },
      async put(bytes) {
        if (bytes.length > maxBytes)
          throw new StoreError(inner.name, "EFBIG", `${bytes.length} bytes are more than ${inner.name} takes`);
        return within(() => inner.blobs.put(bytes));
      },
      findMissing: (digests) => read("missing", digests, () => inner.blobs.findMissing(digests)),
    },
    records: {
      lookup: (weak) => read("lookup", [], () => inner.records.lookup(weak)),
      append: (weak, entry) => within(() => inner.records.append(weak, entry)),
    },
  };
}
