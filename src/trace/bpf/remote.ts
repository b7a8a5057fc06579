// The caller's end of a tracer that runs in a process of its own: started by `sudo -n`, or already there for a job.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Libc } from "../ffi.ts";
import { peerOf } from "../peer.ts";
import type { DaemonReady, DaemonSettings } from "./daemon.ts";
import { FRAME, FrameReader, jsonFrame, type Request } from "./frames.ts";
import type { TracerFacts } from "./facts.ts";
import type { TracerLink } from "./link.ts";
import type { MountTable } from "./mount-tables.ts";
import type { RecordSink } from "./ring.ts";
import type { TracerSeal } from "./tracer.ts";

const START_TIMEOUT_MS = 10_000;
const SEAL_TIMEOUT_MS = 30_000;
/** A day: longer than any job may run. */
const HARD_LIMIT_MS = 24 * 60 * 60 * 1000;

export interface RemoteOptions {
  /** How to become root, e.g. ["sudo", "-n", "--"]; and how to start the tracer there: absolute paths only. */
  readonly elevate: readonly string[];
  readonly tracer: readonly string[];
  readonly ringBytes?: number;
  readonly roots?: readonly number[];
  readonly rootNames?: readonly string[];
  /** When the tracer ends at the latest; a day if absent. */
  readonly hardLimitMs?: number;
  /** A folder that only this user may enter; a new one if absent. */
  readonly folder?: string;
  /** Whose processes may be traced; this user's if absent. */
  readonly uid?: number;
}

/** The tracer said no, or never came. */
export class TracerRefused extends Error {}

/** @throws TracerRefused with one line that says why */
export async function startRemoteTracer(
  options: RemoteOptions,
): Promise<{ readonly socket: string; readonly facts: TracerFacts; readonly folder: string }> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "foregone-tracer-"));
  const socket = join(folder, "tracer.sock");
  const settings: DaemonSettings = {
    socket,
    uid: options.uid ?? process.getuid?.() ?? 0,
    hardLimitMs: options.hardLimitMs ?? HARD_LIMIT_MS,
    ...(options.ringBytes !== undefined && { ringBytes: options.ringBytes }),
    ...(options.roots !== undefined && { roots: options.roots }),
    ...(options.rootNames !== undefined && { rootNames: options.rootNames }),
  };
  const facts = await firstLine([...options.elevate, ...options.tracer], settings);
  return { socket, facts, folder };
}

function firstLine(argv: readonly string[], settings: DaemonSettings): Promise<TracerFacts> {
  const [file = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    const refuse = (why: string): void => {
      clearTimeout(timer);
      child.kill();
      reject(new TracerRefused(why));
    };
    const timer = setTimeout(() => refuse(`no answer in ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    let out = "";
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (err += text));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (!out.includes("\n")) return;
      clearTimeout(timer);
      const line = parseReady(out.slice(0, out.indexOf("\n")));
      if ("refused" in line) return refuse(line.refused);
      // From here on the socket is the lease; no pipe must keep this process, or that one, alive.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      child.unref();
      resolve(line.ready);
    });
    child.on("error", (error: NodeJS.ErrnoException) => refuse(`${file}: ${error.code ?? error.message}`));
    // Not "exit": what it said may still be on its way.
    child.on("close", (code) => refuse(err.trim().split("\n")[0] || `${file} exited with ${code}`));
    child.stdin.on("error", () => undefined);
    child.stdin.end(`${JSON.stringify(settings)}\n`);
  });
}

function parseReady(line: string): DaemonReady {
  try {
    return JSON.parse(line) as DaemonReady;
  } catch {
    return { refused: `no tracer: ${line.slice(0, 100)}` };
  }
}

/** A tracer for this process's own children, for one run. @throws TracerRefused */
export async function openRemoteTracer(libc: Libc, options: RemoteOptions): Promise<TracerLink> {
  const { socket, facts, folder } = await startRemoteTracer(options);
  try {
    return await connectTracer(libc, socket, facts);
  } finally {
    // Connected or not: nobody else is to find it.
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws TracerRefused */
export async function connectTracer(libc: Libc, path: string, facts: TracerFacts): Promise<TracerLink> {
  const socket = net.connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (error) => reject(new TracerRefused(`${path}: ${error.message}`)));
  });
  const peer = peerOf(libc, socket)?.uid;
  if (peer !== 0 && peer !== process.getuid?.()) {
    socket.destroy();
    throw new TracerRefused(`${path}: listener is uid ${peer}, not root`);
  }
  return new RemoteLink(socket, facts);
}

class RemoteLink implements TracerLink {
  readonly facts: TracerFacts;
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, (reply: Record<string, unknown> | undefined) => void>();
  readonly #held: (() => void)[] = [];
  #onRecord: RecordSink | undefined;
  #onMounts: (table: MountTable) => void = () => undefined;
  #ids = 0;
  #broken = false;

  constructor(socket: net.Socket, facts: TracerFacts) {
    this.#socket = socket;
    this.facts = facts;
    const reader = new FrameReader((type, payload) => this.#frame(type, payload));
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch {
        socket.destroy();
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#broken = true;
      for (const resolve of this.#waiting.values()) resolve(undefined);
      this.#waiting.clear();
    });
  }

  connect(onRecord: RecordSink, onMounts: (table: MountTable) => void): void {
    this.#onRecord = onRecord;
    this.#onMounts = onMounts;
    for (const act of this.#held.splice(0)) act();
  }

  async adopt(): Promise<void> {
    const reply = await this.#ask({ op: "adopt", pid: process.pid });
    // A tracer that has died meanwhile is another matter: the seal will be missing.
    if (reply !== undefined && reply["ok"] !== true) throw new TracerRefused(`it may not trace pid ${process.pid}`);
  }

  async release(): Promise<void> {
    await this.#ask({ op: "release", pid: process.pid });
  }

  drain(): void {
    // Records come by themselves.
  }

  async seal(): Promise<TracerSeal | undefined> {
    const timer = setTimeout(() => this.#socket.destroy(), SEAL_TIMEOUT_MS);
    const reply = await this.#ask({ op: "seal" });
    clearTimeout(timer);
    this.#socket.destroy();
    return reply as TracerSeal | undefined;
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(request: DistributiveOmit<Request, "id">): Promise<Record<string, unknown> | undefined> {
    if (this.#broken) return Promise.resolve(undefined);
    const id = this.#ids++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.write(jsonFrame(FRAME.control, { id, ...request }));
    });
  }

  #frame(type: number, payload: Buffer): void {
    if (type === FRAME.control) {
      const { id, ...reply } = JSON.parse(payload.toString()) as { id: number } & Record<string, unknown>;
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
      return;
    }
    const act =
      type === FRAME.mounts
        ? (): void => this.#onMounts(JSON.parse(payload.toString()) as MountTable)
        : (): void => this.#records(payload);
    if (this.#onRecord === undefined) this.#held.push(act);
    else act();
  }

  #records(payload: Buffer): void {
    const words = new Uint32Array(payload.buffer, payload.byteOffset, payload.length >> 2);
    for (let at = 0; at + 8 <= payload.length;) {
      const length = words[at >> 2] ?? 0;
      // A length that leads nowhere: hand on the rest as one broken record, which the decoder counts.
      const whole = length >= 8 && length % 8 === 0 && at + length <= payload.length ? length : payload.length - at;
      this.#onRecord?.(payload, words, at, whole);
      at += whole;
    }
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
