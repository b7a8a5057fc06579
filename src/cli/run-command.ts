// A miss: run the command observed, pass its bytes on as they come, record it if it passed, compare it if this is an audit.
import { readFileSync, statSync } from "node:fs";
import { encodeRecord } from "../core/record-codec.ts";
import { type ExecuteParts, executeCommand, exitCodeOf } from "../memo/execute.ts";
import type { Decided } from "../memo/memo.ts";
import { nodeDeflate } from "../node/store-files.ts";
import { recordingLines } from "../report/recording.ts";
import { decisionLine } from "../report/decision.ts";
import { writeWitness } from "../store/witness.ts";
import { unobserved } from "../trace/unobserved.ts";
import { auditRun } from "./audit.ts";
import { forwardSignals, sayNotStarted } from "./child.ts";
import type { CliContext } from "./command.ts";
import { logDecision } from "./decision-log.ts";
import { observerFor } from "./observers.ts";
import { secretSearch } from "./secret-values.ts";
import { VERSION } from "./version.ts";
import type { Voice } from "./voice.ts";
import { effects, type Wired } from "./wiring.ts";

/** @param known undefined: Foregone itself is in trouble, and the command just runs */
export async function runCommand(
  context: CliContext,
  argv: readonly string[],
  voice: Voice,
  known: { readonly wired: Wired; readonly decided: Decided } | undefined,
): Promise<number> {
  const forward = forwardSignals(context);
  try {
    if (known === undefined || known.wired.parts.options.mode === "off")
      return await plain(context, argv, forward.onStarted);
    const { wired, decided } = known;
    voice.say(decisionLine(decided.verdict.decision, effects.clock.now()));
    const from = effects.clock.monotonicMs();
    const { observer, notice } = await observerFor(wired.chosen.backend, wired.chosen.resolved?.config);
    if (notice !== undefined) voice.say(notice);
    const executed = await executeCommand({ ...wired.parts, backend: observer.name }, decided, {
      ...(await executeParts(context, wired)),
      observer,
      onStarted: forward.onStarted,
      onNotice: (text) => voice.say(text),
    });
    if (executed.exit.kind === "not-started") sayNotStarted(context, argv, executed.exit.errno);
    // Starting the observer, sealing its trace, hashing and storing: what the user waits for beside the command.
    const traceMs = Math.max(0, effects.clock.monotonicMs() - from - executed.durationMs);
    const audit = await auditRun(wired, decided, executed);
    for (const line of recordingLines(executed.recording, audit)) voice.say(line);
    logDecision(wired, decided, {
      exitCode: exitCodeOf(executed.exit),
      runMs: executed.durationMs,
      traceMs,
      recording: executed.recording,
      ...(audit !== undefined && { audit: audit.kind }),
    });
    if (executed.recording.kind === "recorded") await tidy(wired);
    return exitCodeOf(executed.exit);
  } finally {
    forward.stop();
  }
}

function tooMany(observations: number, { chosen }: Wired): string | undefined {
  const max = chosen.resolved?.config["trace.max-observations"] ?? Number.POSITIVE_INFINITY;
  return observations > max ? `${observations} observations, more than trace.max-observations (${max})` : undefined;
}

/** Best effort, and at most once a day: a store that cannot be tidied up now is no matter of this command. */
export async function tidy({ folder, chosen }: Wired): Promise<void> {
  const { gcIfDue } = await import("../store/gc.ts");
  await gcIfDue(folder, nodeDeflate, chosen.store).catch(() => undefined);
}

export async function executeParts(context: CliContext, wired: Wired): Promise<Omit<ExecuteParts, "observer">> {
  const { makeInterpreter } = await import("../trace/interpret/interpreter.ts");
  return {
    makeInterpreter,
    mount: mountOf(),
    provenance: { tool: `foregone ${VERSION}` },
    match: await matcher(wired.parts.options),
    encode: (record) => encodeRecord(record, nodeDeflate),
    refuse: ({ record }) => tooMany(record.trace.observations.length, wired),
    // Without a witness the next decision reads every content: slower, not different.
    searchSecrets: await secretSearch(context.env),
    saveWitness: (id, stats, takenAt) => writeWitness(wired.folder, id, stats, takenAt).catch(() => undefined),
    onOutput: (stream, bytes) => void context[stream].write(bytes),
  };
}

/** Without observing: our own trouble must not keep the command from running. */
async function plain(context: CliContext, argv: readonly string[], onStarted: (pid: number) => void): Promise<number> {
  const { exit } = await unobserved.run({
    argv,
    cwd: context.cwd,
    env: context.env,
    onOutput: (stream, bytes) => void context[stream].write(bytes),
    onEvent: () => undefined,
    onStarted,
  });
  if (exit.kind === "not-started") sayNotStarted(context, argv, exit.errno);
  return exitCodeOf(exit);
}

/** Where the caller stands: its mount table, and the namespace it is of. */
export function mountOf(): { readonly mountinfo: string; readonly mountNs: number } {
  return { mountinfo: mountinfo(), mountNs: mountNamespace() };
}

function mountinfo(): string {
  try {
    return readFileSync("/proc/self/mountinfo", "latin1");
  } catch {
    return "";
  }
}

function mountNamespace(): number {
  try {
    return statSync("/proc/self/ns/mnt").ino;
  } catch {
    return 0;
  }
}

/** Path globs, loaded only if a rule has some. */
async function matcher({
  ignore,
  outputs,
}: Pick<Wired["parts"]["options"], "ignore" | "outputs">): Promise<ExecuteParts["match"]> {
  if (ignore.length === 0 && typeof outputs === "string") return () => false;
  const { default: picomatch } = await import("picomatch");
  const known = new Map<string, (path: string) => boolean>();
  return (path, globs) =>
    globs.some((glob) => {
      const matches = known.get(glob) ?? picomatch(glob, { dot: true });
      known.set(glob, matches);
      return matches(path);
    });
}
