// What the event of a job allows: whether a stored result may serve it, whether its scan may be stored, whether a replay is
// to be uploaded. Fields come from GitHub's event payload, which the job cannot have written.
import type { Miss } from "../core/decision.ts";
import { asObject, asText, at, type Loose } from "./sarif/look.ts";

export interface JobEvent {
  /** "push", "pull_request", ...; empty at a terminal. */
  readonly name: string;
  readonly ref: string;
  readonly defaultBranch: string | undefined;
  readonly runAttempt: number;
  /** A pull request whose head lives in another repository. */
  readonly fork: boolean;
  /** "refs/heads/topic" of a pull request. */
  readonly headRef: string | undefined;
}

export interface EventRule {
  /** Why the scan runs whatever is stored; undefined: a stored result may serve. */
  readonly run: Miss | undefined;
  /** Why its result is not stored; undefined: it is. */
  readonly noStore: string | undefined;
  /** Code scanning does not know merge queue refs: a replay there is not uploaded (github/codeql-action#1572). */
  readonly upload: boolean;
}

/** Run in the base's context with a foreign commit, or on no commit of their own. */
const FOREIGN = new Set(["pull_request_target", "issue_comment", "workflow_run"]);
/** Somebody asked for a scan, and full scans are what bounds everything the key cannot see. */
const REQUESTED = new Set(["schedule", "workflow_dispatch"]);

export function jobEvent(env: Readonly<Record<string, string>>, payload: unknown): JobEvent {
  const head = at(payload, "pull_request", "head");
  const headRepository = at(head, "repo", "id");
  const base = at(payload, "pull_request", "base", "repo", "id");
  const headRef = asText(at(head, "ref"));
  return {
    name: env["GITHUB_EVENT_NAME"] ?? "",
    ref: env["GITHUB_REF"] ?? "",
    defaultBranch: asText(at(payload, "repository", "default_branch")),
    runAttempt: Number(env["GITHUB_RUN_ATTEMPT"] ?? "1"),
    // A deleted fork has no repository any more: foreign, too.
    fork:
      asObject(at(payload, "pull_request")) !== undefined && (headRepository === undefined || headRepository !== base),
    headRef: headRef === undefined ? undefined : `refs/heads/${headRef}`,
  };
}

export function eventRule(event: JobEvent): EventRule {
  if (FOREIGN.has(event.name)) {
    const why = `${event.name} runs on code of others`;
    return { run: { kind: "gap", gap: { kind: "foreign-definition", what: event.name } }, noStore: why, upload: false };
  }
  const requested = REQUESTED.has(event.name) ? event.name : event.runAttempt > 1 ? "re-run" : undefined;
  return {
    run: requested === undefined ? undefined : { kind: "audit", why: `requested by ${requested}` },
    noStore: event.fork ? "a fork's pull request never stores" : undefined,
    upload: event.name !== "merge_group",
  };
}

/** As kept in a record's seal. */
export function eventDetail(event: JobEvent): Readonly<Record<string, string | boolean>> {
  return { event: event.name, ref: event.ref, headRef: event.headRef ?? "", defaultBranch: event.defaultBranch ?? "" };
}

/**
 * May this record serve this job? The store has authenticated its bytes; this asks who made them.
 * @param exact the record and the job have equal trees: the code judged is the code that ran
 * @param trust `protected`: only records of the default branch and merge queues
 * @returns why not
 */
export function distrust(
  made: Loose,
  job: JobEvent,
  exact: boolean,
  trust: "repository" | "protected",
): string | undefined {
  const event = asText(made["event"]) ?? "";
  const ref = asText(made["ref"]) ?? "";
  // At a terminal both are empty: the user's own store on the user's own machine.
  if (job.name === "" && event === "") return undefined;
  if (FOREIGN.has(event)) return `made by ${event}`;
  const branch = job.defaultBranch ?? asText(made["defaultBranch"]);
  const onDefault = branch !== undefined && ref === `refs/heads/${branch}`;
  if (event === "merge_group" || (onDefault && event !== "pull_request")) return undefined;
  if (trust === "protected") return `made on ${ref || "no branch"}, and only protected branches are trusted`;
  if (exact) return undefined;
  // Another tree: only the same branch, or the pull request of that branch. Code of a branch could forge a result in one
  // commit and revert itself in the next.
  const same = ref !== "" && (ref === job.ref || ref === job.headRef);
  return same ? undefined : `made on ${ref || "no branch"}, which may serve another tree only there`;
}
