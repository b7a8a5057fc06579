// A bounded log of JSON lines that many processes append to and one page at a time is read from, newest first.
//
// Segments are numbered files of about 1 MiB. An append is one write(2) on an O_APPEND descriptor of the newest one, so lines
// of different processes never mix; who finds it full opens the next number, and it does not matter if two do. Only the
// oldest segments are deleted, and nobody writes to those. Each line begins with a line feed too: after a fragment that a
// full disk or a power cut left, the next line is whole. Not synced: this explains and counts, nothing is decided by it, and
// kill -9 loses nothing that was written. Rejected: one file that is compacted (100 MB rewritten to drop 1 MB), SQLite
// (native, or 1 MB of WebAssembly at every start).
import type { StoreFiles } from "../ports.ts";

export interface SegmentLog {
  readonly files: StoreFiles;
  /** Absolute; made when first written to. */
  readonly path: string;
  readonly maxBytes: number;
}

/** Small enough to drop in steps of 1 in 256 of the default bound, large enough that a listing is short. */
export const SEGMENT_BYTES = 1024 * 1024;
/** A longer line is refused: one write must stay one write, and a reader's memory bounded. */
export const MAX_LINE_BYTES = 256 * 1024;

/** Where a line is: opaque to callers, `<segment>-<offset>`. Older lines have smaller positions. */
export type Position = string & { readonly __brand: "Position" };

export interface Line {
  readonly position: Position;
  readonly text: string;
}

/**
 * @param json one line
 * @returns false if it is too long
 * @throws Error with an errno: the caller decides whether anybody needs to know
 */
export function appendTo(log: SegmentLog, json: string): boolean {
  const line = new TextEncoder().encode(`\n${json}\n`);
  if (line.length > MAX_LINE_BYTES) return false;
  const newest = segmentNumbers(log).at(-1) ?? 1;
  let fd = openSegment(log, newest);
  try {
    if (log.files.fstat(fd).sizeBytes + line.length > SEGMENT_BYTES) {
      log.files.close(fd);
      dropOldest(log, newest);
      fd = openSegment(log, newest + 1);
    }
    log.files.write(fd, line);
  } finally {
    log.files.close(fd);
  }
  return true;
}

/**
 * Newest first. Lines that are no JSON objects (fragments) are left out.
 * @param before start before this position, as returned with an earlier page; undefined: at the end
 * @returns at most `limit` lines, and where the next page starts; undefined when there is nothing older
 */
export function readNewest(
  log: SegmentLog,
  limit: number,
  before?: Position,
): { readonly lines: readonly Line[]; readonly next: Position | undefined } {
  const from = before === undefined ? undefined : parsePosition(before);
  const lines: Line[] = [];
  for (const number of segmentNumbers(log).reverse()) {
    if (from !== undefined && number > from.number) continue;
    const end = from?.number === number ? from.offset : Number.MAX_SAFE_INTEGER;
    for (const line of backwards(log, number, end)) {
      lines.push(line);
      if (lines.length === limit) return { lines, next: line.position };
    }
  }
  return { lines, next: undefined };
}

/** The line at a position; undefined if it is gone. */
export function readAt(log: SegmentLog, position: Position): Line | undefined {
  const { number, offset } = parsePosition(position);
  const [line] = split(readSegment(log, number, offset, MAX_LINE_BYTES), number, offset);
  return line?.position === position ? line : undefined;
}

/**
 * Oldest first, from a position on: for readers that follow. A last line without its end is left for the next time.
 * @param after the `next` of an earlier call; undefined: from the oldest
 */
export function readSince(
  log: SegmentLog,
  after: Position | undefined,
  maxBytes: number,
): { readonly lines: readonly Line[]; readonly next: Position | undefined } {
  const from = after === undefined ? undefined : parsePosition(after);
  const lines: Line[] = [];
  let next = after;
  let left = maxBytes;
  const all = segmentNumbers(log);
  for (const [i, number] of all.entries()) {
    if (from !== undefined && number < from.number) continue;
    const start = from?.number === number ? from.offset : 0;
    const bytes = readSegment(log, number, start, Math.min(left, SEGMENT_BYTES + MAX_LINE_BYTES));
    const whole = bytes.lastIndexOf(0x0a) + 1;
    for (const line of split(bytes.subarray(0, whole), number, start)) lines.push(line);
    next = positionOf(number, start + whole);
    left -= bytes.length;
    // Only the newest segment can still grow.
    if (left <= 0 || i === all.length - 1) break;
  }
  return { lines, next };
}

/** All lines of one segment, oldest first. */
export function segmentLines(log: SegmentLog, number: number): readonly Line[] {
  return split(readSegment(log, number, 0, SEGMENT_BYTES + MAX_LINE_BYTES), number, 0);
}

export function dropSegment(log: SegmentLog, number: number): void {
  log.files.unlink(segmentPath(log, number));
}

export function segmentOf(position: Position): number {
  return parsePosition(position).number;
}

/** Where a segment begins. */
export function startOf(number: number): Position {
  return positionOf(number, 0);
}

function* backwards(log: SegmentLog, number: number, end: number): Generator<Line> {
  const bytes = readSegment(log, number, 0, Math.min(end, SEGMENT_BYTES + MAX_LINE_BYTES));
  yield* split(bytes, number, 0).reverse();
}

function split(bytes: Uint8Array, number: number, base: number): Line[] {
  const lines: Line[] = [];
  let start = 0;
  while (start < bytes.length) {
    let end = bytes.indexOf(0x0a, start);
    if (end < 0) end = bytes.length;
    // 0x7b, 0x7d: braces. What is cut in the middle lacks one of them.
    if (bytes[start] === 0x7b && bytes[end - 1] === 0x7d)
      lines.push({
        position: positionOf(number, base + start),
        text: new TextDecoder().decode(bytes.subarray(start, end)),
      });
    start = end + 1;
  }
  return lines;
}

function readSegment(log: SegmentLog, number: number, start: number, maxBytes: number): Uint8Array {
  const { files } = log;
  const path = segmentPath(log, number);
  if (maxBytes <= 0 || files.stat(path) === undefined) return new Uint8Array();
  const fd = files.openAppend(path);
  try {
    return files.readFrom(fd, start, maxBytes);
  } finally {
    files.close(fd);
  }
}

/** Keeps the total below the bound after one more segment. */
function dropOldest(log: SegmentLog, newest: number): void {
  const keep = Math.max(1, Math.floor(log.maxBytes / SEGMENT_BYTES) - 1);
  for (const number of segmentNumbers(log)) if (number <= newest - keep) log.files.unlink(segmentPath(log, number));
}

function openSegment(log: SegmentLog, number: number): number {
  const path = segmentPath(log, number);
  try {
    return log.files.openAppend(path);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    log.files.mkdir(log.path);
    return log.files.openAppend(path);
  }
}

/** Numbers of the segments there are, ascending. */
export function segmentNumbers(log: SegmentLog): number[] {
  return (log.files.list(log.path) ?? [])
    .flatMap((name) => (/^\d{8}\.jsonl$/.test(name) ? [Number(name.slice(0, 8))] : []))
    .sort((a, b) => a - b);
}

function segmentPath(log: SegmentLog, number: number): string {
  return `${log.path}/${String(number).padStart(8, "0")}.jsonl`;
}

function positionOf(number: number, offset: number): Position {
  return `${number}-${offset}` as Position;
}

/** @returns undefined for what is no position: it comes back from web pages */
export function asPosition(text: string): Position | undefined {
  return /^\d{1,8}-\d{1,10}$/.test(text) ? (text as Position) : undefined;
}

function parsePosition(position: Position): { number: number; offset: number } {
  const [number = "0", offset = "0"] = position.split("-");
  return { number: Number(number), offset: Number(offset) };
}
