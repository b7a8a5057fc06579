// Bodies of frames and claims are dag-cbor maps, at most 4 KB. The library takes unsorted keys, so what identifies a claim is
// always the bytes as received, never what they decode to.
import { decode, encode } from "@ipld/dag-cbor";

export const MAX_MAP_BYTES = 4096;

export type CborMap = Readonly<Record<string, unknown>>;

export function encodeMap(map: CborMap): Buffer {
  const bytes = encode(map);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** @returns undefined for anything that is not one map of at most 4 KB: never throws */
export function decodeMap(bytes: Uint8Array): CborMap | undefined {
  if (bytes.length > MAX_MAP_BYTES) return undefined;
  try {
    const value: unknown = decode(bytes);
    return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
      ? (value as CborMap)
      : undefined;
  } catch {
    return undefined;
  }
}

/** @param length exactly so many bytes */
export function bytesIn(map: CborMap, name: string, length: number): Buffer | undefined {
  const value = map[name];
  return value instanceof Uint8Array && value.length === length
    ? Buffer.from(value.buffer, value.byteOffset, value.length)
    : undefined;
}

/** A whole number from 0 to `max`. */
export function countIn(map: CborMap, name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = map[name];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max ? value : undefined;
}

export function textIn(map: CborMap, name: string, maxLength: number): string | undefined {
  const value = map[name];
  return typeof value === "string" && value.length <= maxLength ? value : undefined;
}

/** At most `max` members; those that `read` does not take are left out. */
export function listIn<T>(map: CborMap, name: string, max: number, read: (value: unknown) => T | undefined): T[] {
  const value = map[name];
  return Array.isArray(value) ? value.slice(0, max).flatMap((each) => read(each) ?? []) : [];
}
