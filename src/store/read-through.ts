// Two layers as one: what the lower has and the upper lacks is copied up on the way.
import type { Digest } from "../core/digest.ts";
import { retain } from "./entries.ts";
import { codeOf, type OnStoreEvent, type StoreOperation } from "./events.ts";
import type { Store } from "./store.ts";

/**
 * Blobs are read from the upper layer, else from the lower, and then copied up; a copy that fails is an event, not an error.
 * Record entries are always asked of both: an old entry above must not hide a newer one, nor a disowning mark, below. They are
 * never copied up: an entry that this machine's key authenticates is one that this machine made.
 * @param writes whose failure fails a write. "both": the lower layer keeps it (memory over disk). "upper": the lower layer is told
 *   as well, and its failure is an event (disk over a shared store)
 */
export function readThrough(upper: Store, lower: Store, writes: "both" | "upper", onEvent: OnStoreEvent): Store {
  /** Without this layer, for this one operation. */
  async function orElse<T>(layer: Store, operation: StoreOperation, otherwise: T, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      onEvent({ type: "failed", layer: layer.name, operation, code: codeOf(error) });
      return otherwise;
    }
  }
  async function write<T>(operation: "put" | "append", to: (layer: Store) => Promise<T>): Promise<T> {
    const below = to(lower);
    const told = writes === "both" ? below : orElse(lower, operation, undefined, below);
    // Both are awaited even if one fails, so that no failure is left without somebody to hear it.
    const [above, lowest] = await Promise.allSettled([to(upper), told]);
    if (above.status === "rejected") throw above.reason;
    if (lowest.status === "rejected") throw lowest.reason;
    return above.value;
  }

  return {
    name: `${upper.name} over ${lower.name}`,
    blobs: {
      async get(digest) {
        const above = await orElse(upper, "get", undefined, upper.blobs.get(digest));
        if (above !== undefined) return above;
        const below = await lower.blobs.get(digest);
        if (below !== undefined) await orElse<Digest | undefined>(upper, "put", undefined, upper.blobs.put(below));
        return below;
      },
      put: (bytes) => write("put", (layer) => layer.blobs.put(bytes)),
      async findMissing(digests) {
        const above = await orElse(upper, "missing", digests, upper.blobs.findMissing(digests));
        return above.length === 0 ? above : lower.blobs.findMissing(above);
      },
    },
    records: {
      async lookup(weak) {
        const [above, below] = await Promise.allSettled([upper.records.lookup(weak), lower.records.lookup(weak)]);
        if (above.status === "rejected" && below.status === "rejected") throw above.reason;
        const entries = [below, above].map((answer, i) => {
          if (answer.status === "fulfilled") return answer.value;
          const layer = i === 0 ? lower : upper;
          onEvent({ type: "failed", layer: layer.name, operation: "lookup", code: codeOf(answer.reason) });
          return [];
        });
        return retain(entries.flat());
      },
      append: (weak, entry) => write("append", (layer) => layer.records.append(weak, entry)),
    },
  };
}
