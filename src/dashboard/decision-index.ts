// Sums over the log of decisions, kept in memory and brought up to date by reading what was appended since: 100,000 decisions
// are read once, in slices, and then only the new ones. Bounded: one bucket for five minutes, the last commands.
import type { Miss } from "../core/decision.ts";
import { type DecisionEvent, followDecisions, type StoredDecision } from "../store/decisions.ts";
import type { Position, SegmentLog } from "../store/segments.ts";

export interface Sums {
  skips: number;
  runs: number;
  /** Runs that a skip would have been, made to check. */
  audits: number;
  falseSkips: number;
  savedMs: number;
  runMs: number;
  decideMs: number;
  traceMs: number;
  /** First miss of each run, by reason. */
  readonly reasons: Record<string, number>;
}

export interface Bucket extends Sums {
  /** Start, milliseconds since the epoch. */
  readonly at: number;
}

export interface CommandSums extends Sums {
  readonly key: string;
  readonly command: readonly string[];
  readonly workspace: string;
  readonly cwd: string;
  readonly job?: string;
  lastAt: number;
  lastId: string;
  lastKind: "skip" | "run";
  lastReason: string | undefined;
}

const BUCKET_MS = 5 * 60_000;
/** 30 days; about 200 bytes each. */
const MAX_BUCKETS = 8640;
/** A monorepo's jobs with their matrices; each is about 1 kB. */
const MAX_COMMANDS = 2000;
/** More at once than a page shows. */
const MAX_NEWEST = 100;
/** About 20 ms of reading and parsing, then others have their turn. */
const SLICE_BYTES = 1024 * 1024;

export class DecisionIndex {
  readonly #log: SegmentLog;
  readonly #buckets = new Map<number, Bucket>();
  readonly #commands = new Map<string, CommandSums>();
  #next: Position | undefined;
  #count = 0;
  #reading: Promise<void> | undefined;
  readonly #newest: StoredDecision[] = [];

  constructor(log: SegmentLog) {
    this.#log = log;
  }

  /** Decisions read so far, also those that the log has dropped since. */
  get count(): number {
    return this.#count;
  }

  /** What was read after `count` stood at this, oldest first; the last 100 of them. */
  since(count: number): readonly StoredDecision[] {
    return this.#newest.slice(Math.max(0, this.#newest.length - Math.max(0, this.#count - count)));
  }

  /** Reads what is new; calls at the same time share one reading. */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /**
   * @param fromMs epoch milliseconds
   * @param stepMs a multiple of 5 minutes
   * @param zoneMs what the reader's clock is behind UTC, so that a day is their day
   * @returns one bucket a step from `fromMs` to `toMs`, empty ones too
   */
  timeline(fromMs: number, toMs: number, stepMs: number, zoneMs: number): readonly Bucket[] {
    const start = Math.floor((fromMs - zoneMs) / stepMs) * stepMs + zoneMs;
    const steps = Array.from({ length: Math.ceil((toMs - start) / stepMs) }, (_, i) => emptyBucket(start + i * stepMs));
    for (const bucket of this.#buckets.values()) {
      const step = steps[Math.floor((bucket.at - start) / stepMs)];
      if (step !== undefined) addSums(step, bucket);
    }
    return steps;
  }

  /** Most recently decided first. */
  commands(): readonly CommandSums[] {
    return [...this.#commands.values()].sort((a, b) => b.lastAt - a.lastAt);
  }

  async #read(): Promise<void> {
    for (;;) {
      const { decisions, next } = followDecisions(this.#log, this.#next, SLICE_BYTES);
      for (const decision of decisions) this.#add(decision);
      this.#newest.push(...decisions);
      this.#newest.splice(0, Math.max(0, this.#newest.length - MAX_NEWEST));
      const done = next === this.#next;
      this.#next = next;
      if (done) return;
      await new Promise(setImmediate);
    }
  }

  #add(decision: StoredDecision): void {
    this.#count++;
    const at = Math.floor(decision.at / BUCKET_MS) * BUCKET_MS;
    let bucket = this.#buckets.get(at);
    if (bucket === undefined) {
      bucket = emptyBucket(at);
      this.#buckets.set(at, bucket);
      if (this.#buckets.size > MAX_BUCKETS) this.#buckets.delete(Math.min(...this.#buckets.keys()));
    }
    addDecision(bucket, decision);
    const { command, workspace, cwd, job } = decision;
    const key = JSON.stringify([workspace, cwd, job ?? "", command]);
    const known = this.#commands.get(key);
    const sums: CommandSums = known ?? {
      ...emptySums(),
      key,
      command,
      workspace,
      cwd,
      ...(job !== undefined && { job }),
      lastAt: 0,
      lastId: "",
      lastKind: "run",
      lastReason: undefined,
    };
    addDecision(sums, decision);
    sums.lastAt = decision.at;
    sums.lastId = decision.id;
    sums.lastKind = decision.kind;
    sums.lastReason = decision.kind === "run" ? reasonOf(decision) : undefined;
    // Re-inserted last: a Map keeps insertion order, so the first is the one unused for longest.
    this.#commands.delete(key);
    this.#commands.set(key, sums);
    if (this.#commands.size > MAX_COMMANDS) this.#commands.delete(this.#commands.keys().next().value ?? "");
  }
}

/** One word for the first miss: its kind, with the kind of gap. */
export function reasonOf({ misses }: Pick<DecisionEvent, "misses">): string {
  const [first] = misses;
  return first === undefined ? "unknown" : reasonWord(first);
}

function reasonWord(miss: Miss): string {
  return miss.kind === "gap" ? `gap:${miss.gap.kind}` : miss.kind;
}

function addDecision(sums: Sums, decision: DecisionEvent): void {
  if (decision.kind === "skip") sums.skips++;
  else sums.runs++;
  if (decision.audit !== undefined) sums.audits++;
  if (decision.audit === "false-skip") sums.falseSkips++;
  sums.savedMs += decision.savedMs ?? 0;
  sums.runMs += decision.runMs ?? 0;
  sums.decideMs += decision.decideMs;
  sums.traceMs += decision.traceMs ?? 0;
  if (decision.kind === "run") {
    const reason = reasonOf(decision);
    sums.reasons[reason] = (sums.reasons[reason] ?? 0) + 1;
  }
}

function addSums(into: Sums, from: Sums): void {
  into.skips += from.skips;
  into.runs += from.runs;
  into.audits += from.audits;
  into.falseSkips += from.falseSkips;
  into.savedMs += from.savedMs;
  into.runMs += from.runMs;
  into.decideMs += from.decideMs;
  into.traceMs += from.traceMs;
  for (const [reason, count] of Object.entries(from.reasons))
    into.reasons[reason] = (into.reasons[reason] ?? 0) + count;
}

function emptySums(): Sums {
  return { skips: 0, runs: 0, audits: 0, falseSkips: 0, savedMs: 0, runMs: 0, decideMs: 0, traceMs: 0, reasons: {} };
}

function emptyBucket(at: number): Bucket {
  return { ...emptySums(), at };
}
