// What the runner and the event payload state of this job, as far as it decides where records lie and who is believed. Nothing in
// here comes from the workflow's own text: an `env:` of the workflow cannot change GITHUB_* (actions/runner overwrites it).
import { type JobRule, jobRule } from "../core/job-rule.ts";

export interface RunContext {
  /** "owner/name", and GitHub's number for it as text. */
  readonly repository: string;
  readonly repositoryId: string;
  readonly defaultBranch: string;
  readonly event: string;
  /** "refs/heads/main", "refs/pull/7/merge". */
  readonly ref: string;
  /** GITHUB_SHA: the commit that is checked out; of a pull request the merge commit. */
  readonly commit: string;
  /** The head of a pull request, else `commit`; where it lives. */
  readonly head: string;
  readonly headBranch: string;
  /** undefined: a fork that is gone. */
  readonly headRepositoryId: string | undefined;
  /** ".github/workflows/ci.yml" of the caller, as `GET /runs/{id}` states it. */
  readonly workflowPath: string;
  readonly runId: string;
  readonly runAttempt: number;
  /** "https://api.github.com" */
  readonly apiUrl: string;
  /** "https://github.com" */
  readonly serverUrl: string;
  /** GITHUB_RETENTION_DAYS: artifacts may not be kept longer. */
  readonly retentionDays: number | undefined;
  /** Reads the REST API only; empty: no artifacts, and nobody's identity can be asked. */
  readonly token: string;
  /** The cache and artifact services of the runner; undefined outside of a JavaScript action, and on GHES. */
  readonly service: { readonly url: string; readonly token: string } | undefined;
  /** ACTIONS_CACHE_MODE: "none", "read", "write", "write-only"; undefined: all. */
  readonly cacheMode: string | undefined;
  /** Whether earlier jobs could write this machine's disk store: then it vouches for nothing. */
  readonly disk: "own" | "shared";
  /** What the event allows. */
  readonly rule: JobRule;
}

export interface ContextChoice {
  /** The input `token`. */
  readonly token: string;
}

/**
 * @param env of the action's process, with the private names (ACTIONS_*)
 * @param payload the parsed event file; undefined if it cannot be read
 * @returns `why` if the runner did not say what is needed: no record of others serves then
 */
export function runContextOf(
  env: Readonly<Record<string, string | undefined>>,
  payload: unknown,
  choice: ContextChoice,
): RunContext | { readonly why: string } {
  const missing: string[] = [];
  const need = (name: string): string => {
    const value = env[name] ?? "";
    if (value === "") missing.push(name);
    return value;
  };
  const event = need("GITHUB_EVENT_NAME");
  const commit = need("GITHUB_SHA");
  const ref = need("GITHUB_REF");
  const repository = need("GITHUB_REPOSITORY");
  const workflowRef = need("GITHUB_WORKFLOW_REF");
  const runId = need("GITHUB_RUN_ID");
  const defaultBranch = textAt(payload, "repository", "default_branch");
  const repositoryId = env["GITHUB_REPOSITORY_ID"] || textAt(payload, "repository", "id");
  if (defaultBranch === undefined) missing.push("repository.default_branch of the event");
  if (repositoryId === undefined) missing.push("GITHUB_REPOSITORY_ID");
  const isPull = event === "pull_request";
  const pull = at(payload, "pull_request", "head");
  const head = isPull ? textAt(pull, "sha") : commit;
  if (head === undefined) missing.push("pull_request.head.sha of the event");
  if (missing.length > 0 || head === undefined || defaultBranch === undefined || repositoryId === undefined)
    return { why: `the runner did not say ${missing.join(", ")}` };
  // Not said: no first attempt, so nothing is skipped or recorded.
  const runAttempt = Number(env["GITHUB_RUN_ATTEMPT"] ?? "");
  return {
    repository,
    repositoryId,
    defaultBranch,
    event,
    ref,
    commit,
    head,
    headBranch: isPull ? (textAt(pull, "ref") ?? "") : ref.replace(/^refs\/(?:heads|tags)\//, ""),
    headRepositoryId: isPull ? textAt(pull, "repo", "id") : repositoryId,
    // "owner/name/.github/workflows/ci.yml@refs/heads/main"
    workflowPath: workflowRef.split("@")[0]?.split("/").slice(2).join("/") ?? "",
    runId,
    runAttempt,
    apiUrl: env["GITHUB_API_URL"] || "https://api.github.com",
    serverUrl: env["GITHUB_SERVER_URL"] || "https://github.com",
    retentionDays: Number(env["GITHUB_RETENTION_DAYS"]) || undefined,
    token: choice.token,
    service: serviceOf(env),
    cacheMode: env["ACTIONS_CACHE_MODE"] || undefined,
    disk: env["RUNNER_ENVIRONMENT"] === "github-hosted" ? "own" : "shared",
    rule: jobRule(event, runAttempt),
  };
}

/** Hosts that run the services of GitHub itself (@actions/cache 6.3.0, isGhes); all others speak version 1 or nothing. */
const SERVICE_HOST = /^(?:github\.com|[^/]+\.ghe\.com|[^/]+\.localhost)$/i;

function serviceOf(env: Readonly<Record<string, string | undefined>>): RunContext["service"] {
  const [url, token] = [env["ACTIONS_RESULTS_URL"] ?? "", env["ACTIONS_RUNTIME_TOKEN"] ?? ""];
  if (
    !URL.canParse(url) ||
    token === "" ||
    !SERVICE_HOST.test(hostOf(env["GITHUB_SERVER_URL"] || "https://github.com"))
  )
    return undefined;
  const { origin } = new URL(url);
  return { url: origin, token };
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, name)
        ? (inner as Record<string, unknown>)[name]
        : undefined,
    value,
  );
}

/** Numbers as text: GitHub's ids. */
function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" && found !== "" ? found : typeof found === "number" ? String(found) : undefined;
}
