// The log of one Action: an authenticated block that compaction wrote, then authenticated lines. Bytes: docs/format.md.
// Nothing is parsed before its MAC is right; what is not authentic is counted and skipped.
import type { Digest } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import { BODY_BYTES, BODY_MAGIC, bodyReader, encodeBody } from "./entry-codec.ts";
import type { RecordEntry } from "./store.ts";

const LINE_MAC_BYTES = 16;
export const LINE_BYTES = BODY_BYTES + LINE_MAC_BYTES;
const BLOCK_HEADER_BYTES = 16;
const BLOCK_MAC_BYTES = 32;
const BLOCK_MAGIC = Buffer.from("FGB\x01", "latin1");
/** Only a damaged log has more starts of lines that are none; the rest of it is not worth 3 µs a piece. */
const MAX_WRONG_MACS = 2000;

export interface DecodedLog {
  /** In the order they were appended. */
  readonly entries: readonly RecordEntry[];
  /** Lines that were cut short by a kill or a full disk: no damage. */
  readonly torn: number;
  /** Whole lines, or a block, with a wrong MAC. */
  readonly forged: number;
  /** Where a line starts that is perhaps still being written; else the end of the log. */
  readonly end: number;
  /** Of the whole log. */
  readonly bytes: number;
  /** Of the block at the start; 0 without one. */
  readonly blockBytes: number;
}

export interface RecordLog {
  encodeLine(entry: RecordEntry): Uint8Array;
  /** What compaction puts at the start of the log. */
  encodeBlock(entries: readonly RecordEntry[]): Uint8Array;
  decode(log: Uint8Array): DecodedLog;
}

/** @param weak the Action: its digest is under each MAC, so a line copied to another Action's log is not authentic */
export function recordLog(hasher: Hasher, key: Uint8Array, weak: Digest): RecordLog {
  const mac = (kind: "line" | "block", bytes: Uint8Array): string =>
    hasher.hmac(key, Buffer.concat([Buffer.from(`foregone/record-${kind}/v1\0${weak}\0`), bytes]));

  return {
    encodeLine(entry) {
      const body = encodeBody(entry);
      return Buffer.concat([body, Buffer.from(mac("line", body), "hex").subarray(0, LINE_MAC_BYTES)]);
    },
    encodeBlock(entries) {
      const header = Buffer.alloc(BLOCK_HEADER_BYTES);
      BLOCK_MAGIC.copy(header);
      header.writeUInt32LE(entries.length, 4);
      const block = Buffer.concat([header, ...entries.map(encodeBody)]);
      return Buffer.concat([block, Buffer.from(mac("block", block), "hex")]);
    },
    decode(bytes) {
      const log = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      const entries: RecordEntry[] = [];
      const bodyAt = bodyReader(log);
      const take = (at: number): void => {
        const entry = bodyAt(at);
        if (entry !== undefined) entries.push(entry);
      };
      let at = 0;
      let torn = 0;
      let forged = 0;
      let wrongMacs = 0;
      const blockBytes = authenticBlock(log, mac);
      if (blockBytes > 0) {
        for (at = BLOCK_HEADER_BYTES; at < blockBytes - BLOCK_MAC_BYTES; at += BODY_BYTES) take(at);
        at = blockBytes;
      }
      let whole = at;
      while (at >= 0 && at < log.length) {
        if (isLine(log, at, mac)) {
          take(at);
          at += LINE_BYTES;
          whole = at;
          continue;
        }
        if (++wrongMacs > MAX_WRONG_MACS) break;
        // Where the next line starts: behind a torn one that is not after 128 bytes.
        let next = at;
        do next = log.indexOf(BODY_MAGIC, next + 1);
        while (next !== -1 && !isLine(log, next, mac) && ++wrongMacs <= MAX_WRONG_MACS);
        const gap = (next === -1 ? log.length : next) - at;
        if (gap < LINE_BYTES) torn++;
        else forged += Math.max(1, Math.floor(gap / LINE_BYTES));
        at = next;
      }
      return { entries, torn, forged, end: unfinishedAt(log, whole), bytes: log.length, blockBytes };
    },
  };
}

/** Only the last line can be unfinished: appends follow one another. */
function unfinishedAt(log: Buffer, from: number): number {
  for (let at = Math.max(from, log.length - LINE_BYTES + 1); at < log.length; at++) {
    const start = log.subarray(at, at + BODY_MAGIC.length);
    if (start.equals(BODY_MAGIC.subarray(0, start.length))) return at;
  }
  return log.length;
}

type Mac = (kind: "line" | "block", bytes: Uint8Array) => string;

function isLine(log: Buffer, at: number, mac: Mac): boolean {
  if (at + LINE_BYTES > log.length || log.compare(BODY_MAGIC, 0, 4, at, at + 4) !== 0) return false;
  const body = log.subarray(at, at + BODY_BYTES);
  return mac("line", body).startsWith(log.toString("hex", at + BODY_BYTES, at + LINE_BYTES));
}

/** @returns length of the block at the start, 0 if there is none that is authentic */
function authenticBlock(log: Buffer, mac: Mac): number {
  if (log.length < BLOCK_HEADER_BYTES || log.compare(BLOCK_MAGIC, 0, 4, 0, 4) !== 0) return 0;
  const macAt = BLOCK_HEADER_BYTES + log.readUInt32LE(4) * BODY_BYTES;
  const end = macAt + BLOCK_MAC_BYTES;
  if (end > log.length || mac("block", log.subarray(0, macAt)) !== log.toString("hex", macAt, end)) return 0;
  return end;
}
