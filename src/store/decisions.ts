// The log of decisions: what `foregone run` decided and why, for `explain --last`, the dashboard and the metrics. Writing
// is best effort: a decision stands whether or not somebody can read of it later.
import type { Miss } from "../core/decision.ts";
import type { Digest } from "../core/digest.ts";
import type { Gap } from "../core/gap.ts";
import type { EpochMs } from "../ports.ts";
import type { StoreFolder } from "./folder.ts";
import { appendTo, type Line, type Position, readAt, readNewest, readSince, type SegmentLog } from "./segments.ts";

/** @param maxBytes `dashboard.decisions` */
export function decisionLog({ files, path }: Pick<StoreFolder, "files" | "path">, maxBytes: number): SegmentLog {
  return { files, path: `${path}/decisions`, maxBytes };
}

/** One decision, written when it is known how it ended: after the replay, or after the command. */
export interface DecisionEvent {
  readonly at: EpochMs;
  readonly command: readonly string[];
  /** Absolute path of the work tree: decisions of one repository belong together. */
  readonly workspace: string;
  /** Workspace-relative folder of the command. */
  readonly cwd: string;
  /** "owner/name", in Actions. */
  readonly repository?: string;
  /** Workflow path, job id and matrix, as in the Action; absent at a terminal. */
  readonly job?: string;
  readonly kind: "skip" | "run";
  /** Why a skip was allowed. */
  readonly basis?: "exact-tree" | "trace";
  /** The most telling first; at most `MAX_MISSES`. Empty for a skip. */
  readonly misses: readonly Miss[];
  /** All of them, also those left out. */
  readonly missCount: number;
  /** Observations compared, by kind. */
  readonly compared: Readonly<Record<string, number>>;
  /** The record that was reused (skip) or compared against (run), if any. */
  readonly record?: Digest;
  /** Of that record: what a person recognises. */
  readonly proof?: {
    readonly recordedAt: EpochMs;
    readonly runId?: string;
    readonly commit?: string;
    readonly ref?: string;
    readonly event?: string;
  };
  /** What the run of the command left, if it was recorded. */
  readonly recorded?: Digest;
  /** Gaps of that run: why it may not be reused. */
  readonly gaps: readonly Gap[];
  readonly optOuts: readonly string[];
  readonly decideMs: number;
  /** Of the command; absent for a skip. */
  readonly runMs?: number;
  /** What the observer cost beside the command's own time, if measured. */
  readonly traceMs?: number;
  /** Recorded duration less what deciding and replaying took, >= 0; only for a skip that spared a run. */
  readonly savedMs?: number;
  readonly exitCode?: number;
  /** A would-be skip that ran all the same, and whether the result was the same. */
  readonly audit?: "same" | "false-skip";
}

/** Beyond 20 nobody reads on; `explain` has them all. */
export const MAX_MISSES = 20;

/** A command line may be longer than a page of a book; what it is shows in its beginning. */
const MAX_COMMAND_CHARS = 4000;

/**
 * @returns false if it could not be written: worth a count, never a failure
 */
export function appendDecision(log: SegmentLog, event: DecisionEvent): boolean {
  try {
    return appendTo(log, JSON.stringify(cut(event)));
  } catch {
    return false;
  }
}

export interface StoredDecision extends DecisionEvent {
  /** Names it, for links; never changes. */
  readonly id: Position;
}

/** Newest first. @param before `next` of an earlier page */
export function readDecisions(
  log: SegmentLog,
  limit: number,
  before?: Position,
): { readonly decisions: readonly StoredDecision[]; readonly next: Position | undefined } {
  const { lines, next } = readNewest(log, limit, before);
  return { decisions: lines.flatMap(decoded), next };
}

/** @returns undefined if the log has dropped it */
export function readDecision(log: SegmentLog, id: Position): StoredDecision | undefined {
  const line = readAt(log, id);
  return line === undefined ? undefined : decoded(line)[0];
}

/** Oldest first, for readers that follow the log. */
export function followDecisions(
  log: SegmentLog,
  after: Position | undefined,
  maxBytes = 8 * 1024 * 1024,
): { readonly decisions: readonly StoredDecision[]; readonly next: Position | undefined } {
  const { lines, next } = readSince(log, after, maxBytes);
  return { decisions: lines.flatMap(decoded), next };
}

function cut(event: DecisionEvent): DecisionEvent {
  const command: string[] = [];
  let left = MAX_COMMAND_CHARS;
  for (const word of event.command) {
    if (left <= 0) break;
    command.push(word.length > left ? `${word.slice(0, left)}...` : word);
    left -= word.length;
  }
  return { ...event, command, misses: event.misses.slice(0, MAX_MISSES), gaps: event.gaps.slice(0, MAX_MISSES) };
}

/** Lines of another version or from a stranger's hand are left out, never trusted to have the right shape. */
function decoded({ text, position }: Line): StoredDecision[] {
  try {
    const event = JSON.parse(text) as Partial<DecisionEvent>;
    const sound =
      typeof event.at === "number" &&
      Array.isArray(event.command) &&
      (event.kind === "skip" || event.kind === "run") &&
      Array.isArray(event.misses) &&
      Array.isArray(event.gaps) &&
      Array.isArray(event.optOuts) &&
      typeof event.compared === "object" &&
      typeof event.decideMs === "number";
    return sound ? [{ ...(event as DecisionEvent), id: position }] : [];
  } catch {
    return [];
  }
}
