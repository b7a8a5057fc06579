// An engine as the layer that the product makes of it, with what it tells, for tests of what happens when it fails.
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { bounded } from "../store/bounded.ts";
import { bucketStore } from "../store/bucket.ts";
import type { StoreEvent } from "../store/events.ts";
import type { EngineBucket } from "../store/redis.ts";
import { sealed } from "../store/sealed.ts";
import type { Store } from "../store/store.ts";
import { verified } from "../store/verified.ts";
import { digestOf, entryOf } from "./store.contract.ts";

/** Of every lab; short, so that a hang costs little. */
export const DEADLINE_MS = 300;
export const MAX_BYTES = 100_000;
/** As a whole: one deadline, and a loaded machine. */
export const BUDGET_MS = 2000;

export interface EngineLab {
  readonly store: Store;
  readonly events: StoreEvent[];
}

export function engineLab(bucket: EngineBucket): EngineLab {
  const events: StoreEvent[] = [];
  const onEvent = (event: StoreEvent): void => void events.push(event);
  const inner = bucketStore(sealed(bucket, Buffer.alloc(32, 1), systemRandom, onEvent), nodeHasher);
  const bounds = { deadlineMs: DEADLINE_MS, maxBytes: MAX_BYTES, maxFailures: 3 };
  return { store: bounded(verified(inner, nodeHasher, onEvent), bounds, systemClock, onEvent), events };
}

export interface Tried {
  /** Every read answered as if nothing were there. */
  readonly missed: boolean;
  /** Of reads and writes, in order, without doubles; "off" is no cause. */
  readonly codes: readonly string[];
  readonly ms: number;
  /** All that was thrown or told, as text: nothing secret may be in it. */
  readonly told: string;
}

/** Each operation once. */
export async function tryAll({ store, events }: EngineLab): Promise<Tried> {
  const from = performance.now();
  const digest = digestOf("x");
  const got = await store.blobs.get(digest);
  const missing = await store.blobs.findMissing([digest]);
  const entries = await store.records.lookup(digest);
  const thrown: unknown[] = [];
  const keep = (error: unknown): void => void thrown.push(error);
  await store.blobs.put(Buffer.from("x")).catch(keep);
  await store.records.append(digest, entryOf("set", "s", 1)).catch(keep);
  const ms = performance.now() - from;
  const read = events.flatMap((event) => (event.type === "failed" ? [event.code] : []));
  const wrote = thrown.map((error) => String((error as { code?: unknown }).code));
  return {
    missed: got === undefined && missing.length === 1 && entries.length === 0,
    codes: [...new Set([...read, ...wrote])].filter((code) => code !== "off"),
    ms,
    told: JSON.stringify([events, thrown.map((error) => [String(error), error, (error as Error).cause])]),
  };
}
