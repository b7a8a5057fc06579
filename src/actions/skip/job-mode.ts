// Job mode, first step: decides for the steps that follow. If they are to run, a tracer of its own watches all that the runner starts
// from now on; this step ends when that is armed, and the last step (job-post.ts) collects.
import { join } from "node:path";
import { mountOf } from "../../cli/run-command.ts";
import { logDecision } from "../../cli/decision-log.ts";
import { effects, type Wired } from "../../cli/wiring.ts";
import { canonicalJson, type Json } from "../../core/canonical.ts";
import { accepts } from "../../core/decide.ts";
import type { Gap } from "../../core/gap.ts";
import { madeBefore } from "../../memo/execute.ts";
import { type Decided, decideCommand } from "../../memo/memo.ts";
import { askStart } from "../../memo/start-state.ts";
import { realFolder } from "./own-folder.ts";
import { actionFiles, type ActionFiles } from "./action-files.ts";
import { contextValues } from "./contexts.ts";
import { contextUse, type JobDefinition, stepInput } from "./definition.ts";
import { jobEnvironment } from "./environment.ts";
import { forced, unrecordedBy } from "./forced.ts";
import type { SkipInputs } from "./inputs.ts";
import { type JobContext, jobContext } from "./job-context.ts";
import { dropJobFolder, newJobFolder, saveJobState } from "./job-state.ts";
import type { SharedLog } from "./log-lines.ts";
import { decisionLines, oneLine, proofOf, summaryText, type Verdict } from "./words.ts";
import { tracerCommand, wireAction } from "./wiring.ts";

export async function jobMode(host: SharedLog, inputs: SkipInputs): Promise<number> {
  try {
    await decideJob(host, inputs);
  } catch (error) {
    host.output("reason", "error");
    host.annotate(
      "notice",
      `this job runs without Foregone: ${oneLine(error instanceof Error ? error.message : String(error))}`,
    );
  }
  return 0;
}

async function decideJob(host: SharedLog, inputs: SkipInputs): Promise<void> {
  const workspace = host.env["GITHUB_WORKSPACE"] ?? process.cwd();
  const known = jobContext(host, inputs.token, workspace, effects.runner);
  const described = describeJob(host, known, realFolder(workspace));
  const { job } = described;
  const wired = await wireAction({
    host,
    inputs,
    job,
    argv: ["job", host.env["GITHUB_JOB"] ?? ""],
    cwd: workspace,
    env: jobEnvironment(host.env),
    declared: [],
    mode: "job",
    definition: described.key,
  });
  const decided = forced(await decideCommand(wired.parts), job, wired.parts.options.accept);
  const { decision, compared } = decided.verdict;
  const verdict: Verdict = {
    name: `job ${host.env["GITHUB_JOB"] ?? ""}`,
    decision,
    compared: compared?.record,
    decideMs: decided.decideMs,
    withheld: [],
    audit: wired.parts.options.audit,
    trust: inputs.trust,
    proof: proofOf(wired, decided),
    nowMs: effects.clock.now(),
    repository: host.env["GITHUB_REPOSITORY"] ?? "",
    serverUrl: host.env["GITHUB_SERVER_URL"] ?? "",
    full: inputs.explain === "full",
  };
  for (const line of decisionLines(verdict)) host.log(line);
  for (const note of wired.remote?.notes() ?? []) host.log(`Foregone: ${oneLine(note)}`);
  if (decision.kind === "skip") {
    const savedMs = Math.max(0, decision.record.result.durationMs - performance.now());
    host.output("saved-seconds", String(Math.round(savedMs / 1000)));
    host.output("record", decision.id);
    host.output("reason", "hit");
    // Last: from here on the guarded steps are skipped.
    host.output("skip", "true");
    host.summary(summaryText(verdict, ""));
    logDecision(wired, decided, { savedMs, exitCode: 0 });
    return;
  }
  host.output("reason", decision.misses[0].kind);
  const unrecorded = unrecordedBy(job, wired.parts.options.accept);
  const then = unrecorded === undefined ? await trace(host, wired, decided, described) : `not recorded: ${unrecorded}`;
  host.log(`Foregone ${verdict.name}: ${oneLine(then)}`);
  host.summary(summaryText(verdict, then));
  logDecision(wired, decided, { exitCode: 0 });
}

interface Described {
  readonly job: JobContext;
  /** Digests: a workflow's text and an event's payload stay out of records. */
  readonly key: Json;
  /** The text itself: it may name variables. */
  readonly text: string;
  readonly files: ActionFiles;
}

/** What the job's definition says of the steps to come, with every gap in it. */
function describeJob(host: SharedLog, known: JobContext, workspace: string): Described {
  const none: Described = { job: known, key: null, text: "", files: { looks: [], gaps: [] } };
  if ("why" in known.definition) return none;
  const definition: JobDefinition = known.definition;
  const use = contextUse(definition, stepInput(definition, "salt"));
  const { values, gaps } = contextValues(use.inputs, host.env, known.payload);
  const after = definition.own === undefined ? definition.steps : definition.steps.slice(definition.own + 1);
  const { RUNNER_TEMP = "/tmp", GITHUB_ACTION_REPOSITORY = "", GITHUB_ACTION_REF = "" } = host.env;
  const files = actionFiles(after, {
    workspace,
    temp: realFolder(RUNNER_TEMP),
    own: {
      uses: `${GITHUB_ACTION_REPOSITORY}@${GITHUB_ACTION_REF}`,
      folder: realFolder(join(import.meta.dirname, "..")),
    },
  });
  return {
    job: { ...known, gaps: [...known.gaps, ...use.gaps, ...gaps, ...files.gaps] },
    key: {
      job: digestOf(definition.canonical),
      contexts: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, digestOf(value)])),
    },
    text: canonicalJson(definition.canonical),
    files,
  };
}

function digestOf(value: Json): string {
  return effects.hasher.sha256(canonicalJson(value));
}

/** @returns what became of it, in words */
async function trace(host: SharedLog, wired: Wired, decided: Decided, described: Described): Promise<string> {
  const { parts } = wired;
  if (parts.options.mode === "off") return "not recorded: mode off";
  const { workspace } = decided.workspace.roots;
  const priorMade = [...madeBefore(parts, decided)];
  const folder = newJobFolder(realFolder(host.env["RUNNER_TEMP"] ?? "/tmp"));
  try {
    const { backend } = wired.chosen;
    if (backend !== "auto" && backend !== "ebpf") throw new Error(`trace.backend is ${backend}, and a job needs ebpf`);
    const now = effects.clock.now();
    const startNs = BigInt(now) * 1_000_000n;
    const start = decided.workspace.gitDir === undefined ? undefined : askStart(workspace, parts.env, effects.runner);
    const { jobRoot, startJob } = await import("../../trace/bpf/job.ts");
    const root = jobRoot();
    const elevate = process.getuid?.() === 0 ? [] : ["sudo", "-n", "--"];
    const started = await startJob({ elevate, tracer: tracerCommand(), folder }, root);
    const accepted = described.job.gaps.filter((gap: Gap) => accepts(parts.options.accept, gap));
    const { auditOf } = decided.verdict;
    saveJobState(host, folder, {
      action: decided.planned.action,
      weak: decided.planned.weak,
      label: decided.planned.label,
      volatile: decided.planned.environment.volatile,
      definition: described.text,
      looks: described.files.looks,
      gaps: accepted,
      start,
      startNs: String(startNs),
      priorMade,
      mount: mountOf(),
      trace: started,
      root,
      startedAt: now,
      ...(auditOf !== undefined && { auditOf: auditOf.id }),
    });
    return "traced from here on";
  } catch (error) {
    dropJobFolder(folder);
    const why = `no tracer: ${error instanceof Error ? error.message : String(error)}`;
    host.annotate("notice", `this job cannot be recorded: ${oneLine(why)}`);
    return `not recorded: ${why}`;
  }
}
