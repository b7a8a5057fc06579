// What no record can change: a gap of the job itself that nobody accepted, or a run that was asked for.
import { accepts } from "../../core/decide.ts";
import type { Miss } from "../../core/decision.ts";
import { gapDetail } from "../../core/gap.ts";
import type { Decided } from "../../memo/memo.ts";
import type { JobContext } from "./job-context.ts";

export function forced(decided: Decided, job: JobContext, accepted: readonly string[]): Decided {
  const misses: Miss[] = job.gaps.filter((gap) => !accepts(accepted, gap)).map((gap) => ({ kind: "gap", gap }));
  if (job.requested !== undefined) misses.push(job.requested);
  const [first, ...more] = misses;
  if (first === undefined) return decided;
  return {
    ...decided,
    verdict: { ...decided.verdict, decision: { kind: "run", misses: [first, ...more] }, auditOf: undefined },
  };
}

export function withMiss(decided: Decided, miss: Miss): Decided {
  return { ...decided, verdict: { ...decided.verdict, decision: { kind: "run", misses: [miss] }, auditOf: undefined } };
}

/** Why nothing of this job may be kept, whatever it does. */
export function unrecordedBy(job: JobContext, accepted: readonly string[]): string | undefined {
  const gap = job.gaps.find((found) => !accepts(accepted, found));
  return job.unrecorded ?? (gap === undefined ? undefined : `${gap.kind}: ${gapDetail(gap)}`);
}
