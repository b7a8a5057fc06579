// What a job is, from its workflow as of the commit that GitHub took it from: what its steps are to do, what rights it has, and what
// its expressions use that no trace can see.
import type { Json } from "../../core/canonical.ts";
import type { Gap } from "../../core/gap.ts";
import { withoutNames } from "../../codeql/workflow.ts";
import { member, yamlSource } from "../../codeql/yaml-source.ts";
import { expressionsIn, type Reference, referencesIn } from "./expressions.ts";

export interface JobDefinition {
  /** This job, and `env`, `defaults`, `permissions` of the workflow; without names for people. */
  readonly canonical: Json;
  /** Why it may not be skipped although nothing changed (docs/soundness.md, T3). */
  readonly privileges: readonly string[];
  readonly steps: readonly Json[];
  /** Where our own step is among `steps`; undefined: it is not to be told. */
  readonly own: number | undefined;
  readonly job: Json;
  readonly workflow: Json;
}

export const NO_PERMISSIONS = "the workflow names no permissions, so its token may have any";

export interface OwnStep {
  /** GITHUB_ACTION: the step's `id`, or a name that the runner made. */
  readonly action: string;
  /** GITHUB_ACTION_REPOSITORY; empty for `uses: ./`. */
  readonly repository: string;
}

/** @returns `why` if the job cannot be read: nobody knows then what it would do */
export function readDefinition(yaml: string, jobId: string, own: OwnStep): JobDefinition | { readonly why: string } {
  const parsed = yamlSource(yaml);
  if ("why" in parsed) return { why: `the workflow is ${parsed.why}` };
  const workflow = parsed.value;
  const job = member(member(workflow, "jobs"), jobId);
  const steps = member(job, "steps");
  if (job === undefined || !Array.isArray(steps))
    return { why: `the workflow has no job "${jobId}" with steps of its own` };
  const at = ownIndex(steps as Json[], own);
  const canonical: Json = {
    env: member(workflow, "env") ?? null,
    defaults: member(workflow, "defaults") ?? null,
    permissions: member(workflow, "permissions") ?? null,
    job: withoutOwnInputs(withoutScheduling(withoutNames(job)), at),
  };
  return {
    canonical,
    privileges: privilegesOf(workflow, job),
    steps: steps as Json[],
    own: at,
    job,
    workflow,
  };
}

/** Decides whether and where the job runs, not what it does; matrix values are in the job's key. */
function withoutScheduling(job: Json): Json {
  const { strategy: _, needs: __, if: ___, ...rest } = job as Record<string, Json>;
  return rest;
}

/** What we are told changes what we do; where it changes what a record means, it is in the key by itself. */
function withoutOwnInputs(job: Json, own: number | undefined): Json {
  const steps = (member(job, "steps") as Json[]).map((step, i) => (i === own ? { uses: "foregone" } : step));
  return { ...(job as Record<string, Json>), steps };
}

/** Is there a job that calls another workflow? Then a job's id alone does not say whose it is. */
export function callsWorkflows(workflow: Json): boolean {
  const jobs = member(workflow, "jobs");
  return Object.values((jobs ?? {}) as Record<string, Json>).some((job) => member(job, "uses") !== undefined);
}

function privilegesOf(workflow: Json, job: Json): string[] {
  const found: string[] = [];
  if (member(job, "environment") !== undefined) found.push("environment");
  const permissions = member(job, "permissions") ?? member(workflow, "permissions");
  // Nothing written: what the repository's settings say, which nobody here can ask.
  if (permissions === undefined || permissions === "" || permissions === null) found.push(NO_PERMISSIONS);
  else if (typeof permissions === "object" && permissions !== null && !Array.isArray(permissions)) {
    for (const [name, right] of Object.entries(permissions as Record<string, Json>))
      if (right !== "read" && right !== "none") found.push(`permissions: ${name}: ${textOf(right)}`);
  } else if (permissions !== "read-all") found.push(`permissions: ${textOf(permissions)}`);
  const names = references([member(workflow, "env"), job])
    .filter(({ context }) => context === "secrets")
    .map(({ path }) => path[0] ?? "all")
    .filter((name) => name.toUpperCase() !== "GITHUB_TOKEN");
  for (const name of new Set(names)) found.push(`secrets.${name}`);
  return found;
}

/** Every context that these parts of a workflow use. */
function references(parts: readonly (Json | undefined)[]): Reference[] {
  const found: Reference[] = [];
  const visit = (value: Json | undefined, key: string): void => {
    if (typeof value === "string")
      for (const expression of expressionsIn(value, key === "if")) found.push(...referencesIn(expression));
    else if (Array.isArray(value)) for (const item of value as Json[]) visit(item, key);
    else if (typeof value === "object" && value !== null)
      for (const [name, item] of Object.entries(value as Record<string, Json>)) visit(item, name);
  };
  for (const part of parts) visit(part, "");
  return found;
}

export interface ContextUse {
  /** Values that become part of the Action: "github.ref_name" -> value. */
  readonly inputs: readonly Reference[];
  readonly gaps: readonly Gap[];
}

/**
 * Job mode: what the guarded steps' expressions use, and what the job does that a skip could not do.
 * @param salt the source text of our own `salt` input, which may carry what cannot be compared otherwise
 */
export function contextUse(definition: JobDefinition, salt: string): ContextUse {
  const { job, workflow, steps, own } = definition;
  const after = own === undefined ? steps : steps.slice(own + 1);
  const idOf = (step: Json | undefined): string => textOf(member(step, "id") ?? "").toLowerCase();
  const known = new Set((own === undefined ? [] : steps.slice(own)).map(idOf).filter((id) => id !== ""));
  const gaps: Gap[] = [];
  const gap = (what: string): void => void gaps.push({ kind: "expression-context", what });
  const inputs = new Map<string, Reference>();
  for (const reference of references([
    member(workflow, "env"),
    member(workflow, "defaults"),
    member(job, "env"),
    member(job, "defaults"),
    after,
  ])) {
    const { context, path } = reference;
    const text = [context, ...path].join(".");
    if (context === "github") {
      if (path.length === 0) gap(text);
      else if (path[0]?.toLowerCase() !== "token") inputs.set(text, reference);
    } else if (context === "runner") inputs.set(text, reference);
    else if (context === "steps") {
      const [id = ""] = path;
      if (!known.has(id.toLowerCase())) gap(text);
    } else if (context === "job") {
      if (path[0]?.toLowerCase() !== "status") gap(text);
    } else if (
      ["needs", "vars", "inputs", "strategy", "jobs", "hashFiles"].includes(context) &&
      !carries(salt, reference)
    )
      gap(text);
  }
  const outputs = member(job, "outputs");
  if (typeof outputs === "object" && outputs !== null && Object.keys(outputs).length > 0)
    gaps.push({ kind: "job-outputs", what: Object.keys(outputs).sort().join(", ") });
  for (const name of ["container", "services"])
    if (member(job, name) !== undefined) gaps.push({ kind: "foreign-definition", what: `${name} of the job` });
  for (const step of steps)
    for (const name of ["background", "parallel", "wait", "wait-all", "cancel"])
      if (member(step, name) !== undefined) gaps.push({ kind: "overlapping-steps", what: name });
  return { inputs: [...inputs.values()], gaps: distinct(gaps) };
}

/** `${{ toJSON(needs) }}` carries all of needs; `${{ vars.MODE }}` carries just that. */
function carries(salt: string, { context, path }: Reference): boolean {
  const wanted = [context, ...path].join(".");
  return expressionsIn(salt, false).some((expression) =>
    referencesIn(expression).some((carried) => {
      if (carried.context !== context) return false;
      const have = [carried.context, ...carried.path].join(".");
      return have === wanted || (carried.path.length === 0 && /^\s*toJSON\(\s*\w+\s*\)\s*$/i.test(expression));
    }),
  );
}

export function stepInput(definition: JobDefinition, name: string): string {
  const step = definition.own === undefined ? undefined : definition.steps[definition.own];
  const value = member(member(step, "with"), name);
  return typeof value === "string" ? value : "";
}

/** An action within a composite one has the ids of that one: what our own step `uses` must be us. */
function ownIndex(steps: readonly Json[], own: OwnStep): number | undefined {
  const isOurs = (step: Json | undefined): boolean => {
    const uses = member(step, "uses");
    if (typeof uses !== "string" || member(member(step, "with"), "run") !== undefined) return false;
    if (uses.startsWith("./")) return true;
    return own.repository !== "" && (uses.startsWith(`${own.repository}@`) || uses.startsWith(`${own.repository}/`));
  };
  const byId = steps.findIndex((step) => member(step, "id") === own.action);
  // nektos/act numbers the steps that have no id.
  const at = byId < 0 && /^\d+$/.test(own.action) ? Number(own.action) : byId;
  if (at >= 0) return isOurs(steps[at]) ? at : undefined;
  const found = steps.flatMap((step, i) => (member(step, "id") === undefined && isOurs(step) ? [i] : []));
  return found.length === 1 ? found[0] : undefined;
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function distinct(gaps: readonly Gap[]): Gap[] {
  return [...new Map(gaps.map((gap) => [JSON.stringify(gap), gap])).values()];
}
