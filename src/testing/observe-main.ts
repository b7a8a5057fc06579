// Runs one command under the unprivileged observer in a process of its own, for tests that need another uid, a nested
// observer, or a kill. Argument: an ObserveRequest; output: one ObserveMessage a line; "abort" on stdin aborts.
import { Socket } from "node:net";
import { loadLibc } from "../trace/ffi.ts";
import { createNotifyObserver, type NotifyOptions } from "../trace/notify/observer.ts";
import type { TraceEvent } from "../trace/event.ts";
import type { Observed } from "../trace/observer.ts";

export interface ObserveRequest extends NotifyOptions {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export type ObserveMessage =
  | { readonly event: TraceEvent }
  | { readonly output: "stdout" | "stderr"; readonly latin1: string }
  | { readonly notice: string }
  | { readonly started: number }
  | { readonly observed: Observed };

const request = JSON.parse(process.argv[2] ?? "{}") as ObserveRequest;
const say = (message: ObserveMessage): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const abort = new AbortController();
process.stdin.once("data", () => abort.abort());
// A socket must not keep us; /dev/null has no unref.
if (process.stdin instanceof Socket) process.stdin.unref();
const libc = await loadLibc();
if ("unavailable" in libc) throw new Error(libc.unavailable);
const observed = await createNotifyObserver(libc, request).run({
  argv: request.argv,
  cwd: request.cwd,
  env: request.env,
  onOutput: (output, bytes) => say({ output, latin1: Buffer.from(bytes).toString("latin1") }),
  onEvent: (event) => say({ event }),
  onNotice: (notice) => say({ notice }),
  onStarted: (started) => say({ started }),
  signal: abort.signal,
});
say({ observed });
process.stdin.destroy();
