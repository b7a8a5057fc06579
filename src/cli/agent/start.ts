// foregone agent start: a detached process that reports once whether it serves, or this very process for a service manager.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { type Daemon, startDaemon } from "../../agent/daemon.ts";
import { agentParts } from "../../agent/wiring.ts";
import { type ErrorCode, EXIT, ForegoneError } from "../../core/errors.ts";
import { growSlowly, SMALL_HEAP } from "../../node/heap.ts";
import { systemClock } from "../../node/ports.ts";
import type { CliContext, Parsed } from "../command.ts";
import { agentHere, type Here, statusOf, statusText } from "./here.ts";
import { printNotes } from "../configuration.ts";
import { storeTrouble } from "../store-trouble.ts";
import { VERSION } from "../version.ts";
import { tell } from "../tell.ts";

/** Set for the detached child: the number of the descriptor on which it says how the start went. */
const READY_FD = "FOREGONE_AGENT_READY_FD";
/** A cold machine with a slow disk; usually it takes a quarter of a second. */
const START_DEADLINE_MS = 20_000;

type Report =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly exitCode: number;
      readonly hint: string | null;
    };

export async function start(context: CliContext, parsed: Parsed): Promise<number> {
  const here = await agentHere(context);
  printNotes(context, here.resolved);
  if (parsed.flags.has("foreground")) return foreground(context, here);
  const running = await statusOf(here.place);
  if (running !== undefined) {
    tell(context, parsed, { ...running, alreadyUp: true }, `agent      already up\n${statusText(running)}`);
    if (running.version !== VERSION)
      context.stderr.write(
        `foregone: note: it runs version ${running.version}, and this is ${VERSION}\nforegone: hint: foregone agent stop && foregone agent start\n`,
      );
    return EXIT.done;
  }
  await detached(context, here);
  const answer = await statusOf(here.place);
  if (answer === undefined)
    throw new ForegoneError("E_INTERNAL", "the agent started and does not answer", { hint: "foregone agent logs" });
  tell(context, parsed, { ...answer, alreadyUp: false }, statusText(answer));
  return EXIT.done;
}

/** @throws ForegoneError what the child could not do */
async function detached(context: CliContext, { place }: Here): Promise<void> {
  mkdirSync(dirname(place.log), { recursive: true, mode: 0o700 });
  // What a crash prints goes behind the log's own lines.
  const log = openSync(place.log, "a", 0o600);
  const [script] = process.argv.slice(1);
  if (script === undefined) throw new TypeError("no script to start again");
  const child = spawn(process.execPath, [...SMALL_HEAP, script, "agent", "start", "--foreground"], {
    cwd: context.cwd,
    env: { ...context.env, [READY_FD]: "3" },
    detached: true,
    stdio: ["ignore", log, log, "pipe"],
  });
  closeSync(log);
  const report = await firstLine(
    child.stdio[3] as Readable,
    new Promise<void>((resolve) => child.once("exit", () => resolve())),
  );
  child.unref();
  (child.stdio[3] as Readable).destroy();
  if (report === undefined)
    throw new ForegoneError("E_INTERNAL", "the agent did not start", { hint: "foregone agent logs" });
  if (!report.ok) {
    const { code, message, exitCode, hint } = report;
    throw new ForegoneError(code, message, { exitCode, ...(hint !== null && { hint }) });
  }
}

async function firstLine(stream: Readable, gone: Promise<void>): Promise<Report | undefined> {
  let text = "";
  const line = new Promise<Report | undefined>((resolve) => {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(JSON.parse(text.slice(0, text.indexOf("\n"))) as Report);
    });
    stream.on("end", () => resolve(undefined));
    stream.on("error", () => resolve(undefined));
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), START_DEADLINE_MS)));
  // A child that is gone may have reported first: give its last line precedence.
  const report = await Promise.race([line, gone.then(() => line), late]);
  clearTimeout(timer);
  return report;
}

async function foreground(context: CliContext, { agent, resolved }: Here): Promise<number> {
  growSlowly();
  const report = reporter(context.env[READY_FD]);
  let daemon: Daemon | undefined;
  try {
    const parts = await agentParts(agent, resolved, () => {
      if (daemon === undefined) throw new TypeError("asked before the start");
      return daemon.status();
    });
    daemon = await startDaemon({ ...parts, clock: systemClock, version: VERSION, store: agent.store });
  } catch (error) {
    const trouble = storeTrouble(error);
    if (trouble instanceof ForegoneError) {
      const { code, message, exitCode, hint = null } = trouble;
      report?.({ ok: false, code, message, exitCode, hint });
    }
    throw trouble;
  }
  const running = daemon;
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => void running.stop(signal));
  report?.({ ok: true });
  if (report === undefined) context.stdout.write(statusText(running.status()));
  await running.stopped;
  return EXIT.done;
}

function reporter(fd: string | undefined): ((report: Report) => void) | undefined {
  if (fd === undefined) return undefined;
  return (report) => {
    try {
      writeSync(Number(fd), `${JSON.stringify(report)}\n`);
      closeSync(Number(fd));
    } catch {
      // Whoever started us is gone; the agent serves all the same.
    }
  };
}
