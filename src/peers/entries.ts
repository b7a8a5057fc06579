// Entries of one Action as the bytes inside a seal: 112 each, one after the other (store/entry-codec.ts).
import { BODY_BYTES, BODY_MAGIC, bodyReader, encodeBody } from "../store/entry-codec.ts";
import type { RecordEntry } from "../store/store.ts";

export function encodeEntries(entries: readonly RecordEntry[]): Buffer {
  return Buffer.concat(entries.map(encodeBody));
}

/** Those that this version knows; anything else is left out. */
export function decodeEntries(bytes: Buffer): readonly RecordEntry[] {
  const whole = Math.floor(bytes.length / BODY_BYTES);
  const read = bodyReader(bytes.subarray(0, whole * BODY_BYTES));
  return Array.from({ length: whole }, (_, n) => n * BODY_BYTES).flatMap((at) =>
    bytes.subarray(at, at + BODY_MAGIC.length).equals(BODY_MAGIC) ? (read(at) ?? []) : [],
  );
}

export const ENTRY_BYTES = BODY_BYTES;
