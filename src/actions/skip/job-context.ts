// Who asks: the job, its event, its definition. Decides what no stored record can change: may this job be skipped at all, and may
// what it does be kept.
import { readFileSync } from "node:fs";
import type { Json } from "../../core/canonical.ts";
import type { Miss } from "../../core/decision.ts";
import type { Gap } from "../../core/gap.ts";
import type { ActionRecord } from "../../core/record.ts";
import { type JobRule, jobRule } from "../../core/job-rule.ts";
import { gitEnvironment, HARMLESS } from "../../memo/git-facts.ts";
import type { Runner } from "../../ports.ts";
import type { Host } from "../host.ts";
import { type RunContext, runContextOf } from "../run-context.ts";
import { callsWorkflows, type JobDefinition, readDefinition } from "./definition.ts";

export interface JobContext {
  /** What decides where records lie and who is believed; `why`: the runner did not say enough. */
  readonly run: RunContext | { readonly why: string };
  readonly payload: unknown;
  /** Repository, workflow path, job id, matrix: what tells this job from every other. */
  readonly key: Readonly<Record<string, Json>>;
  readonly definition: JobDefinition | { readonly why: string };
  /** Gaps of the job itself, before any step has run; each can be accepted by name. */
  readonly gaps: readonly Gap[];
  /** It runs whatever is stored. */
  readonly requested: Miss | undefined;
  /** Why nothing of this job is kept. */
  readonly unrecorded: string | undefined;
  readonly provenance: Omit<ActionRecord["provenance"], "recordedAt" | "tool" | "seal" | "commit" | "tree">;
}

export function jobContext(host: Host, token: string, checkout: string, runner: Runner): JobContext {
  const { env } = host;
  const payload = readPayload(env["GITHUB_EVENT_PATH"]);
  const { GITHUB_EVENT_NAME: event = "", GITHUB_REF: ref = "" } = env;
  const attempt = Number(env["GITHUB_RUN_ATTEMPT"] ?? "");
  const source = workflowSource(host);
  const job = env["GITHUB_JOB"] ?? "";
  const definition = "why" in source ? source : readSource(source, host, checkout, runner);
  const rule: JobRule = jobRule(event, attempt);
  const gaps: Gap[] = [];
  if (rule.run?.kind === "gap") gaps.push(rule.run.gap);
  if ("why" in definition) gaps.push({ kind: "foreign-definition", what: definition.why });
  else for (const why of definition.privileges) gaps.push({ kind: "privileged-job", why });
  if (env["GITHUB_REF_TYPE"] === "tag") gaps.push({ kind: "privileged-job", why: "it runs for a tag" });
  // Permissions of a caller are not in the workflow that was read.
  if (env["ACTIONS_ID_TOKEN_REQUEST_URL"]) gaps.push({ kind: "privileged-job", why: "permissions: id-token: write" });
  return {
    run: runContextOf(env, payload, { token }),
    payload,
    key: {
      repository: env["GITHUB_REPOSITORY"] ?? "",
      workflow: "why" in source ? (env["GITHUB_WORKFLOW_REF"] ?? "") : source.key,
      job,
      matrix: matrixOf(host),
    },
    definition,
    gaps,
    requested: rule.run?.kind === "audit" ? rule.run : undefined,
    unrecorded: rule.noRecord,
    provenance: {
      repository: env["GITHUB_REPOSITORY"] ?? "",
      workflow: "why" in source ? "" : source.path,
      job,
      runId: env["GITHUB_RUN_ID"] ?? "",
      runAttempt: attempt,
      ...(/^\d+$/.test(host.input("check-run")) && { checkRun: host.input("check-run") }),
      event,
      ref,
    },
  };
}

interface WorkflowSource {
  readonly path: string;
  readonly sha: string;
  readonly key: Json;
  /** Only the caller's workflow is known: whether this job is of another one cannot be told. */
  readonly maybeCaller: boolean;
}

/** GITHUB_WORKFLOW_REF is the caller's; `job.workflow_ref` comes in by the `workflow` input, which is evaluated by the runner. */
function workflowSource(host: Host): WorkflowSource | { readonly why: string } {
  const { env } = host;
  const [own = "", ownSha = ""] = host.input("workflow").split(/\s+/);
  const caller = refOf(env["GITHUB_WORKFLOW_REF"] ?? "");
  const used = own === "" ? caller : refOf(own);
  if (caller === undefined || used === undefined) return { why: "the workflow of this job is not known" };
  if (used.repository !== env["GITHUB_REPOSITORY"])
    return { why: `the workflow lies in another repository, ${used.repository}` };
  const sha = own === "" ? (env["GITHUB_WORKFLOW_SHA"] ?? "") : ownSha;
  if (!/^[0-9a-f]{40,64}$/.test(sha)) return { why: "the commit of the workflow is not known" };
  return {
    path: used.path,
    sha,
    key: used.path === caller.path ? used.path : [caller.path, used.path],
    maybeCaller: own === "",
  };
}

/** "owner/repo/.github/workflows/ci.yml@refs/heads/main" */
function refOf(text: string): { readonly repository: string; readonly path: string } | undefined {
  const [, repository, path] = /^([^/]+\/[^/]+)\/([^@]+)(?:@|$)/.exec(text) ?? [];
  return repository === undefined || path === undefined ? undefined : { repository, path };
}

function readSource(
  { path, sha, maybeCaller }: WorkflowSource,
  { env }: Host,
  checkout: string,
  runner: Runner,
): JobContext["definition"] {
  const { status, stdout } = runner.run(["git", ...HARMLESS, "cat-file", "blob", `${sha}:${path}`], {
    cwd: checkout,
    env: gitEnvironment(env),
  });
  if (status !== 0) return { why: `${path} at ${sha.slice(0, 8)} is not in this checkout` };
  const own = { action: env["GITHUB_ACTION"] ?? "", repository: env["GITHUB_ACTION_REPOSITORY"] ?? "" };
  const definition = readDefinition(Buffer.from(stdout).toString(), env["GITHUB_JOB"] ?? "", own);
  if (!("why" in definition) && maybeCaller && callsWorkflows(definition.workflow))
    return { why: `${path} calls workflows, and this runner does not say whose job this is` };
  return definition;
}

/** Matrix values as the runner evaluated them; a leg without a matrix has none. */
function matrixOf(host: Host): Json {
  try {
    return (JSON.parse(host.input("matrix") || "null") ?? {}) as Json;
  } catch {
    return { unreadable: host.input("matrix") };
  }
}

function readPayload(path: string | undefined): unknown {
  try {
    return JSON.parse(readFileSync(path ?? "", "utf8"));
  } catch {
    return undefined;
  }
}
