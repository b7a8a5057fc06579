// What one cache entry of ours holds: the lines of one bucket key, oldest first, and with the newest of them the small values that
// were written just before (the record, its output log), so that a hit is one download.
//
//   "FGU" 1 | varint size of what follows, inflated | deflated:
//     varint lines | each: varint length, bytes
//     varint units | each: varint index of its line, varint values | each value: u8 length of its key, key, varint length, bytes
//
// Nothing in it is believed: lines are entries that vouch for nothing, values are hashed by `verified`.
import { ByteReader, ByteWriter } from "../../core/bytes.ts";
import type { Deflate } from "../../ports.ts";

export const MAX_LINES = 1_000;
/** Lines whose values are carried; older ones are found by their own keys, or are a miss. */
export const MAX_UNITS = 20;
/** Of one line. */
const MAX_VALUES = 1_000;
export const MAX_VALUE_BYTES = 64 * 1024;
/** Of all values carried, and of the whole when read: 20 records of 200 kB. */
export const MAX_CARRIED_BYTES = 4 * 1024 * 1024;
export const MAX_BUNDLE_BYTES = 6 * 1024 * 1024;
const MAGIC = Buffer.from("FGU\x01", "latin1");

export interface BundleLine {
  readonly line: Uint8Array;
  /** By bucket key. */
  readonly values: ReadonlyMap<string, Uint8Array>;
}

/** Drops the oldest lines beyond the limit, and the values of all but the newest. */
export function encodeBundle(lines: readonly BundleLine[], deflate: Deflate): Uint8Array {
  const kept = lines.slice(-MAX_LINES);
  const units: (readonly [at: number, values: readonly (readonly [string, Uint8Array])[]])[] = [];
  let carried = 0;
  for (let at = kept.length - 1; at >= 0 && units.length < MAX_UNITS; at--) {
    const values = [...(kept[at]?.values ?? [])];
    carried += values.reduce((sum, [, value]) => sum + value.length, 0);
    if (carried > MAX_CARRIED_BYTES) break;
    if (values.length > 0) units.push([at, values]);
  }
  const body = new ByteWriter();
  const sized = (bytes: Uint8Array): void => {
    body.varint(bytes.length);
    body.bytes(bytes);
  };
  body.varint(kept.length);
  for (const { line } of kept) sized(line);
  body.varint(units.length);
  for (const [at, values] of units) {
    body.varint(at);
    body.varint(values.length);
    for (const [key, value] of values) {
      body.u8(key.length);
      body.bytes(Buffer.from(key, "latin1"));
      sized(value);
    }
  }
  const inflated = body.done();
  const whole = new ByteWriter();
  whole.bytes(MAGIC);
  whole.varint(inflated.length);
  whole.bytes(deflate.deflate(inflated));
  return whole.done();
}

/** @returns undefined for anything that is not exactly a bundle */
export function decodeBundle(bytes: Uint8Array, deflate: Deflate): readonly BundleLine[] | undefined {
  const whole = new ByteReader(bytes);
  if (!whole.take(MAGIC.length).equals(MAGIC)) return undefined;
  const length = whole.varint();
  const packed = whole.take(whole.left);
  const inflated = whole.failed || length > MAX_BUNDLE_BYTES ? undefined : deflate.inflate(packed, length);
  if (inflated?.length !== length) return undefined;
  const body = new ByteReader(inflated);
  const lines = times(body, MAX_LINES, () => ({
    line: body.take(body.varint()),
    values: new Map<string, Uint8Array>(),
  }));
  times(body, MAX_UNITS, () => {
    const values = lines[body.varint()]?.values;
    times(body, MAX_VALUES, () => {
      const key = body.take(body.u8()).toString("latin1");
      values?.set(key, body.take(body.varint()));
    });
  });
  return body.failed || body.left > 0 ? undefined : lines;
}

function times<T>(body: ByteReader, max: number, read: () => T): T[] {
  const count = body.varint();
  if (count > max) body.failed = true;
  const values: T[] = [];
  while (values.length < count && !body.failed) values.push(read());
  return values;
}
