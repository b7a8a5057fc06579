// What this job would scan: from the inputs of our step, else from the job's own init and analyze steps.
import type { CodeqlInputs } from "../codeql/codeql-key.ts";
import type { UnansweredComponent } from "../codeql/component.ts";
import { type JobScan, readJobScan } from "../codeql/workflow.ts";
import { defaultCategory } from "../codeql/replay-scan.ts";
import { gitEnvironment, HARMLESS } from "../memo/git-facts.ts";
import type { Host } from "./host.ts";
import type { ScanShell } from "../cli/codeql/shell.ts";

export interface ActionScan {
  readonly inputs: CodeqlInputs;
  readonly category: string;
}

/** @returns the reason if two sources disagree (a mistake to mend), or a component that nobody can tell */
export function scanOfJob(
  host: Host,
  shell: ScanShell,
):
  | ActionScan
  | { readonly unanswered: readonly [UnansweredComponent, ...UnansweredComponent[]] }
  | { readonly mistake: string } {
  const job = jobScan(host, shell);
  const known = "why" in job ? undefined : job;
  const missing: UnansweredComponent[] = [];
  let mistake: string | undefined;
  const pick = (
    input: string,
    step: "init" | "analyze",
    name: string,
    component: UnansweredComponent["component"],
  ): string => {
    const given = host.input(input);
    const stepValue = known?.[step][name] ?? "";
    const open = known?.unresolved.includes(`${step}.${name}`) === true;
    if (given === "") {
      if (open)
        missing.push({
          component,
          why: `${name} of the ${step} step is an expression`,
          hint: `give it as \`${input}\` here, too`,
        });
      return stepValue;
    }
    if (known !== undefined && !open && stepValue !== given)
      mistake ??= `input ${input} is "${given}", the ${step} step has ${stepValue === "" ? "none" : `"${stepValue}"`}`;
    return given;
  };
  const language = pick("languages", "init", "languages", "language");
  const buildMode = pick("build-mode", "init", "build-mode", "language");
  const inputs: CodeqlInputs = {
    language,
    buildMode: buildMode === "none" || buildMode === "autobuild" || buildMode === "manual" ? buildMode : "",
    sourceRoot: pick("source-root", "init", "source-root", "language").replace(/^\.\/?|\/+$/g, ""),
    tools: pick("tools", "init", "tools", "tool"),
    actionRef: known?.actionRef,
    kinds: known?.init["analysis-kinds"] ?? "code-scanning",
    tier: tierOf(host, shell),
    inertExtra: shell.settings.inertExtra,
    configFile: known?.init["config-file"],
    config: pick("config", "init", "config", "config") || undefined,
    queries: pick("queries", "init", "queries", "config"),
    packs: pick("packs", "init", "packs", "packs"),
    definition: known?.definition,
    interpret: { ...known?.stepEnv },
    repository: shell.repository,
  };
  for (const name of known?.unresolved ?? [])
    if (/^(?:init|analyze) env\./.test(name) || name === "init.config-file")
      missing.push({ component: name.startsWith("init.") ? "config" : "interpret", why: `${name} is an expression` });
  const category = pick("category", "analyze", "category", "interpret");
  if (inputs.kinds !== "code-scanning") missing.push({ component: "language", why: `analysis kinds ${inputs.kinds}` });
  if ("why" in job && language === "")
    missing.push({ component: "language", why: job.why, hint: "give languages, build-mode and tools as inputs" });
  if (mistake !== undefined) return { mistake };
  const [first, ...rest] = missing;
  return first === undefined
    ? { inputs, category: category || defaultCategoryOf(host) }
    : { unanswered: [first, ...rest] };
}

function tierOf(host: Host, shell: ScanShell): CodeqlInputs["tier"] {
  const given = host.input("tier");
  return given === "exact" || given === "relevant" ? given : shell.settings.tier;
}

/** The workflow as of GITHUB_WORKFLOW_SHA: what runs, not what the checkout says. */
export function jobScan(host: Host, shell: ScanShell): JobScan | { readonly why: string } {
  const { GITHUB_WORKFLOW_REF: ref = "", GITHUB_WORKFLOW_SHA: sha = "", GITHUB_JOB: job = "" } = host.env;
  const path = ref.split("@")[0]?.split("/").slice(2).join("/") ?? "";
  if (path === "" || !/^[0-9a-f]{40,64}$/.test(sha)) return { why: "the workflow of this job is not known" };
  const { status, stdout } = shell.ports.runner.run(["git", ...HARMLESS, "cat-file", "blob", `${sha}:${path}`], {
    cwd: shell.checkout,
    env: gitEnvironment(host.env),
  });
  if (status !== 0) return { why: `${path} at ${sha.slice(0, 8)} is not in this checkout` };
  return readJobScan(Buffer.from(stdout).toString(), job, matrixOf(host));
}

function matrixOf(host: Host): Readonly<Record<string, unknown>> {
  try {
    const matrix: unknown = JSON.parse(host.input("matrix") || "{}");
    return typeof matrix === "object" && matrix !== null ? (matrix as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/**
 * Who brings results to code scanning? GitHub compares each way with its own earlier results, so there must be one for all:
 * `api` counts only where the analyze step is told to upload nothing, and then this action uploads scans and replays.
 */
export function uploader(host: Host, shell: ScanShell): "step" | "api" | "api, but analyze uploads" {
  if ((host.input("upload") || shell.settings.upload) !== "api") return "step";
  const job = jobScan(host, shell);
  const never = !("why" in job) && /^(?:never|false)$/.test(job.analyze["upload"] ?? "");
  return never ? "api" : "api, but analyze uploads";
}

/** What code scanning files results of this job under, if nobody names it. */
export function categoryOf(host: Host, shell: ScanShell): string {
  const job = jobScan(host, shell);
  return host.input("category") || ("why" in job ? "" : (job.analyze["category"] ?? "")) || defaultCategoryOf(host);
}

function defaultCategoryOf(host: Host): string {
  const { GITHUB_WORKFLOW_REF: workflow = "", GITHUB_JOB: job = "" } = host.env;
  const path = workflow.split("@")[0]?.split("/").slice(2).join("/") ?? "";
  return defaultCategory(path, job, matrixOf(host)).replace(/\/$/, "");
}
