// Step mode: one command, decided; replayed, or run observed and recorded. Our own trouble never shows in its exit code: until the
// command has started the worst that we do is to run it plainly, afterwards nothing but not to record it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { auditRun } from "../../cli/audit.ts";
import { logDecision } from "../../cli/decision-log.ts";
import { forwardSignals } from "../../cli/child.ts";
import { executeParts, tidy } from "../../cli/run-command.ts";
import { secretSearch } from "../../cli/secret-values.ts";
import { effects } from "../../cli/wiring.ts";
import { type Executed, executeCommand, exitCodeOf, type Recording } from "../../memo/execute.ts";
import { type Decided, decideCommand } from "../../memo/memo.ts";
import type { EpochMs } from "../../ports.ts";
import { recordingLines } from "../../report/recording.ts";
import { unobserved } from "../../trace/unobserved.ts";
import type { SharedLog } from "./log-lines.ts";
import { stepEnvironment, type StepEnvironment } from "./environment.ts";
import { forced, unrecordedBy, withMiss } from "./forced.ts";
import type { SkipInputs } from "./inputs.ts";
import { type JobContext, jobContext } from "./job-context.ts";
import { realFolder, StepFolder } from "./own-folder.ts";
import { saveRecorded } from "./publishing.ts";
import { replayStep } from "./replay-step.ts";
import { scriptCommand, withScript } from "./shell.ts";
import { decisionLines, nameOf, oneLine, summaryText, type Verdict, proofOf } from "./words.ts";
import { type ActionWired, tracerCommand, wireAction } from "./wiring.ts";

interface Step {
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly folder: StepFolder;
  readonly environment: StepEnvironment;
}

/** @returns the exit code of the step */
export async function stepMode(host: SharedLog, inputs: SkipInputs): Promise<number> {
  const step = layStep(host, inputs);
  if ("mistake" in step) {
    host.annotate("error", step.mistake);
    return 1;
  }
  let started = false;
  try {
    const known = await decideStep(host, inputs, step);
    if (known.decided.verdict.decision.kind === "skip") {
      const replayed = await replayStep(host, known);
      if (replayed === undefined) return 0;
      // Nothing was put back: it runs, as if nothing had been found.
      known.decided = withMiss(known.decided, { kind: "untrusted", why: replayed.why });
    }
    return await runObserved(host, step, known, () => (started = true));
  } catch (error) {
    if (started) throw error;
    host.annotate("notice", `this step runs without Foregone: ${oneLine(messageOf(error))}`);
    // A replay may have begun to say otherwise.
    host.output("skip", "false");
    host.output("reason", "error");
    return await plain(step, host);
  }
}

function layStep(host: SharedLog, inputs: SkipInputs): Step | { readonly mistake: string } {
  const { env } = host;
  const workspace = env["GITHUB_WORKSPACE"] ?? process.cwd();
  const command = scriptCommand(inputs.shell, inputs.run, onPath("bash", env["PATH"] ?? ""));
  if ("mistake" in command) return command;
  const folder = StepFolder.named(realFolder(env["RUNNER_TEMP"] ?? "/tmp"), command);
  folder.lay(command);
  return {
    name: nameOf(inputs.run),
    argv: withScript(command, folder.script),
    cwd: inputs.workingDirectory === "" ? workspace : join(workspace, inputs.workingDirectory),
    folder,
    environment: stepEnvironment(env, inputs.env, inputs.run, folder.path),
  };
}

export interface KnownStep {
  readonly step: Step;
  readonly wired: ActionWired;
  readonly job: JobContext;
  readonly inputs: SkipInputs;
  decided: Decided;
  verdict(): Verdict;
}

async function decideStep(host: SharedLog, inputs: SkipInputs, step: Step): Promise<KnownStep> {
  const { argv, cwd, environment } = step;
  const job = jobContext(host, inputs.token, cwd, effects.runner);
  const { env, declared } = environment;
  const wired = await wireAction({ host, inputs, job, argv, cwd, env, declared, mode: "step" });
  const decided = forced(await decideCommand(wired.parts), job, wired.parts.options.accept);
  const known: KnownStep = {
    step,
    wired,
    job,
    inputs,
    decided,
    verdict: () => ({
      name: step.name,
      decision: known.decided.verdict.decision,
      compared: known.decided.verdict.compared?.record,
      decideMs: known.decided.decideMs,
      withheld: environment.withheld,
      audit: wired.parts.options.audit,
      trust: inputs.trust,
      proof: proofOf(wired, known.decided),
      nowMs: effects.clock.now(),
      repository: host.env["GITHUB_REPOSITORY"] ?? "",
      serverUrl: host.env["GITHUB_SERVER_URL"] ?? "",
      full: inputs.explain === "full",
    }),
  };
  return known;
}

async function runObserved(host: SharedLog, step: Step, known: KnownStep, onStarted: () => void): Promise<number> {
  const { wired, decided, job } = known;
  const { env } = host;
  const verdict = known.verdict();
  for (const line of decisionLines(verdict)) host.log(line);
  for (const note of wired.remote?.notes() ?? []) host.log(`Foregone: ${oneLine(note)}`);
  const { decision } = decided.verdict;
  host.output("reason", decision.kind === "run" ? decision.misses[0].kind : "hit");
  const { chooseObserver } = await import("../../trace/choose.ts");
  const { observer, refusals } = await chooseObserver(wired.chosen.backend, { tracer: tracerCommand() });
  const context = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, cwd: step.cwd, env };
  const forward = forwardSignals(context);
  const unrecorded = unrecordedBy(job, wired.parts.options.accept);
  let notice =
    observer.name === "none" ? `no tracer: ${refusals.map((r) => `${r.backend}: ${r.why}`).join("; ")}` : undefined;
  let executed: Executed;
  try {
    const parts = await executeParts(context, wired);
    executed = await executeCommand({ ...wired.parts, backend: observer.name }, decided, {
      ...parts,
      provenance: { ...parts.provenance, ...job.provenance },
      observer,
      own: step.folder,
      searchSecrets: await secretSearch(env, true),
      refuse: (made, output) => unrecorded ?? parts.refuse?.(made, output),
      onStarted(pid) {
        onStarted();
        forward.onStarted(pid);
      },
      onOutput: (stream, bytes) => host.pass(stream, bytes),
      onNotice: (text) => (notice ??= text),
    });
  } finally {
    forward.stop();
  }
  handOn(host, step);
  const code = exitCodeOf(executed.exit);
  if (executed.exit.kind === "not-started")
    host.log(`cannot start ${oneLine(step.argv[0] ?? "")}: ${executed.exit.errno}`);
  // The command has its exit code; whatever happens to us now does not change it.
  try {
    const audit = await auditRun(wired, decided, executed);
    const lines = recordingLines(executed.recording, audit).map(oneLine);
    for (const line of lines) host.log(`Foregone ${step.name}: ${line}`);
    if (audit?.kind === "false-skip")
      host.annotate("error", `false skip: ${oneLine(audit.what)}; every record of ${step.name} is disowned`);
    else if (notice !== undefined) host.annotate("notice", `${step.name} is not recorded: ${oneLine(notice)}`);
    host.summary(summaryText(verdict, lines.join("; ")));
    logDecision(wired, decided, {
      exitCode: code,
      runMs: executed.durationMs,
      recording: executed.recording,
      ...(audit !== undefined && { audit: audit.kind }),
    });
    const { recording } = executed;
    if (audit?.kind === "false-skip") await wired.remote?.disown(decided.planned.weak, ownDate(recording));
    if (recording.kind !== "recorded") return code;
    const { weak, label } = decided.planned;
    saveRecorded(host, { weak, record: recording.id, label });
    await tidy(wired);
  } catch (error) {
    host.log(`Foregone ${step.name}: after the command: ${oneLine(messageOf(error))}`);
  }
  return code;
}

/** Without us: the same command, in the same environment. */
async function plain(step: Step, host: SharedLog): Promise<number> {
  const context = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    cwd: step.cwd,
    env: host.env,
  };
  const forward = forwardSignals(context);
  try {
    const { exit } = await unobserved.run({
      argv: step.argv,
      cwd: step.cwd,
      env: step.environment.env,
      onOutput: (stream, bytes) => host.pass(stream, bytes),
      onEvent: () => undefined,
      onStarted: forward.onStarted,
    });
    handOn(host, step);
    return exitCodeOf(exit);
  } finally {
    forward.stop();
  }
}

/** The record of this very run is the truth, and lives on. */
function ownDate(recording: Recording): EpochMs {
  const own = recording.kind === "recorded" ? recording.made.record.provenance.recordedAt : effects.clock.now();
  return (own - 1) as EpochMs;
}

function handOn(host: SharedLog, step: Step): void {
  try {
    step.folder.handOn(host.env);
  } catch (error) {
    host.annotate("error", `outputs of ${step.name} could not be handed on: ${oneLine(messageOf(error))}`);
  }
}

function onPath(program: string, path: string): boolean {
  return path.split(":").some((folder) => folder.startsWith("/") && existsSync(join(folder, program)));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
