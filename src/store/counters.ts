// Counters that outlive their processes: every process appends what it added, and the sum of all lines is the count. A line is
// written at most once and read at most once, so nothing is counted twice; what a killed process had not written is missing.
//
// Old segments are folded into one file of sums that names the last segment it holds, so that a crash between writing the sums
// and deleting the segments counts nothing twice. Segments are only folded when two newer ones exist: their writers have long
// gone on. Folding takes the lock; without it nobody folds, and the log is only longer.
import { removeQuietly, type StoreFolder, writeWhole } from "./folder.ts";
import { acquire } from "./lock.ts";
import {
  appendTo,
  dropSegment,
  type Position,
  readSince,
  segmentLines,
  segmentNumbers,
  segmentOf,
  type SegmentLog,
  startOf,
} from "./segments.ts";

export type Sums = Readonly<Record<string, number>>;

/** Segments kept beside the sums; the newest is being written. */
const KEEP_SEGMENTS = 2;
/** 4 MiB are some 40,000 lines; reading them anew costs a start of the agent 50 ms. */
const MAX_SEGMENTS = 4;
/** About 1,000 series of 100 bytes. */
const MAX_SUMS_BYTES = 4 * 1024 * 1024;

interface Folded {
  readonly through: number;
  readonly sums: Sums;
}

/** What one process adds, until it is flushed. */
export class Counters {
  readonly #folder: StoreFolder;
  readonly #log: SegmentLog;
  #added: Record<string, number> = {};

  constructor(folder: StoreFolder) {
    this.#folder = folder;
    this.#log = logOf(folder);
  }

  /** @param delta finite and above 0; anything else is no growth and is left out */
  add(series: string, delta = 1): void {
    if (Number.isFinite(delta) && delta > 0) this.#added[series] = (this.#added[series] ?? 0) + delta;
  }

  /** One line; best effort, never an exception. What could not be written is kept for the next time. */
  async flush(): Promise<boolean> {
    if (Object.keys(this.#added).length === 0) return true;
    try {
      if (!appendTo(this.#log, JSON.stringify(this.#added))) return false;
      this.#added = {};
      if (segmentNumbers(this.#log).length > MAX_SEGMENTS) await fold(this.#folder, this.#log);
      return true;
    } catch {
      return false;
    }
  }
}

/** Sums of everything flushed by anybody; each `read` looks only at what is new. */
export class CounterReader {
  readonly #folder: StoreFolder;
  readonly #log: SegmentLog;
  readonly #sums: Record<string, number> = {};
  #next: Position | undefined;
  #started = false;

  constructor(folder: StoreFolder) {
    this.#folder = folder;
    this.#log = logOf(folder);
  }

  read(): Sums {
    const [oldest = 0] = segmentNumbers(this.#log);
    // Others folded what we had not read yet: begin again from their sums.
    if (!this.#started || (this.#next !== undefined && segmentOf(this.#next) + 1 < oldest)) this.#restart();
    for (;;) {
      const { lines, next } = readSince(this.#log, this.#next, 1024 * 1024);
      for (const { text } of lines) addAll(this.#sums, text);
      if (next === this.#next) return { ...this.#sums };
      this.#next = next;
    }
  }

  #restart(): void {
    for (const series of Object.keys(this.#sums)) delete this.#sums[series];
    const folded = readFolded(this.#folder);
    for (const [series, value] of Object.entries(folded.sums)) this.#sums[series] = value;
    this.#next = folded.through === 0 ? undefined : startOf(folded.through + 1);
    this.#started = true;
  }
}

async function fold(folder: StoreFolder, log: SegmentLog): Promise<void> {
  const lock = `${folder.path}/counters/lock`;
  if (!acquire(folder, lock)) return;
  try {
    const before = readFolded(folder);
    const numbers = segmentNumbers(log).slice(0, -KEEP_SEGMENTS);
    const sums = { ...before.sums };
    for (const number of numbers)
      if (number > before.through) for (const { text } of segmentLines(log, number)) addAll(sums, text);
    const through = Math.max(before.through, numbers.at(-1) ?? 0);
    await writeWhole(folder, sumsPath(folder), new TextEncoder().encode(JSON.stringify({ through, sums })), "durable");
    for (const number of numbers) dropSegment(log, number);
  } finally {
    removeQuietly(folder.files, lock);
  }
}

function addAll(sums: Record<string, number>, json: string): void {
  let added: unknown;
  try {
    added = JSON.parse(json);
  } catch {
    return; // a fragment
  }
  if (typeof added !== "object" || added === null) return;
  for (const [series, delta] of Object.entries(added))
    if (typeof delta === "number" && Number.isFinite(delta) && delta > 0) sums[series] = (sums[series] ?? 0) + delta;
}

function readFolded(folder: StoreFolder): Folded {
  try {
    const read = folder.files.read(sumsPath(folder), MAX_SUMS_BYTES);
    if (read === undefined) return { through: 0, sums: {} };
    const { through, sums } = JSON.parse(new TextDecoder().decode(read.bytes)) as Partial<Folded>;
    return Number.isSafeInteger(through) && typeof sums === "object"
      ? { through: Number(through), sums }
      : { through: 0, sums: {} };
  } catch {
    return { through: 0, sums: {} };
  }
}

function sumsPath(folder: StoreFolder): string {
  return `${folder.path}/counters/sums.json`;
}

function logOf({ files, path }: StoreFolder): SegmentLog {
  // Folding bounds it; nothing may be dropped unread.
  return { files, path: `${path}/counters`, maxBytes: Number.MAX_SAFE_INTEGER };
}
