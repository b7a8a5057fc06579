// eBPF tracing for users who are not root, by an agent that is. Each request gets a tracer process of its own, which traces only
// processes of the user whom the kernel names as the caller, and tells only that user.
//
// Everybody may connect, so nothing the caller says is a path: root would bind, chmod and chown in a folder that the caller can
// turn into a link to another. The tracer's socket lies in a new folder of root's, and belongs to the caller afterwards.
import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { type Libc, loadLibc } from "../trace/ffi.ts";
import { peerOf } from "../trace/peer.ts";
import type { TracerReply, TracerRequest } from "../trace/bpf/by-agent.ts";
import { TRACER_SOCKET } from "../trace/bpf/tracer-socket.ts";
import { type Lock, takeLock } from "./lock.ts";
import type { Log } from "./log.ts";
import type { Service } from "./service.ts";

export interface TracerServiceOptions {
  readonly log: Log;
  /** How to start a tracer; absolute paths. */
  readonly tracer: readonly string[];
  /** `trace.ring`: nobody gets more. */
  readonly maxRingBytes: number;
  /** `trace.hard-limit`. */
  readonly hardLimitMs: number;
  /** Tests listen elsewhere. */
  readonly socket?: string;
}

/** Each has a ring of up to 64 MiB in the kernel and a process of some 60 MB. */
const MAX_TRACERS = 16;
/** One user must not use up all of them. */
const MAX_TRACERS_OF_A_USER = 8;
const REQUEST_DEADLINE_MS = 2000;
const START_DEADLINE_MS = 10_000;
const MAX_REQUEST_BYTES = 1024;
const MIN_RING_BYTES = 8 * 1024 * 1024;

export function tracerService(options: TracerServiceOptions): Service {
  const path = options.socket ?? TRACER_SOCKET;
  const running = new Map<number, number>();
  let server: Server | undefined;
  let lock: Lock | undefined;
  let served = 0;

  const answer = async (libc: Libc, socket: Socket): Promise<TracerReply> => {
    const peer = peerOf(libc, socket);
    if (peer === undefined) return { refused: "who you are cannot be told" };
    const request = await readRequest(socket);
    if (request === undefined) return { refused: "no request" };
    const mine = running.get(peer.uid) ?? 0;
    const all = [...running.values()].reduce((sum, count) => sum + count, 0);
    if (all >= MAX_TRACERS || mine >= MAX_TRACERS_OF_A_USER) return { refused: `${all} tracers run already` };
    running.set(peer.uid, mine + 1);
    const reply = await startTracer(options, dirname(path), peer.uid, request, () => {
      running.set(peer.uid, (running.get(peer.uid) ?? 1) - 1);
    });
    options.log.write("info", `tracer for uid ${peer.uid}: ${"refused" in reply ? reply.refused : "ready"}`);
    if ("ready" in reply) served++;
    return reply;
  };

  return {
    name: "tracer",
    async start() {
      if (process.geteuid?.() !== 0) throw new Error("only an agent of root can trace for others");
      const libc = await loadLibc();
      if ("unavailable" in libc) throw new Error(libc.unavailable);
      rootFolder(dirname(path));
      lock = await takeLock(`\0foregone-tracer ${path}`);
      if (lock === undefined) throw new Error("another agent of root traces for this machine");
      rmSync(path, { force: true });
      server = createServer((socket) => {
        socket.on("error", () => socket.destroy());
        answer(libc, socket).then(
          (reply) => void socket.end(`${JSON.stringify(reply)}\n`),
          () => socket.destroy(),
        );
      });
      server.maxConnections = 64;
      const listening = server;
      await new Promise<void>((resolve, reject) => {
        listening.once("error", reject).listen(path, () => resolve());
      });
      // Everybody may ask: what is given depends on who asks.
      chmodSync(path, 0o666);
    },
    async stop() {
      const closing = server;
      server = undefined;
      // Tracers that run have their own lease; a job goes on being traced.
      await new Promise<void>((resolve) => {
        if (closing === undefined) return resolve();
        closing.close(() => resolve());
      });
      await lock?.release();
      lock = undefined;
    },
    status() {
      if (server === undefined) return { state: "off" };
      const now = [...running.values()].reduce((sum, count) => sum + count, 0);
      return { state: "up", detail: `${now} tracing, ${served} served; ${path}` };
    },
  };
}

/** Ours alone to write, everybody's to enter. @throws Error if somebody else made it */
function rootFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== 0 || (stat.mode & 0o022) !== 0)
    throw new Error(`${path} is not root's own folder`);
  chmodSync(path, 0o755);
}

async function readRequest(socket: Socket): Promise<TracerRequest | undefined> {
  let text = "";
  const late = setTimeout(() => socket.destroy(), REQUEST_DEADLINE_MS);
  try {
    for await (const chunk of socket
      .setEncoding("utf8")
      .iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      text += chunk;
      if (text.length > MAX_REQUEST_BYTES) return undefined;
      if (text.includes("\n")) break;
    }
    const { ringBytes } = JSON.parse(text) as { ringBytes?: unknown };
    return Number.isSafeInteger(ringBytes) ? { ringBytes: Number(ringBytes) } : {};
  } catch {
    return undefined;
  } finally {
    clearTimeout(late);
  }
}

/** @param ended called once, when the tracer is gone */
function startTracer(
  options: TracerServiceOptions,
  parent: string,
  uid: number,
  request: TracerRequest,
  ended: () => void,
): Promise<TracerReply> {
  const folder = join(parent, randomBytes(16).toString("hex"));
  mkdirSync(folder, { mode: 0o755 });
  const socket = join(folder, "tracer.sock");
  const asked = request.ringBytes ?? options.maxRingBytes;
  // A ring is a power of two of pages.
  const ringBytes = 2 ** Math.floor(Math.log2(Math.min(options.maxRingBytes, Math.max(MIN_RING_BYTES, asked))));
  const [file = "", ...args] = options.tracer;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "ignore"], env: { PATH: "/usr/bin:/bin" } });
  child.stdin.on("error", () => undefined);
  child.stdin.end(`${JSON.stringify({ socket, uid, ringBytes, hardLimitMs: options.hardLimitMs })}\n`);
  child.once("close", () => {
    rmSync(folder, { recursive: true, force: true });
    ended();
  });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      resolve({ refused: "the tracer did not start in time" });
    }, START_DEADLINE_MS);
    let text = "";
    const done = (reply: TracerReply): void => {
      clearTimeout(timer);
      resolve(reply);
    };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) done(withSocket(text.slice(0, text.indexOf("\n")), socket));
    });
    child.once("error", (error) => done({ refused: error.message }));
    child.once("close", () => done({ refused: "the tracer ended at once" }));
  });
}

function withSocket(line: string, socket: string): TracerReply {
  try {
    const said = JSON.parse(line) as { ready?: object; refused?: string };
    if (said.ready !== undefined) return { ...said, socket } as TracerReply;
    return { refused: said.refused ?? "the tracer says nothing" };
  } catch {
    return { refused: "the tracer's answer makes no sense" };
  }
}
