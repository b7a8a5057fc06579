// The log of decisions, added up: what was decided, why, and what it saved. A lookup is not a saving: only a replay that
// spared a run carries `savedMs`.
import { type DecisionEvent, followDecisions } from "./decisions.ts";
import type { Position, SegmentLog } from "./segments.ts";

export interface Tally {
  /** Time of the oldest decision that is still in the log; absent without any. */
  readonly since?: number;
  readonly decisions: number;
  readonly skips: number;
  readonly runs: number;
  /** Of runs, by the kind of the first miss. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly recorded: number;
  readonly savedMs: number;
  readonly decideMs: number;
  readonly traceMs: number;
  readonly audits: number;
  readonly falseSkips: number;
}

export function tallyDecisions(log: SegmentLog): Tally {
  const reasons = new Map<string, number>();
  const sum = { skips: 0, runs: 0, recorded: 0, savedMs: 0, decideMs: 0, traceMs: 0, audits: 0, falseSkips: 0 };
  let since: number | undefined;
  let after: Position | undefined;
  for (;;) {
    const { decisions, next } = followDecisions(log, after);
    for (const event of decisions) {
      since = Math.min(since ?? event.at, event.at);
      add(sum, event);
      const [first] = event.misses;
      if (event.kind === "run" && first !== undefined) reasons.set(first.kind, (reasons.get(first.kind) ?? 0) + 1);
    }
    if (next === undefined || next === after) break;
    after = next;
  }
  const byCount = [...reasons].sort((a, b) => b[1] - a[1]);
  return {
    ...(since !== undefined && { since }),
    decisions: sum.skips + sum.runs,
    ...sum,
    reasons: Object.fromEntries(byCount),
  };
}

type Sums = { -readonly [K in Exclude<keyof Tally, "since" | "decisions" | "reasons">]: number };

function add(sum: Sums, event: DecisionEvent): void {
  sum[event.kind === "skip" ? "skips" : "runs"]++;
  if (event.recorded !== undefined) sum.recorded++;
  sum.savedMs += event.savedMs ?? 0;
  sum.decideMs += event.decideMs;
  sum.traceMs += event.traceMs ?? 0;
  if (event.audit !== undefined) sum.audits++;
  if (event.audit === "false-skip") sum.falseSkips++;
}
