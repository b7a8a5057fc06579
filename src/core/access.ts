// May this caller have this credential now? Anything unknown is a denial with a reason. Pure: the shell verifies the caller,
// this decides. GITHUB_* variables prove nothing; only what a verified token says counts as a claim.
import { matchesGlob, type Scope, scopeText, splitOnce } from "./scope.ts";

/** How the caller is known, strongest first: docs/secrets.md, "Assurance". */
export const ASSURANCES = ["owner", "oidc", "token", "local"] as const;
export type Assurance = (typeof ASSURANCES)[number];

/** How a value reaches the job: one child's environment, a 0600 file, a step output, all later steps' environment. */
export const MODES = ["exec", "file", "output", "env"] as const;
export type Mode = (typeof MODES)[number];

/** As set; an absent field is its default. Bound into the seals, so it cannot be edited. */
export interface Policy {
  /** The weakest assurance that opens it. Default `oidc`. */
  readonly assurance?: Exclude<Assurance, "owner">;
  /** Nobody in this scope gets the name, whatever a wider scope would give. */
  readonly deny?: true;
  /** Claim name -> glob; all must match. */
  readonly if?: Readonly<Record<string, string>>;
  /** Default: all. */
  readonly modes?: readonly Mode[];
}

export const CONDITION_KEYS = ["ref", "ref_type", "event_name", "runner_environment", "job_workflow_ref"] as const;
export const REPO_PROPERTY = "repo_property_";

/** What is proved of a job. Absent: not proved. */
export interface JobClaims {
  readonly repositoryId?: string;
  readonly ownerId?: string;
  /** Path of the workflow file in its repository, and the ref it was read from. */
  readonly workflowPath?: string;
  readonly workflowRef?: string;
  readonly environment?: string;
  readonly eventName?: string;
  /** What `Policy.if` may ask for, by claim name. */
  readonly conditions?: Readonly<Record<string, string>>;
}

export interface Caller {
  readonly assurance: Assurance;
  readonly claims: JobClaims;
  /** `owner` only: the scope named on the command line. */
  readonly scope?: Scope;
}

/** The runner as the broker is configured, not as a job describes it. */
export interface RunnerIdentity {
  readonly id: string;
  readonly labels: readonly string[];
  readonly group?: string;
}

/** One version of one credential. Times: Unix seconds; null: no expiry. */
export interface AccessVersion {
  readonly name: string;
  readonly scope: Scope;
  readonly version: number;
  readonly notBefore: number;
  readonly notAfter: number | null;
  readonly policy: Policy;
}

export interface AccessRules {
  /** Events whose jobs get nothing, by name. */
  readonly denyEvents: readonly string[];
  readonly allowToken: boolean;
  readonly runner: RunnerIdentity;
}

export const DENIAL_REASONS = [
  "unknown-name",
  "scope-mismatch",
  "ambiguous-scope",
  "explicit-deny",
  "condition-failed",
  "not-yet-valid",
  "expired",
  "mode-not-allowed",
  "assurance-too-low",
  "event-denied",
  "token-invalid",
  "token-replayed",
  "rate-limited",
  "audit-unwritable",
  "key-unavailable",
  "store-damaged",
  "store-rolled-back",
] as const;
export type DenialReason = (typeof DENIAL_REASONS)[number];

export interface Denial {
  readonly kind: "deny";
  readonly reasons: readonly [DenialReason, ...DenialReason[]];
  /** For the audit log alone, e.g. "ref=refs/heads/x". Holds claims, never values. */
  readonly detail?: string;
}
export type AccessDecision<V extends AccessVersion = AccessVersion> =
  | { readonly kind: "grant"; readonly version: V }
  | Denial;

/** Most specific first: the first rank that holds a name decides, and its refusal is final. */
const SPECIFICITY = ["environment", "workflow", "repo", "owner", "runner", "global"] as const;

/**
 * @param mode undefined: the owner reads the value at a terminal, which no mode limits
 * @param nowSeconds the later of the clock and the last audit line: a clock set back revives nothing
 */
export function decideAccess<V extends AccessVersion>(
  name: string,
  mode: Mode | undefined,
  nowSeconds: number,
  caller: Caller,
  versions: readonly V[],
  rules: AccessRules,
): AccessDecision<V> {
  const event = caller.claims.eventName;
  if (event !== undefined && rules.denyEvents.includes(event)) return deny("event-denied", `event=${event}`);
  const named = versions.filter((v) => v.name === name);
  if (named.length === 0) return deny("unknown-name");
  const candidates = named.filter((v) => inScope(v.scope, caller, rules.runner));
  if (candidates.length === 0) return deny("scope-mismatch");
  if (candidates.some((v) => v.policy.deny === true)) return deny("explicit-deny");

  const kind = SPECIFICITY.find((k) => candidates.some((v) => v.scope.kind === k));
  const ranked = candidates.filter((v) => v.scope.kind === kind);
  const scopes = new Set((caller.assurance === "owner" ? candidates : ranked).map((v) => scopeText(v.scope)));
  if (scopes.size > 1) return deny("ambiguous-scope", [...scopes].join(" "));

  const newestFirst = ranked.toSorted((a, b) => b.version - a.version);
  const valid = newestFirst.find((v) => v.notBefore <= nowSeconds && !isExpired(v, nowSeconds));
  const judged = valid ?? newestFirst[0];
  if (judged === undefined) return deny("unknown-name");
  const reasons: DenialReason[] = [];
  let detail: string | undefined;
  if (caller.assurance !== "owner") {
    detail = failedCondition(judged.policy, caller.claims);
    if (detail !== undefined) reasons.push("condition-failed");
    if (mode !== undefined && judged.policy.modes?.includes(mode) === false) reasons.push("mode-not-allowed");
    if (!isStrongEnough(caller.assurance, judged.policy, rules.allowToken)) reasons.push("assurance-too-low");
  }
  if (valid === undefined) reasons.push(isExpired(judged, nowSeconds) ? "expired" : "not-yet-valid");
  const [first, ...others] = reasons;
  if (first === undefined) return { kind: "grant", version: judged };
  return { kind: "deny", reasons: [first, ...others], ...(detail !== undefined && { detail }) };
}

/** All that a caller hears of a denial: enough to renew what is expired, nothing that maps out the store. */
export function toldReason(reasons: readonly DenialReason[]): "denied" | "expired" | "unavailable" {
  if (reasons.length === 1 && reasons[0] === "expired") return "expired";
  const ours: readonly DenialReason[] = ["audit-unwritable", "key-unavailable", "store-damaged", "store-rolled-back"];
  return reasons.some((r) => ours.includes(r)) ? "unavailable" : "denied";
}

/** True if what is proved of the caller lies in the scope. An unproved claim is in no scope. */
export function inScope(scope: Scope, caller: Caller, runner: RunnerIdentity): boolean {
  if (caller.assurance === "owner") return caller.scope === undefined || scopeText(caller.scope) === scopeText(scope);
  const { repositoryId, ownerId, workflowPath, workflowRef, environment } = caller.claims;
  const [repository, rest] = splitOnce(scope.id, ":");
  switch (scope.kind) {
    case "repo":
      return repositoryId === scope.id;
    case "owner":
      return ownerId === scope.id;
    // A token read from a request proves one repository and nothing else.
    case "global":
      return caller.assurance !== "token";
    case "runner":
      return caller.assurance !== "token" && isRunner(scope.id, runner);
    case "environment":
      return repositoryId === repository && environment !== undefined && environment.toLowerCase() === rest;
    case "workflow": {
      const [path, ref] = splitOnce(rest, "@refs/");
      if (repositoryId !== repository || workflowPath !== path) return false;
      return ref === "" || matchesGlob(`refs/${ref}`, workflowRef ?? "");
    }
    default:
      return scope.kind satisfies never;
  }
}

export function isExpired(version: { readonly notAfter: number | null }, nowSeconds: number): boolean {
  return version.notAfter !== null && nowSeconds >= version.notAfter;
}

function isRunner(id: string, runner: RunnerIdentity): boolean {
  const [first, rest] = splitOnce(id, ":");
  if (first === "label" && rest !== "") return runner.labels.includes(rest);
  if (first === "group" && rest !== "") return runner.group === rest;
  return runner.id === id;
}

function isStrongEnough(assurance: Assurance, policy: Policy, allowToken: boolean): boolean {
  if (assurance === "token" && !allowToken) return false;
  return ASSURANCES.indexOf(assurance) <= ASSURANCES.indexOf(policy.assurance ?? "oidc");
}

function failedCondition(policy: Policy, claims: JobClaims): string | undefined {
  for (const [key, glob] of Object.entries(policy.if ?? {})) {
    const value = claims.conditions?.[key] ?? "";
    if (!matchesGlob(glob, value)) return `${key}=${value === "" ? "(none)" : value}`;
  }
  return undefined;
}

function deny(reason: DenialReason, detail?: string): Denial {
  return { kind: "deny", reasons: [reason], ...(detail !== undefined && { detail }) };
}
