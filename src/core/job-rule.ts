// What the event of a job allows, before any record is looked at (docs/soundness.md, "Trust"). An event that is not known is
// foreign: it may run code of others, or on no commit of its own.
import type { Miss } from "./decision.ts";

/** Run the code of the commit they name, under the workflow file of that commit. All others are foreign. */
export const OWN_EVENTS: readonly string[] = [
  "push",
  "pull_request",
  "merge_group",
  "schedule",
  "workflow_dispatch",
  "repository_dispatch",
];
/** Somebody asked for a run, and full runs bound what no observer sees. */
const REQUESTED_EVENTS = ["schedule", "workflow_dispatch"];

/** What the event of a job allows, before any record is looked at. */
export interface JobRule {
  /** Why it runs whatever is recorded; undefined: a record may serve. */
  readonly run: Miss | undefined;
  /** Why nothing is recorded of it; undefined: it is. */
  readonly noRecord: string | undefined;
}

export function jobRule(event: string, runAttempt: number): JobRule {
  if (!OWN_EVENTS.includes(event))
    return {
      run: { kind: "gap", gap: { kind: "foreign-definition", what: event } },
      noRecord: `${event} runs in a context that is not its commit's own`,
    };
  if (!(runAttempt === 1))
    return {
      run: { kind: "audit", why: "requested by re-run" },
      noRecord: "only a first attempt is evidence: a job that needed another is flaky",
    };
  const requested = REQUESTED_EVENTS.includes(event);
  return { run: requested ? { kind: "audit", why: `requested by ${event}` } : undefined, noRecord: undefined };
}
