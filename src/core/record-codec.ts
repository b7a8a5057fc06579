// ActionRecord <-> bytes. The specification, with measured sizes and rejected designs, is docs/format.md; the frozen bytes in
// test/vectors/record hold this file to it.
import type { Deflate } from "../ports.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { canonicalJson, type Json } from "./canonical.ts";
import type { Digest } from "./digest.ts";
import { decodeObservations, encodeObservations } from "./observation-codec.ts";
import type { ActionRecord } from "./record.ts";
import { type RecordHeader, wrongPart } from "./record-shape.ts";

export const RECORD_VERSION = 1;
/** More is not recorded (gap `too-large`): x 100 B = 50 MB to hold and compare. */
export const MAX_OBSERVATIONS = 500_000;
const MAX_HEADER_BYTES = 32 * 1024 * 1024;
const MAX_COLUMNS_BYTES = 128 * 1024 * 1024;
const MAGIC = Buffer.from("FGR", "latin1");

export type DecodedRecord =
  | { readonly kind: "record"; readonly record: ActionRecord }
  /** Written by a newer Foregone: not ours to judge, so `no-record`. */
  | { readonly kind: "newer"; readonly version: number }
  /** Not a record: `untrusted`, never repaired. */
  | { readonly kind: "corrupt"; readonly why: string };

/**
 * @returns undefined if there are more than MAX_OBSERVATIONS, or the rest is larger than a reader accepts
 * @throws TypeError for text that UTF-8 or JSON cannot say, or a key with a NUL: a bug in the caller
 */
export function encodeRecord(record: ActionRecord, deflate: Deflate): Uint8Array | undefined {
  const { trace, ...rest } = record;
  if (trace.observations.length > MAX_OBSERVATIONS) return undefined;
  const header = Buffer.from(canonicalJson({ ...rest, gaps: trace.gaps } as unknown as Json), "utf8");
  const { columns, digests } = encodeObservations(trace.observations);
  if (header.length > MAX_HEADER_BYTES || columns.length > MAX_COLUMNS_BYTES) return undefined;
  const packed = [header, columns].map((part) => deflate.deflate(part));
  const writer = new ByteWriter();
  writer.bytes(MAGIC);
  writer.u8(RECORD_VERSION);
  for (const size of [header.length, packed[0]?.length, columns.length, packed[1]?.length]) writer.varint(size ?? 0);
  for (const part of packed) writer.bytes(part);
  writer.bytes(digests);
  return writer.done();
}

/** Never throws, whatever the bytes. */
export function decodeRecord(bytes: Uint8Array, deflate: Deflate): DecodedRecord {
  const opened = openRecord(bytes, deflate);
  if (opened.kind !== "opened") return opened;
  const { header, reader, columnsBytes, columnsPacked } = opened;
  const packed = reader.take(columnsPacked);
  if (reader.failed || columnsBytes > MAX_COLUMNS_BYTES) return corrupt("columns");
  const columns = deflate.inflate(packed, columnsBytes);
  if (columns?.length !== columnsBytes) return corrupt("columns");
  const observations = decodeObservations(columns, reader.take(reader.left), MAX_OBSERVATIONS);
  if (typeof observations === "string") return corrupt(observations);
  const { gaps, ...rest } = header;
  return { kind: "record", record: { ...rest, trace: { observations, gaps } } };
}

/** The blobs that a record needs, without decoding its observations; undefined if the bytes are no record of ours. */
export function recordReferences(bytes: Uint8Array, deflate: Deflate): readonly Digest[] | undefined {
  const opened = openRecord(bytes, deflate);
  return opened.kind === "opened" ? referencesOf(opened.header) : undefined;
}

/** All blobs without which the record cannot be replayed: its output log and the contents of the output files it restores. */
export function referencesOf(record: Pick<ActionRecord, "result">): readonly Digest[] {
  const { output, outputs } = record.result;
  return [...new Set([output, ...outputs.flatMap(({ content, restored }) => (restored && content) || [])])];
}

function openRecord(bytes: Uint8Array, deflate: Deflate) {
  const reader = new ByteReader(bytes);
  if (!reader.take(MAGIC.length).equals(MAGIC)) return corrupt("magic");
  const version = reader.u8();
  if (version > RECORD_VERSION) return { kind: "newer" as const, version };
  if (version !== RECORD_VERSION) return corrupt("version");
  const headerBytes = reader.varint();
  const headerPacked = reader.varint();
  const columnsBytes = reader.varint();
  const columnsPacked = reader.varint();
  const packed = reader.take(headerPacked);
  if (reader.failed || headerBytes > MAX_HEADER_BYTES) return corrupt("header");
  const header = parseHeader(deflate.inflate(packed, headerBytes), headerBytes);
  if (typeof header === "string") return corrupt(header);
  return { kind: "opened" as const, header, reader, columnsBytes, columnsPacked };
}

function parseHeader(bytes: Uint8Array | undefined, length: number): RecordHeader | string {
  if (bytes?.length !== length) return "header";
  const reader = new ByteReader(bytes);
  const text = reader.text(length);
  if (reader.failed) return "header";
  try {
    const header: unknown = JSON.parse(text);
    return wrongPart(header) ?? (header as RecordHeader);
  } catch {
    return "header";
  }
}

function corrupt(why: string): { readonly kind: "corrupt"; readonly why: string } {
  return { kind: "corrupt", why };
}
