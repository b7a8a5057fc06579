// The lines of `run` and `check` on stderr and stdout. Layout and words: one place.
import type { Decision, Miss } from "../core/decision.ts";
import type { ActionRecord } from "../core/record.ts";
import { missText } from "./misses.ts";
import { ageText, countText, durationText, plural } from "./units.ts";

/** "skip: 1,204 observations hold; proved by ci.yml run 9182 (main, 3f2c1ab0, 2 h ago)" */
export function decisionLine(decision: Decision, nowMs: number): string {
  if (decision.kind === "run") return `run: ${runReason(decision.misses)}`;
  const { record, basis } = decision;
  const count = plural(record.trace.observations.length, "observation");
  const what = basis === "exact-tree" ? `same tree, ${count} hold` : `${count} ${holds(record)}`;
  return `skip: ${what}; proved by ${proofText(record, nowMs)}`;
}

function holds(record: ActionRecord): string {
  return record.trace.observations.length === 1 ? "holds" : "hold";
}

/** First miss, and how many more there are. */
export function runReason(misses: readonly Miss[]): string {
  const [first] = misses;
  if (first === undefined) return "no reason given";
  const more = misses.length - 1;
  return more === 0 ? missText(first) : `${missText(first)}; ${countText(more)} more in \`foregone explain\``;
}

/** Who made the record: a CI run that can be looked up, or this machine. */
export function proofText(record: ActionRecord, nowMs: number): string {
  const { workflow, runId, ref, commit, recordedAt } = record.provenance;
  const age = ageText(nowMs - recordedAt);
  const where = [ref?.replace(/^refs\/(?:heads|tags)\//, ""), commit?.slice(0, 8), age].filter((x) => x !== undefined);
  return runId === undefined
    ? `a run here (${where.slice(ref === undefined ? 0 : 1).join(", ")})`
    : `${workflow ?? "CI"} run ${runId} (${where.join(", ")})`;
}

export function optOutText(optOuts: readonly string[]): string {
  return optOuts.length === 0 ? "none" : optOuts.join(", ");
}

export function savedText(record: ActionRecord, spentMs: number): string {
  return durationText(Math.max(0, record.result.durationMs - spentMs));
}

/** Observations by kind. */
export function countKinds(record: ActionRecord): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of record.trace.observations) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
