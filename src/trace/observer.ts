// An observer runs one command and reports what its process tree looked at. It never changes the command; unsure, it says so.
import type { Seal, TraceEvent } from "./event.ts";

export interface ObservedCommand {
  /** argv[0] is looked up on the PATH of `env`, as execvp does. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Called with the command's bytes as they come. */
  onOutput(stream: "stdout" | "stderr", bytes: Uint8Array): void;
  /** Called for each event, in order, while the command runs and until it is sealed. */
  onEvent(event: TraceEvent): void;
  /** Called once when the command is running: signals that reach us are passed on to this pid. */
  onStarted?(pid: number): void;
  /** One line for the user, e.g. why this run cannot be recorded for reuse. */
  onNotice?(text: string): void;
  /** Aborting sends SIGTERM to the command. */
  readonly signal?: AbortSignal;
}

export type ObservedExit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string; readonly number: number }
  /** No process could be started: ENOENT, EACCES, ... */
  | { readonly kind: "not-started"; readonly errno: string };

export interface Observed {
  readonly exit: ObservedExit;
  /** `undefined`: the observer died or was never there. Then nothing may be recorded for trace reuse. */
  readonly seal: Seal | undefined;
  /** From spawn to exit of the command, not counting our own start-up. */
  readonly durationMs: number;
}

export interface Observer {
  readonly name: "ebpf" | "notify" | "none";
  run(command: ObservedCommand): Promise<Observed>;
}
