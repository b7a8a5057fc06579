// What a path of the REST API is to us: which writes void what we know of it, how long a lease on it may live, and what
// must pass untouched. Patterns, not a generated matrix of routes: an unknown path gets the cautious answer.

/** docs/github-api-cache.md, "Leases". */
export type LeaseClass = "never" | "status" | "default" | "metadata" | "immutable";

/** The operations that the founding table names; `operation_ttls` bounds their leases. */
export type Operation =
  | "list_repos"
  | "get_repo_info"
  | "list_workflows"
  | "get_workflow_runs"
  | "get_workflow_run"
  | "list_runners"
  | "get_runner_status";

/** Which writes concern a path: those to its repository, its owner, or (undefined) anything on the host. */
export interface Scope {
  readonly owner?: string;
  readonly repo?: string;
}

export interface Route {
  readonly scope: Scope;
  readonly lease: LeaseClass;
  readonly operation?: Operation;
  /** Forwarded, never stored: why. */
  readonly bypass?: string;
  /** Something waits for this answer to decide (a merge, a deployment): it must not get old news when GitHub is down. */
  readonly gate: boolean;
}

const REPO = String.raw`^/repos/[^/]+/[^/]+`;
const OWNER = String.raw`^/(?:repos/[^/]+/[^/]+|orgs/[^/]+|enterprises/[^/]+)`;
const at = (prefix: string, rest: string): RegExp => new RegExp(prefix + rest);

/** Answers that are credentials, signed addresses, logs or files: bytes that nobody may find in a cache. */
const BYPASS: readonly (readonly [RegExp, string])[] = [
  [/^\/rate_limit$/, "rate-limit"],
  [/^\/app(?:\/|$)/, "app"],
  [/\/access_tokens$/, "token"],
  [/\/(?:registration|remove)-token$/, "token"],
  [/\/generate-jitconfig$/, "token"],
  [/\/actions\/runners\/downloads$/, "token"],
  [/\/logs$/, "logs"],
  [/\/(?:tarball|zipball)(?:\/|$)/, "archive"],
  [/\/actions\/artifacts\/\d+\/[^/]+$/, "archive"],
  [/\/migrations\/\d+\/archive$/, "archive"],
  [/\/releases\/assets\/\d+$/, "asset"],
  [/^\/(?:login|oauth|authorizations|applications)(?:\/|$)/, "token"],
];

/** May this caller still do this? A lease would answer for a right that was taken away. */
const NEVER: readonly RegExp[] = [
  /\/collaborators(?:\/|$)/,
  /\/memberships?(?:\/|$)/,
  /\/permissions?(?:\/|$)/,
  /\/secrets(?:\/|$)/,
  /\/variables(?:\/|$)/,
  /\/protection(?:\/|$)/,
  /\/(?:rulesets|rules)(?:\/|$)/,
  /\/installations?(?:\/|$)/,
  /\/environments(?:\/|$)/,
  /^\/user(?:$|\/(?!repos$))/,
];

const STATUS = at(
  OWNER,
  String.raw`/(?:actions/(?:runs|jobs|runners|runner-groups|workflows/[^/]+/runs)(?:/|$)|check-runs(?:/|$)|check-suites(?:/|$)|deployments(?:/|$)|statuses(?:/|$)|commits/.+/(?:check-runs|check-suites|status|statuses)$)`,
);
const METADATA = at(
  REPO,
  String.raw`/(?:actions/workflows/[^/]+$|releases/latest$|releases/tags/[^/]+$|languages$|topics$)`,
);
/** Full ids only: a branch name in the same place moves. */
const IMMUTABLE = at(REPO, String.raw`/git/(?:blobs|trees)/[0-9a-f]{40}$`);
const GATE = at(
  REPO,
  String.raw`/(?:.*/)?(?:check-runs|check-suites|status|statuses|reviews|merge|merges|deployments)(?:/|$)`,
);

const OPERATIONS: readonly (readonly [RegExp, Operation])[] = [
  [/^\/(?:user|users\/[^/]+|orgs\/[^/]+)\/repos$/, "list_repos"],
  [/^\/repos\/[^/]+\/[^/]+$/, "get_repo_info"],
  [at(REPO, "/actions/workflows$"), "list_workflows"],
  [at(REPO, String.raw`/actions/(?:runs|workflows/[^/]+/runs)$`), "get_workflow_runs"],
  [at(REPO, String.raw`/actions/runs/\d+/(?:attempts/\d+/)?jobs$`), "get_workflow_runs"],
  [at(REPO, "/commits/[^/]+/check-runs$"), "get_workflow_runs"],
  [at(REPO, String.raw`/actions/runs/\d+$`), "get_workflow_run"],
  [at(OWNER, "/actions/runners$"), "list_runners"],
  [at(OWNER, String.raw`/actions/runners/\d+$`), "get_runner_status"],
];

/** A query that carries a right of its own; such a URL is a secret. */
const CREDENTIAL_IN_QUERY =
  /[?&](?:access_token|token|client_secret|sig|signature|x-amz-signature|x-goog-signature|jwt|password)=/i;

/** @param path path and query below the API root (without a GHES "/api/v3") */
export function routeOf(path: string): Route {
  const question = path.indexOf("?");
  const plain = question === -1 ? path : path.slice(0, question);
  const scope = scopeOf(plain);
  if (CREDENTIAL_IN_QUERY.test(path)) return { scope, lease: "never", gate: true, bypass: "credential-in-query" };
  const bypass = BYPASS.find(([pattern]) => pattern.test(plain))?.[1];
  if (bypass !== undefined) return { scope, lease: "never", gate: true, bypass };
  const operation = OPERATIONS.find(([pattern]) => pattern.test(plain))?.[1];
  const gate = GATE.test(plain);
  const lease = leaseClassOf(plain);
  return { scope, lease, gate: gate || lease === "never", ...(operation !== undefined && { operation }) };
}

function leaseClassOf(plain: string): LeaseClass {
  // Spellings that GitHub may read as another path than we do: no answer of our own.
  if (/%|\/\/|\/\.\.?(?:\/|$)|;/.test(plain)) return "never";
  if (NEVER.some((pattern) => pattern.test(plain))) return "never";
  if (IMMUTABLE.test(plain)) return "immutable";
  if (STATUS.test(plain)) return "status";
  if (METADATA.test(plain) || plain === "/meta") return "metadata";
  return "default";
}

/** What a write to this path changes, as far as we dare to say; else the whole host. */
export function scopeOf(plain: string): Scope {
  const [, top, owner, repo] = plain.split("?", 1)[0]?.split("/") ?? [];
  if (!owner) return {};
  const name = (text: string): string => text.toLowerCase();
  if (top === "repos" && repo) return { owner: name(owner), repo: name(repo) };
  if (top === "orgs" || top === "users") return { owner: name(owner) };
  return {};
}
