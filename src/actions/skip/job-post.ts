// Job mode, last step: collects the trace whatever became of the job, so that no tracer is left behind; records only what passed.
import { dirname } from "node:path";
import { executeParts, tidy } from "../../cli/run-command.ts";
import { effects } from "../../cli/wiring.ts";
import { OutputLog } from "../../core/output-log.ts";
import { sha256Of } from "../../core/digest.ts";
import { interpreterFor, saveRecord } from "../../memo/execute.ts";
import { recordRun } from "../../memo/record-run.ts";
import { CLOCK_GRANULARITY_NS } from "../../ports.ts";
import { startedFrom, startWithoutGit } from "../../memo/start-state.ts";
import { findWorkspace } from "../../memo/workspace.ts";
import { type EpochMs, Unreadable } from "../../ports.ts";
import { recordingLines } from "../../report/recording.ts";
import { disowningMark } from "../../store/entries.ts";
import type { Seal } from "../../trace/event.ts";
import type { Interpreted } from "../../trace/interpret/interpreted.ts";
import type { Host } from "../host.ts";
import { jobEnvironment } from "./environment.ts";
import { readInputs } from "./inputs.ts";
import { jobContext } from "./job-context.ts";
import { dropJobFolder, type JobState, loadJobState } from "./job-state.ts";
import { StepWatch, withLooks, withoutRunnerFiles } from "./job-trace.ts";
import { publish } from "./publishing.ts";
import { realFolder } from "./own-folder.ts";
import { oneLine } from "./words.ts";
import { type ActionWired, wireAction } from "./wiring.ts";

export async function jobPost(host: Host): Promise<void> {
  const loaded = loadJobState(host);
  if (loaded === undefined) return host.log("Foregone: what was decided on is not known any more; nothing is recorded");
  const { state, folder } = loaded;
  const status = host.input("job-status");
  try {
    const seen = await collect(host, state, folder);
    if (status !== "success") {
      host.log(`Foregone: not recorded: the job is ${oneLine(status)}`);
      // A cancelled job says nothing; a failed one says that the skip would have been wrong.
      if (status === "failure" && state.auditOf !== undefined) await disown(host, state);
      return;
    }
    if (typeof seen === "string") return host.log(`Foregone: not recorded: ${oneLine(seen)}`);
    await record(host, state, seen);
  } catch (error) {
    host.log(`Foregone: not recorded: ${oneLine(error instanceof Error ? error.message : String(error))}`);
  } finally {
    dropJobFolder(folder);
  }
}

interface Seen {
  readonly interpreted: Interpreted;
  readonly seal: Seal;
  readonly watch: StepWatch;
  readonly workspace: ReturnType<typeof findWorkspace>;
  readonly start: ReturnType<typeof startWithoutGit>;
}

/** @returns why nothing of it can be relied on */
async function collect(host: Host, state: JobState, folder: string): Promise<Seen | string> {
  const { loadLibc } = await import("../../trace/ffi.ts");
  const { collectJob } = await import("../../trace/bpf/job.ts");
  const { makeInterpreter } = await import("../../trace/interpret/interpreter.ts");
  const libc = await loadLibc();
  if ("unavailable" in libc) return libc.unavailable;
  const { env } = host;
  const workspace = findWorkspace(env["GITHUB_WORKSPACE"] ?? process.cwd(), env, effects.files);
  const { workspace: root } = workspace.roots;
  const startNs = BigInt(state.startNs);
  const start =
    state.start === undefined ? startWithoutGit(startNs) : startedFrom(state.start, root, env, effects.runner, startNs);
  const watch = new StepWatch(state.root);
  const interpreter = interpreterFor({ makeInterpreter, mount: state.mount }, { effects, env }, root, start);
  let seal: Seal | undefined;
  try {
    seal = await collectJob(libc, state.trace, (event) => {
      watch.onEvent(event);
      interpreter.onEvent(event);
    });
  } catch (error) {
    return `the tracer is gone: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (seal === undefined) return "the tracer ended before the job did";
  const raw = interpreter.finish(seal);
  const isNew = (path: string): boolean => {
    const stat = effects.files.lstat(path);
    return stat === undefined || (!(stat instanceof Unreadable) && stat.ctimeNs >= startNs - CLOCK_GRANULARITY_NS);
  };
  const paths = {
    temp: realFolder(env["RUNNER_TEMP"] ?? "/tmp"),
    commands: realFolder(dirname(env["GITHUB_OUTPUT"] ?? env["GITHUB_ENV"] ?? "/nowhere/x")),
    event: realFolder(env["GITHUB_EVENT_PATH"] ?? ""),
    own: realFolder(folder),
  };
  return { interpreted: withLooks(withoutRunnerFiles(raw, paths, isNew), state.looks), seal, watch, workspace, start };
}

async function record(
  host: Host,
  state: JobState,
  { interpreted, seal, watch, workspace, start }: Seen,
): Promise<void> {
  const { wired, job } = await wireAgain(host);
  const how = await executeParts(
    { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, cwd: process.cwd(), env: host.env },
    wired,
  );
  const log = new OutputLog().done();
  const planned = {
    action: state.action,
    weak: state.weak,
    label: state.label,
    environment: { passed: {}, hashed: {}, volatile: state.volatile },
  };
  const takenAt = effects.clock.now();
  const made = recordRun(
    wired.parts,
    { workspace, planned },
    {
      interpreted,
      seal,
      start,
      priorMade: new Set(state.priorMade),
      durationMs: Math.max(0, takenAt - state.startedAt),
      output: sha256Of(effects.hasher, log),
      gaps: [...state.gaps, ...watch.gaps()],
      definition: state.definition,
      provenance: { ...how.provenance, ...job.provenance },
      match: how.match,
    },
  );
  const id = await saveRecord(wired.parts, planned, how, { ...made, takenAt }, log);
  const audit = state.auditOf === undefined ? undefined : ({ kind: "same" } as const);
  for (const line of recordingLines({ kind: "recorded", id, made }, audit)) host.log(`Foregone: ${oneLine(line)}`);
  await publish(host, wired.remote, wired.disk, { weak: state.weak, record: id, label: state.label });
  await tidy(wired);
}

async function disown(host: Host, state: JobState): Promise<void> {
  const { wired } = await wireAgain(host);
  const at = (effects.clock.now() - 1) as EpochMs;
  await wired.disk.records.append(state.weak, disowningMark(at));
  await wired.remote?.disown(state.weak, at);
  host.annotate("error", "false skip: the job would have been skipped, and it fails now; its records are disowned");
}

export async function wireAgain(
  host: Host,
): Promise<{ readonly wired: ActionWired; readonly job: ReturnType<typeof jobContext> }> {
  const inputs = readInputs(host);
  if ("mistake" in inputs) throw new Error(inputs.mistake);
  const cwd = host.env["GITHUB_WORKSPACE"] ?? process.cwd();
  const job = jobContext(host, inputs.token, cwd, effects.runner);
  const argv = ["job", host.env["GITHUB_JOB"] ?? ""];
  const wired = await wireAction({
    host,
    inputs,
    job,
    argv,
    cwd,
    env: jobEnvironment(host.env),
    declared: [],
    mode: "job",
  });
  return { wired, job };
}
