// What the steps of this job say about the scan: the inputs of `init` and `analyze`, as codeql-action's own post step reads
// them (github/codeql-action 4.36.3, src/workflow.ts): literals and `${{ matrix.* }}`. Anything else is unresolved, and a
// component that needs it is unanswered.
import type { Json } from "../core/canonical.ts";
import { member, yamlSource } from "./yaml-source.ts";

export interface JobScan {
  readonly init: Readonly<Record<string, string>>;
  readonly analyze: Readonly<Record<string, string>>;
  /** The ref of `uses: github/codeql-action/init@REF`. */
  readonly actionRef: string | undefined;
  /** `env` of the two steps, which no other step sees. */
  readonly stepEnv: Readonly<Record<string, string>>;
  /** Inputs with an expression that only the runner can evaluate: "init.config-file". */
  readonly unresolved: readonly string[];
  readonly definition: Json;
}

/** Say nothing about what is scanned. */
const FREE_INPUTS = new Set([
  "token",
  "registries",
  "ram",
  "threads",
  "debug",
  "matrix",
  "wait-for-processing",
  "check_name",
  "external-repository-token",
]);

/** @returns `why` if the job cannot be read: it is then not known what would be scanned */
export function readJobScan(
  yaml: string,
  jobId: string,
  matrix: Readonly<Record<string, unknown>>,
): JobScan | { readonly why: string } {
  const parsed = yamlSource(yaml);
  if ("why" in parsed) return { why: `the workflow is ${parsed.why}` };
  const root = parsed.value;
  const job = member(member(root, "jobs"), jobId);
  if (job === undefined) return { why: `the workflow has no job "${jobId}": a reusable workflow's is not known here` };
  const steps = member(job, "steps");
  if (!Array.isArray(steps)) return { why: `job "${jobId}" has no steps of its own` };
  const inits = uses(steps, "github/codeql-action/init");
  const analyses = uses(steps, "github/codeql-action/analyze");
  if (inits.length !== 1 || analyses.length !== 1)
    return {
      why: `job "${jobId}" has ${inits.length} init and ${analyses.length} analyze steps: one of each is understood`,
    };
  const unresolved: string[] = [];
  const resolved = (step: Json | undefined, prefix: string): Record<string, string> =>
    resolveAll(member(step, "with"), prefix, matrix, unresolved);
  const [init, analyze] = [resolved(inits[0], "init"), resolved(analyses[0], "analyze")];
  const stepEnv = {
    ...resolveAll(member(inits[0], "env"), "init env", matrix, unresolved),
    ...resolveAll(member(analyses[0], "env"), "analyze env", matrix, unresolved),
  };
  return {
    init,
    analyze,
    stepEnv,
    unresolved,
    actionRef: textOf(member(inits[0], "uses")).split("@")[1],
    definition: {
      env: member(root, "env") ?? null,
      defaults: member(root, "defaults") ?? null,
      permissions: member(root, "permissions") ?? null,
      job: withoutNames(job),
      matrix: matrix as Json,
    },
  };
}

function uses(steps: readonly Json[], action: string): Json[] {
  return steps.filter((step) => {
    const name = member(step, "uses");
    return typeof name === "string" && name.split("@")[0]?.toLowerCase() === action;
  });
}

function resolveAll(
  values: Json | undefined,
  prefix: string,
  matrix: Readonly<Record<string, unknown>>,
  unresolved: string[],
): Record<string, string> {
  const resolved: Record<string, string> = {};
  if (typeof values !== "object" || values === null || Array.isArray(values)) return resolved;
  for (const [name, value] of Object.entries(values as Record<string, Json>)) {
    if (FREE_INPUTS.has(name)) continue;
    const text = textOf(value).replace(/\$\{\{\s*matrix\.([\w-]+)\s*\}\}/g, (whole, key: string) => {
      const found = matrix[key];
      return typeof found === "string" || typeof found === "number" || typeof found === "boolean"
        ? String(found)
        : whole;
    });
    if (text.includes("${{")) unresolved.push(`${prefix}.${name}`);
    else resolved[name] = text;
  }
  return resolved;
}

/** Scalars are text already; anything else is no input of an action. */
function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}

/** Names and descriptions for people change nothing. */
export function withoutNames(job: Json): Json {
  const { name: _, "timeout-minutes": __, concurrency: ___, ...rest } = job as Record<string, Json>;
  if (!Array.isArray(rest["steps"])) return rest;
  const steps = (rest["steps"] as Json[]).map((step) => {
    if (typeof step !== "object" || step === null || Array.isArray(step)) return step;
    const { name: ____, "timeout-minutes": _____, ...more } = step as Record<string, Json>;
    return more;
  });
  return { ...rest, steps };
}
