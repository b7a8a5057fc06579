// Digests and entries of nothing in particular, told apart by a text.
import type { Digest } from "../core/digest.ts";
import { nodeHasher } from "../node/ports.ts";
import type { EpochMs } from "../ports.ts";
import type { RecordEntry } from "../store/store.ts";

/** A digest that names no blob of the test. */
export function digestOf(text: string): Digest {
  return `sha256:${nodeHasher.sha256(text)}` as Digest;
}

export function entryOf(pathSet: string, strong: string, recordedAt: number): RecordEntry {
  return {
    pathSet: digestOf(pathSet),
    strong: digestOf(strong),
    record: digestOf(`record of ${strong}`),
    recordedAt: recordedAt as EpochMs,
  };
}
