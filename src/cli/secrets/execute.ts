// Runs one command with values in its environment alone. What it prints passes through the redactor, unless the terminal is
// handed over. No shell; signals are passed on; the exit code is the command's.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { Readable } from "node:stream";
import { EXIT } from "../../core/errors.ts";
import { Redactor, secretsAutomaton } from "../../secrets/redactor.ts";
import type { CliContext } from "../command.ts";

/** What opens the store is not for the command that gets one value of it. */
const OURS = ["FOREGONE_MASTER_KEY", "FOREGONE_MASTER_KEY_FD", "FOREGONE_PASSPHRASE", "FOREGONE_PASSPHRASE_FD"];

export interface Execution {
  readonly argv: readonly string[];
  /** Variable -> value. */
  readonly values: ReadonlyMap<string, string>;
  /** Variable -> tag, for `foregone run` below us: it observes the tag, so that no value enters a record. */
  readonly tags: ReadonlyMap<string, string>;
  readonly redact: boolean;
}

/** @returns the command's exit code, 128+n for signal n, 126 or 127 if it could not be started */
export function execute(context: CliContext, { argv, values, tags, redact }: Execution): Promise<number> {
  const [file = "", ...args] = argv;
  const env: Record<string, string> = { ...context.env };
  for (const name of OURS) delete env[name];
  for (const [name, value] of values) env[name] = value;
  if (tags.size > 0) env["FOREGONE_CREDENTIAL_TAGS"] = [...tags].map(([name, tag]) => `${name}=${tag}`).join(",");
  const piped = redact || context.stdout !== process.stdout;
  const child = spawn(file, args, {
    cwd: context.cwd,
    env,
    stdio: piped ? ["inherit", "pipe", "pipe"] : "inherit",
  });
  const automaton = redact ? secretsAutomaton([...values.values()]) : undefined;
  const through = (from: Readable | null, to: NodeJS.WritableStream): Promise<void> => {
    if (from === null) return Promise.resolve();
    const source = automaton === undefined ? from : from.pipe(Redactor.stream(automaton));
    // Nobody reads us any more: then nobody reads the command, and it hears of it as it would without us.
    to.once("error", () => from.destroy());
    source.pipe(to, { end: false });
    return new Promise((resolve) => {
      source.once("end", resolve);
      source.once("close", resolve);
      from.once("close", () => from.destroyed && !from.readableEnded && resolve());
    });
  };
  const drained = Promise.all([through(child.stdout, context.stdout), through(child.stderr, context.stderr)]);
  return exitOf(context, child, file).then(async (code) => {
    await drained;
    return code;
  });
}

function exitOf(context: CliContext, child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve) => {
    // A terminal sends ^C to the command too; what is sent to us alone is passed on.
    const passed = (["SIGTERM", "SIGHUP"] as const).map((signal) => [signal, () => void child.kill(signal)] as const);
    const ignored = (["SIGINT", "SIGQUIT"] as const).map(
      (signal) => [signal, () => void (process.stdin.isTTY || child.kill(signal))] as const,
    );
    const handlers = [...passed, ...ignored];
    for (const [signal, handler] of handlers) process.on(signal, handler);
    const done = (code: number): void => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
      resolve(code);
    };
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      const missing = error.code === "ENOENT";
      const why = missing ? "command not found" : error.message;
      context.stderr.write(`foregone: error E_NOT_FOUND: ${file}: ${why}\n`);
      done(missing ? EXIT.notFound : EXIT.notExecutable);
    });
    child.on("close", (code, signal) => done(signal === null ? (code ?? 0) : 128 + constants.signals[signal]));
  });
}
