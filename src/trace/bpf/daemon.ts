// The tracer in a process of its own: as root for a caller who is not, or for a whole job that outlives its caller. It decodes
// nothing and writes no file; what it saw goes to the caller over a socket in the caller's private folder. It ends by itself:
// with its caller, with the job's root process, or at a hard limit.
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import type { Libc } from "../ffi.ts";
import { FRAME, FRAME_HEAD_BYTES, frameHead, FrameReader, jsonFrame, type Request } from "./frames.ts";
import { type Poller, poll } from "./poll.ts";
import { describeFailure, type TracerFacts, tracerFacts } from "./facts.ts";
import { Tracer } from "./tracer.ts";

/** What the caller writes to the tracer's stdin, as one line of JSON. Nothing in it is secret. */
export interface DaemonSettings {
  /** Where to listen; in a folder that only the caller may enter. */
  readonly socket: string;
  /** Only processes of this user may be traced, and only this user is told. */
  readonly uid: number;
  readonly ringBytes?: number;
  /** Trace what these processes start from now on, even while no caller is there; ends when the first is gone. */
  readonly roots?: readonly number[];
  /** Other programs whose children count, by name, such as container daemons. */
  readonly rootNames?: readonly string[];
  readonly hardLimitMs: number;
}

/** The one line that the tracer prints when it can be relied on, or cannot. */
export type DaemonReady = { readonly ready: TracerFacts } | { readonly refused: string };

/** Records that wait for the caller: a job has 1 to 3 million distinct ones, of 150 B. */
const MAX_WAITING_BYTES = 512 << 20;
const LIVENESS_MS = 1000;
/** A caller that never comes has died. */
const FIRST_CALLER_MS = 10_000;
/** The step that comes for a job's records is a child of the root: when that is gone, nobody comes any more. */
const ORPHANED_MS = 2000;

/**
 * @param ready called once
 * @returns when it has nothing left to do
 */
export async function runDaemon(
  libc: Libc,
  settings: DaemonSettings,
  ready: (line: DaemonReady) => void,
): Promise<void> {
  let outbox: Outbox;
  try {
    outbox = new Outbox();
    const startedAt = performance.now();
    const tracer = Tracer.start(libc, {
      ...(settings.ringBytes !== undefined && { ringBytes: settings.ringBytes }),
      onRecord: (bytes, _words, at, length) => outbox.record(bytes, at, length),
      onMounts: (table) => outbox.send(jsonFrame(FRAME.mounts, table)),
    });
    const facts = tracerFacts(tracer, performance.now() - startedAt);
    if (!tracer.selfTest.passed) {
      tracer.close();
      return ready({ refused: describeFailure(tracer.selfTest) });
    }
    await new Daemon(tracer, settings, outbox).serve(() => ready({ ready: facts }));
  } catch (error) {
    ready({ refused: error instanceof Error ? error.message : String(error) });
  }
}

class Daemon {
  readonly #tracer: Tracer;
  readonly #settings: DaemonSettings;
  readonly #outbox: Outbox;
  readonly #poller: Poller;
  readonly #server: net.Server;
  #end!: () => void;
  #caller: net.Socket | undefined;

  constructor(tracer: Tracer, settings: DaemonSettings, outbox: Outbox) {
    this.#tracer = tracer;
    this.#settings = settings;
    this.#outbox = outbox;
    this.#server = net.createServer((socket) => this.#accept(socket));
    this.#poller = poll((max) => {
      const taken = tracer.drain(max);
      outbox.flush();
      return taken;
    });
  }

  async serve(ready: () => void): Promise<void> {
    const { socket, uid, roots = [], rootNames = [], hardLimitMs } = this.#settings;
    this.#rootStart = startOf(roots[0]);
    const ended = new Promise<void>((resolve) => (this.#end = resolve));
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen(socket, resolve);
    });
    fs.chmodSync(socket, 0o600);
    fs.lchownSync(socket, uid, -1);
    for (const pid of [...roots, ...pidsNamed(rootNames)]) this.#tracer.adopt(pid);
    raisePriority();
    const limit = setTimeout(this.#end, hardLimitMs);
    const lease = setTimeout(() => {
      if (this.#caller === undefined && this.#settings.roots === undefined) this.#end();
    }, FIRST_CALLER_MS);
    const liveness = setInterval(() => this.#watch(), LIVENESS_MS);
    ready();
    await ended;
    clearTimeout(limit);
    clearTimeout(lease);
    clearInterval(liveness);
    this.#poller.stop();
    this.#server.close();
    this.#caller?.end();
  }

  #orphanedMs = 0;
  #rootStart: string | undefined;
  #watch(): void {
    const [root] = this.#settings.roots ?? [];
    if (root === undefined || this.#caller !== undefined) return;
    const start = startOf(root);
    if (start !== undefined && start === this.#rootStart) return;
    this.#orphanedMs += LIVENESS_MS;
    if (this.#orphanedMs >= ORPHANED_MS) this.#end();
  }

  #accept(socket: net.Socket): void {
    // One caller at a time; the folder keeps everybody else out.
    if (this.#caller !== undefined) return void socket.destroy();
    this.#caller = socket;
    const reader = new FrameReader((type, payload) => {
      if (type === FRAME.control) this.#answer(JSON.parse(payload.toString()) as Request);
    });
    socket.on("data", (chunk) => {
      try {
        reader.push(chunk);
      } catch {
        socket.destroy();
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#caller = undefined;
      this.#outbox.connect(undefined);
      // The caller was the lease: without a job of its own there is nobody left to tell.
      if (this.#settings.roots === undefined) this.#end();
    });
    this.#outbox.connect(socket);
  }

  #answer(request: Request): void {
    const reply = (body: object): void => this.#outbox.send(jsonFrame(FRAME.control, { id: request.id, ...body }));
    switch (request.op) {
      case "adopt":
        return reply({ ok: this.#mayTrace(request.pid) && this.#tracer.adopt(request.pid) });
      case "release":
        this.#tracer.release(request.pid);
        return reply({ ok: true });
      case "seal": {
        this.#poller.stop();
        const sealed = this.#tracer.seal();
        this.#outbox.flush();
        reply({ ...sealed, overflow: this.#outbox.overflow });
        this.#caller?.end(() => this.#end());
        return;
      }
      default:
        return request satisfies never;
    }
  }

  #mayTrace(pid: number): boolean {
    try {
      return fs.statSync(`/proc/${pid}`).uid === this.#settings.uid;
    } catch {
      return false;
    }
  }
}

/** Frames on their way to the caller, or waiting for one. */
class Outbox {
  /** Bytes that were dropped because nobody took what came before. */
  overflow = 0;
  #socket: net.Socket | undefined;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #chunk = Buffer.allocUnsafe(1 << 20);
  #filled = 0;

  connect(socket: net.Socket | undefined): void {
    this.#socket = socket;
    if (socket === undefined) return;
    for (const frame of this.#waiting.splice(0)) socket.write(frame);
    this.#waitingBytes = 0;
  }

  record(bytes: Buffer, at: number, length: number): void {
    if (this.#filled + length > this.#chunk.length) this.flush();
    bytes.copy(this.#chunk, this.#filled, at, at + length);
    this.#filled += length;
  }

  /** Mount tables and replies must not overtake the records before them. */
  send(frame: Buffer): void {
    this.flush();
    this.#write(frame);
  }

  flush(): void {
    if (this.#filled === 0) return;
    const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + this.#filled);
    frameHead(FRAME.records, this.#filled).copy(frame);
    this.#chunk.copy(frame, FRAME_HEAD_BYTES, 0, this.#filled);
    this.#filled = 0;
    this.#write(frame);
  }

  #write(frame: Buffer): void {
    const waiting = this.#socket === undefined ? this.#waitingBytes : this.#socket.writableLength;
    if (waiting + frame.length > MAX_WAITING_BYTES && frame[4] !== FRAME.control) {
      this.overflow += frame.length;
      return;
    }
    if (this.#socket !== undefined) this.#socket.write(frame);
    else {
      this.#waiting.push(frame);
      this.#waitingBytes += frame.length;
    }
  }
}

function pidsNamed(names: readonly string[]): number[] {
  if (names.length === 0) return [];
  return fs
    .readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid)) return false;
      try {
        return names.includes(fs.readFileSync(`/proc/${pid}/comm`, "latin1").trimEnd());
      } catch {
        return false;
      }
    });
}

/** When a process was started: its number alone may be another's by now. @returns undefined: gone, or dead and not yet waited for */
function startOf(pid: number | undefined): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function raisePriority(): void {
  try {
    os.setPriority(0, -20);
  } catch {
    // Slower to read, and counted if it is too slow.
  }
}
