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
import { Listener } from "./listener.ts";
import { type Fault, type FromSpawner, type FromSupervisor, SLOT, SLOT_COUNT, type WorkerStart } from "./protocol.ts";

/** Looking takes microseconds; the seal, from the command's end, a quarter of a second. */
const STUCK_MS = 5000;
/** How long output is waited for that somebody else may still write: what the command left running. */
const OUTPUT_GRACE_MS = 1000;
const WHY: Readonly<Record<number, string>> = {
  [os.constants.errno.EBUSY]: "another `foregone run` observes it already",
  [os.constants.errno.ECANCELED]: "the observer did not start",
};

export interface NotifyOptions {
  /** For tests. */
  readonly fault?: Fault;
  /** A call that is looked at for this long is stuck: milliseconds. */
  readonly stuckMs?: number;
}

export function createNotifyObserver(libc: Libc, options: NotifyOptions = {}): Observer {
  return { name: "notify", run: (command) => new NotifyRun(libc, options, command).run() };
}

interface Ended {
  readonly exit: ObservedExit;
  readonly durationMs: number;
}

class NotifyRun {
  readonly #libc: Libc;
  readonly #command: ObservedCommand;
  readonly #slots = new Int32Array(new SharedArrayBuffer(4 * SLOT_COUNT));
  readonly #workers: readonly [supervisor: Worker, spawner: Worker];
  readonly #sealed: Promise<Seal | undefined>;
  readonly #ended: Promise<Ended>;
  /** All its output has come. */
  readonly #drained: Promise<void>;
  readonly #stuckMs: number;
  #listener: number | undefined;
  #supervisorDied = false;
  #rescued = false;
  #failure: Error | undefined;

  constructor(libc: Libc, options: NotifyOptions, command: ObservedCommand) {
    this.#libc = libc;
    this.#command = command;
    this.#stuckMs = options.stuckMs ?? STUCK_MS;
    const slots = this.#slots;
    const supervisor = startWorker({
      role: "supervisor",
      slots,
      inherited: inheritedFiles(),
      ...(options.fault !== undefined && { fault: options.fault }),
    });
    const spawner = startWorker({
      role: "spawner",
      slots,
      argv: command.argv,
      cwd: command.cwd,
      env: command.env,
    });
    this.#workers = [supervisor, spawner];
    this.#sealed = this.#supervise(supervisor);
    const { ended, drained } = this.#await(spawner);
    this.#ended = ended;
    this.#drained = drained;
  }

  async run(): Promise<Observed> {
    const watchdog = this.#watch();
    try {
      const { exit, durationMs } = await this.#ended;
      Atomics.store(this.#slots, SLOT.ended, 1);
      const [seal] = await Promise.all([
        within(this.#sealed, 2 * this.#stuckMs),
        within(this.#drained, OUTPUT_GRACE_MS),
      ]);
      this.#leave(seal);
      if (this.#failure !== undefined) throw this.#failure;
      return { exit, seal, durationMs };
    } finally {
      clearInterval(watchdog);
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

  /** From now on nobody looks any more; the command goes on. */
  #abandoned(): void {
    this.#supervisorDied = true;
    Atomics.store(this.#slots, SLOT.supervising, -1);
    Atomics.notify(this.#slots, SLOT.supervising);
    this.#rescue();
  }

  #filtered(listener: number | undefined, errno: number): void {
    this.#listener = listener;
    if (this.#supervisorDied) this.#rescue();
    if (listener === undefined)
      this.#command.onNotice?.(`not observed: ${WHY[errno] ?? `seccomp: ${errnoName(errno)}`}`);
  }

  #await(worker: Worker): { readonly ended: Promise<Ended>; readonly drained: Promise<void> } {
    const ended = deferred<Ended>();
    const drained = deferred<void>();
    worker.on("message", (message: FromSpawner) => {
      switch (message.kind) {
        case "filter":
          return this.#filtered(message.listener, message.errno);
        case "spawned":
          return this.#started(message.pid, ended.promise);
        case "output":
          return this.#guard(() => this.#command.onOutput(message.stream, message.bytes));
        case "ended":
          return ended.resolve(message);
        case "drained":
          return drained.resolve();
        default:
          message satisfies never;
      }
    });
    worker.on("error", (error) => this.#command.onNotice?.(`the command's starter died: ${error.message}`));
    worker.on("exit", () => {
      ended.resolve({ exit: { kind: "not-started", errno: "EIO" }, durationMs: 0 });
      drained.resolve();
    });
    return { ended: ended.promise, drained: drained.promise };
  }

  #started(pid: number, ended: Promise<unknown>): void {
    const { signal } = this.#command;
    const abort = (): void => kill(pid);
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort, { once: true });
    void ended.then(() => signal?.removeEventListener("abort", abort));
    this.#guard(() => this.#command.onStarted?.(pid));
  }

  /** The supervisor may wait for something that waits for its answer: a file system served by the command itself. */
  #watch(): NodeJS.Timeout {
    let last = -1;
    return setInterval(() => {
      const taken = Atomics.load(this.#slots, SLOT.taken);
      const stuck = Atomics.load(this.#slots, SLOT.busy) === 1 && taken === last;
      last = taken;
      if (stuck) this.#rescue();
    }, this.#stuckMs);
  }

  /** Somebody goes on answering what the command left running. */
  #leave(seal: Seal | undefined): void {
    if (this.#listener === undefined) return;
    if (seal === undefined || seal.alive.length > 0) this.#rescue();
    fs.closeSync(this.#listener);
  }

  #rescue(): void {
    if (this.#rescued || this.#listener === undefined) return;
    this.#rescued = true;
    Atomics.store(this.#slots, SLOT.rescued, 1);
    // What the supervisor has in its hands nobody else will be asked.
    if (Atomics.load(this.#slots, SLOT.busy) === 1) {
      const listener = new Listener(this.#libc);
      listener.open(this.#listener);
      listener.words[0] = Atomics.load(this.#slots, SLOT.idLow);
      listener.words[1] = Atomics.load(this.#slots, SLOT.idHigh);
      listener.answer();
    }
    const rescuer = spawn(process.execPath, [fileURLToPath(workerUrl())], {
      stdio: ["ignore", "ignore", "ignore", this.#listener],
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
  return new Worker(workerUrl(), { workerData: start, execArgv: [], trackUnmanagedFds: false });
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

/** Promise.withResolvers, which Node 20 does not have. */
function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
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

/** @returns undefined if it takes longer */
function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
