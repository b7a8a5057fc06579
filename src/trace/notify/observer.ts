// The back end that needs no rights: seccomp user notification (docs/tracing). Main thread: output, events, watchdog. The
// supervisor and the spawner are worker threads (docs/decisions/0020).
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Seal } from "../event.ts";
import type { Libc } from "../ffi.ts";
import { inheritedFiles } from "../inherited.ts";
import type { Observed, ObservedCommand, ObservedExit, Observer } from "../observer.ts";
import { OutputPipe } from "./output-pipe.ts";
import { type FromSpawner, type FromSupervisor, SLOT, SLOT_COUNT, type WorkerStart } from "./protocol.ts";

/** A call that is looked at for this long is stuck; looking takes microseconds. */
const STUCK_MS = 5000;
const EBUSY = 16;

export interface NotifyOptions {
  /** For tests: throw while looking at this notification. */
  readonly failAt?: number;
  /** For tests. */
  readonly stuckMs?: number;
}

export function createNotifyObserver(libc: Libc, options: NotifyOptions = {}): Observer {
  return { name: "notify", run: (command) => new NotifyRun(libc, options, command).run() };
}

class NotifyRun {
  readonly #command: ObservedCommand;
  readonly #slots = new Int32Array(new SharedArrayBuffer(4 * SLOT_COUNT));
  readonly #outputs: readonly [OutputPipe, OutputPipe];
  readonly #stdin: number;
  readonly #workers: readonly [supervisor: Worker, spawner: Worker];
  readonly #sealed: Promise<Seal | undefined>;
  readonly #ended: Promise<{ readonly exit: ObservedExit; readonly durationMs: number }>;
  readonly #stuckMs: number;
  #failure: Error | undefined;

  constructor(libc: Libc, options: NotifyOptions, command: ObservedCommand) {
    this.#command = command;
    this.#stuckMs = options.stuckMs ?? STUCK_MS;
    this.#stdin = fs.openSync("/dev/null", "r");
    this.#outputs = [
      new OutputPipe(libc, (bytes) => command.onOutput("stdout", bytes)),
      new OutputPipe(libc, (bytes) => command.onOutput("stderr", bytes)),
    ];
    const slots = this.#slots;
    const { failAt } = options;
    const supervisor = startWorker({
      role: "supervisor",
      slots,
      inherited: inheritedFiles(),
      ...(failAt !== undefined && { failAt }),
    });
    const spawner = startWorker({
      role: "spawner",
      slots,
      argv: command.argv,
      cwd: command.cwd,
      env: command.env,
      stdio: [this.#stdin, this.#outputs[0].writeFd, this.#outputs[1].writeFd],
    });
    this.#workers = [supervisor, spawner];
    this.#sealed = this.#supervise(supervisor);
    this.#ended = this.#await(spawner);
  }

  async run(): Promise<Observed> {
    const watchdog = this.#watch();
    try {
      const { exit, durationMs } = await this.#ended;
      Atomics.store(this.#slots, SLOT.ended, 1);
      await Promise.all(this.#outputs.map((output) => output.drained()));
      const seal = await this.#sealed;
      this.#leave(seal);
      if (this.#failure !== undefined) throw this.#failure;
      return { exit, seal, durationMs };
    } finally {
      clearInterval(watchdog);
      for (const output of this.#outputs) output.close();
      await Promise.all(this.#workers.map((worker) => worker.terminate()));
    }
  }

  /** The seal; undefined if there was never a filter, or the supervisor died. */
  #supervise(worker: Worker): Promise<Seal | undefined> {
    let seal: Seal | undefined;
    worker.on("message", (message: FromSupervisor) => {
      switch (message.kind) {
        case "events":
          for (const event of message.events) this.#guard(() => this.#command.onEvent(event));
          break;
        case "setuid":
          this.#command.onNotice?.(
            `${Buffer.from(message.path, "latin1").toString()} needs more rights than it can get while it is observed`,
          );
          break;
        case "seal":
          seal = message.seal;
          break;
        default:
          message satisfies never;
      }
    });
    // `exit` follows in any case.
    worker.on("error", (error) => this.#command.onNotice?.(`the observer died: ${error.message}`));
    return new Promise((resolve) => {
      worker.on("exit", () => {
        if (seal === undefined) this.#abandoned();
        resolve(seal);
      });
    });
  }

  /** The supervisor ended without a seal. */
  #abandoned(): void {
    Atomics.compareExchange(this.#slots, SLOT.supervising, 0, -1);
    Atomics.notify(this.#slots, SLOT.supervising);
    const listener = Atomics.load(this.#slots, SLOT.listener);
    if (listener > 0) this.#rescue(listener - 1);
    else if (listener < 0)
      this.#command.onNotice?.(
        listener === -EBUSY
          ? "not observed: already observed by another `foregone run`"
          : `not observed: seccomp: ${os.constants.errno ? errnoName(-listener) : -listener}`,
      );
  }

  #await(worker: Worker): Promise<{ exit: ObservedExit; durationMs: number }> {
    const { signal } = this.#command;
    return new Promise((resolve) => {
      let abort: (() => void) | undefined;
      const end = (exit: ObservedExit, durationMs: number): void => {
        if (abort !== undefined) signal?.removeEventListener("abort", abort);
        this.#handedOver();
        resolve({ exit, durationMs });
      };
      worker.on("message", (message: FromSpawner) => {
        switch (message.kind) {
          case "spawned":
            this.#handedOver();
            abort = () => kill(message.pid);
            if (signal?.aborted === true) abort();
            else signal?.addEventListener("abort", abort, { once: true });
            this.#guard(() => this.#command.onStarted?.(message.pid));
            return;
          case "not-started":
            return end({ kind: "not-started", errno: message.errno }, 0);
          case "exit":
            return end(exitOf(message.code, message.signal), message.durationMs);
          default:
            message satisfies never;
        }
      });
      worker.on("error", (error) => this.#command.onNotice?.(`the command's keeper died: ${error.message}`));
      worker.on("exit", () => end({ kind: "not-started", errno: "EIO" }, 0));
    });
  }

  #handedOver(): void {
    for (const output of this.#outputs) output.started();
  }

  /** The supervisor may wait for something that waits for its answer: a file system served by the command itself. */
  #watch(): NodeJS.Timeout {
    let last = -1;
    return setInterval(() => {
      const taken = Atomics.load(this.#slots, SLOT.taken);
      const stuck = Atomics.load(this.#slots, SLOT.busy) === 1 && taken === last;
      last = taken;
      if (!stuck || Atomics.exchange(this.#slots, SLOT.rescued, 1) === 1) return;
      this.#rescue(Atomics.load(this.#slots, SLOT.listener) - 1);
    }, this.#stuckMs);
  }

  /** Somebody goes on answering what the command left running. */
  #leave(seal: Seal | undefined): void {
    const listener = Atomics.load(this.#slots, SLOT.listener) - 1;
    if (listener < 0) return;
    if (seal !== undefined && seal.alive.length > 0) this.#rescue(listener);
    fs.closeSync(listener);
  }

  #rescue(listener: number): void {
    const rescuer = spawn(process.execPath, [fileURLToPath(workerUrl())], {
      stdio: ["ignore", "ignore", "ignore", listener],
      detached: true,
      env: {},
    });
    rescuer.on("error", () => undefined);
    rescuer.unref();
  }

  /** A throw of the caller's is told at the end; the command must not feel it. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    }
  }
}

/** Built beside this file, or beside the bundle that this file is in (scripts/build.mjs). */
const workerUrl = (): URL => new URL("./notify-worker.js", import.meta.url);

function startWorker(start: WorkerStart): Worker {
  return new Worker(workerUrl(), { workerData: start, execArgv: [], stdin: false });
}

function exitOf(code: number | null, signal: string | null): ObservedExit {
  if (signal === null) return { kind: "exited", code: code ?? 0 };
  return { kind: "signalled", signal, number: os.constants.signals[signal as NodeJS.Signals] };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // It has ended meanwhile.
  }
}

function errnoName(errno: number): string {
  return Object.entries(os.constants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
}
