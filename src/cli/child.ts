// One command as our child: its streams, the signals that reach us, how it ended. No shell. For commands that are not observed;
// `foregone run` starts its own through an observer.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { EXIT } from "../core/errors.ts";
import type { CliContext } from "./command.ts";

export interface ChildOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What its output passes through, a new one for each stream; without it the command gets our own terminal, if we have one. */
  readonly through?: (() => NodeJS.ReadWriteStream) | undefined;
}

/** @returns the command's exit code, 128+n for signal n, 126 or 127 if it could not be started, which is said on stderr */
export async function runChild(context: CliContext, { argv, env, through }: ChildOptions): Promise<number> {
  const [file = "", ...args] = argv;
  // A test hands in streams: these are no descriptors to inherit.
  const stdin = context.stdin === process.stdin ? "inherit" : "ignore";
  const direct = through === undefined && context.stdout === process.stdout;
  const forward = forwardSignals(context);
  try {
    const stdio = direct ? ("inherit" as const) : ([stdin, "pipe", "pipe"] as const);
    const child = spawn(file, args, { cwd: context.cwd, env, stdio: typeof stdio === "string" ? stdio : [...stdio] });
    if (child.pid !== undefined) forward.onStarted(child.pid);
    const drained = Promise.all([
      drain(child.stdout, context.stdout, through),
      drain(child.stderr, context.stderr, through),
    ]);
    const code = await codeOf(context, child, argv);
    await drained;
    return code;
  } finally {
    forward.stop();
  }
}

/** Done when all of it was handed on, or nobody reads any more. */
function drain(from: Readable | null, to: NodeJS.WritableStream, through: ChildOptions["through"]): Promise<void> {
  if (from === null) return Promise.resolve();
  const source = through === undefined ? from : from.pipe(through());
  // Nobody reads us any more: then nobody reads the command, and it hears of it as it would without us.
  to.once("error", () => from.destroy());
  source.pipe(to, { end: false });
  return new Promise((resolve) => {
    source.once("end", resolve);
    source.once("close", resolve);
    from.once("close", () => from.destroyed && !from.readableEnded && resolve());
  });
}

function codeOf(context: CliContext, child: ChildProcess, argv: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      const errno = error.code ?? "EIO";
      sayNotStarted(context, argv, errno);
      resolve(errno === "ENOENT" ? EXIT.notFound : EXIT.notExecutable);
    });
    child.on("close", (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]));
  });
}

export function sayNotStarted(context: CliContext, argv: readonly string[], errno: string): void {
  const why = errno === "ENOENT" ? "not found" : errno === "EACCES" ? "not executable" : errno;
  context.stderr.write(`foregone: error E_NOT_FOUND: cannot start "${argv[0]}": ${why}\n`);
}

/**
 * Signals that reach us go on to the command. From a terminal, Ctrl-C reaches the whole group already: then the command has
 * it, and a second one would mean "now really" to many programs.
 */
export function forwardSignals(context: CliContext): {
  readonly onStarted: (pid: number) => void;
  readonly stop: () => void;
} {
  let pid: number | undefined;
  const terminal = "isTTY" in context.stdin && context.stdin.isTTY === true;
  const handlers = (["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const).map((signal) => {
    const handler = (): void => {
      if (pid === undefined || (terminal && (signal === "SIGINT" || signal === "SIGQUIT"))) return;
      try {
        process.kill(pid, signal);
      } catch {
        // It has just ended: then its exit is on its way.
      }
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return {
    onStarted: (started) => {
      pid = started;
    },
    stop: () => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}
