// What a layer that may be slow, dead or flooded is allowed to cost: time, bytes, and failures in a row.
import type { Clock } from "../ports.ts";
import { codeOf, type OnStoreEvent, type StoreOperation } from "./events.ts";
import { type Store, StoreError } from "./store.ts";

export interface Bounds {
  /** For each operation, and 250 ms more for each MiB that it may move. */
  readonly deadlineMs: number;
  /** Larger blobs are neither fetched into use nor sent. */
  readonly maxBytes: number;
  /** So many failures in a row, and the layer is off; one time-out is enough, for it cost a whole deadline. */
  readonly maxFailures: number;
  /** How long it is then off. Undefined: for the life of this process. */
  readonly restMs?: number;
}

/** 4 MiB a second. */
const BYTES_PER_MS = 4194;

/**
 * Reads never fail: a failure is a miss and an event. Writes fail with a StoreError, at the latest at the deadline; who asked
 * for them tells it. Reads and writes are off apart, for a
 * store that is full, or may only be read, still serves; a time-out turns off both. Without `restMs` a value that was not written
 * keeps back the entries after it: in a layer that lacks it they would hide older ones that are whole.
 */
export function bounded(inner: Store, bounds: Bounds, clock: Clock, onEvent: OnStoreEvent): Store {
  const { maxBytes } = bounds;
  // Who does not answer reads within their time will not answer writes either, and waiting for it again costs as much.
  const hung = (): void => {
    reads.trip();
    writes.trip();
  };
  const reads = new Breaker(inner.name, bounds, clock, onEvent, hung);
  const writes = new Breaker(inner.name, bounds, clock, onEvent, hung);
  // A process that ends with its command writes one record: what did not get there is a part of it.
  // The entry then fails as the value did.
  let cut: Error | undefined;

  async function read<T>(operation: StoreOperation, bytes: number, miss: T, work: () => Promise<T>): Promise<T> {
    try {
      return await reads.within(bytes, work);
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
        const bytes = await read("get", maxBytes, undefined, () => inner.blobs.get(digest));
        if (bytes === undefined || bytes.length <= maxBytes) return bytes;
        onEvent({ type: "failed", layer: inner.name, operation: "get", code: "EFBIG" });
        return undefined;
      },
      async put(bytes) {
        try {
          if (bytes.length > maxBytes)
            throw new StoreError(inner.name, "EFBIG", `${bytes.length} bytes are more than ${inner.name} takes`);
          return await writes.within(bytes.length, () => inner.blobs.put(bytes));
        } catch (error) {
          if (bounds.restMs === undefined && error instanceof Error) cut = error;
          throw error;
        }
      },
      findMissing: (digests) => read("missing", 0, digests, () => inner.blobs.findMissing(digests)),
    },
    records: {
      lookup: (weak) => read("lookup", 0, [], () => inner.records.lookup(weak)),
      async append(weak, entry) {
        if (cut !== undefined && entry.disowned !== true) throw cut;
        await writes.within(0, () => inner.records.append(weak, entry));
      },
    },
  };
}

class Breaker {
  readonly #layer: string;
  readonly #bounds: Bounds;
  readonly #clock: Clock;
  readonly #onEvent: OnStoreEvent;
  readonly #onHang: () => void;
  #failures = 0;
  #offSinceMs = 0;

  constructor(layer: string, bounds: Bounds, clock: Clock, onEvent: OnStoreEvent, onHang: () => void) {
    this.#layer = layer;
    this.#bounds = bounds;
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#onHang = onHang;
  }

  /** Off, without a word: the other breaker has told. */
  trip(): void {
    this.#failures = Math.max(this.#failures, this.#bounds.maxFailures);
    this.#offSinceMs = this.#clock.monotonicMs();
  }

  /** @throws StoreError */
  async within<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const { deadlineMs, maxFailures, restMs } = this.#bounds;
    if (this.#failures >= maxFailures) {
      const rested = restMs !== undefined && this.#clock.monotonicMs() - this.#offSinceMs >= restMs;
      if (!rested) throw new StoreError(this.#layer, "off", `${this.#layer} is off after failures`);
      // One may try; the others go on without until it has succeeded.
      this.#offSinceMs = this.#clock.monotonicMs();
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ms = deadlineMs + Math.round(bytes / BYTES_PER_MS);
    const deadline = new Promise<never>((_, reject) => {
      const late = new StoreError(this.#layer, "timeout", `${this.#layer} did not answer within ${ms} ms`);
      timer = setTimeout(() => reject(late), ms);
    });
    try {
      const value = await Promise.race([work(), deadline]);
      this.#failures = 0;
      return value;
    } catch (error) {
      // A value that is too large says nothing about the layer.
      if (codeOf(error) !== "EFBIG") this.#failed(codeOf(error));
      if (error instanceof StoreError) throw error;
      const code = codeOf(error);
      throw new StoreError(
        this.#layer,
        code,
        `${this.#layer} failed: ${error instanceof Error ? error.message : code}`,
      );
    } finally {
      clearTimeout(timer);
    }
  }

  #failed(code: string): void {
    const { maxFailures } = this.#bounds;
    const wasOff = this.#failures >= maxFailures;
    this.#failures++;
    const failures = this.#failures;
    if (code === "timeout") this.#onHang();
    if (this.#failures < maxFailures) return;
    this.#offSinceMs = this.#clock.monotonicMs();
    if (!wasOff) this.#onEvent({ type: "layer-off", layer: this.#layer, failures });
  }
}
