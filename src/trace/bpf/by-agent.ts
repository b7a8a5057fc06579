// A tracer from a root agent, for users who are not root and have no sudo. What it says decides over skips, so who answers must be
// root: anybody else could say that nothing was read.
import { connect } from "node:net";
import type { Libc } from "../ffi.ts";
import { peerOf } from "../peer.ts";
import type { TracerFacts } from "./facts.ts";
import type { TracerLink } from "./link.ts";
import { connectTracer, TracerRefused } from "./remote.ts";
import { TRACER_SOCKET } from "./tracer-socket.ts";

/** Loading and verifying the program takes 0.1 s, on a busy machine some seconds. */
const DEADLINE_MS = 10_000;
const MAX_LINE_BYTES = 65_536;

export interface TracerRequest {
  readonly ringBytes?: number;
}

export type TracerReply = { readonly ready: TracerFacts; readonly socket: string } | { readonly refused: string };

/** @throws TracerRefused with one line that says why */
export async function openAgentTracer(libc: Libc, request: TracerRequest, path = TRACER_SOCKET): Promise<TracerLink> {
  const reply = await ask(libc, path, request);
  if ("refused" in reply) throw new TracerRefused(reply.refused);
  return connectTracer(libc, reply.socket, reply.ready);
}

function ask(libc: Libc, path: string, request: TracerRequest): Promise<TracerReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const refuse = (why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new TracerRefused(why));
    };
    const timer = setTimeout(() => refuse(`the agent gave no tracer in ${DEADLINE_MS / 1000} s`), DEADLINE_MS);
    let text = "";
    socket.once("connect", () => {
      const peer = peerOf(libc, socket);
      if (peer?.uid !== 0) return refuse(`${path} is not root's`);
      socket.write(`${JSON.stringify(request)}\n`);
    });
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.length > MAX_LINE_BYTES) return refuse("the agent's answer is too long");
      if (!text.includes("\n")) return;
      clearTimeout(timer);
      socket.destroy();
      resolve(parse(text.slice(0, text.indexOf("\n"))));
    });
    socket.once("error", (error) => refuse(`${path}: ${error.message}`));
    socket.once("close", () => refuse("the agent hung up"));
  });
}

function parse(line: string): TracerReply {
  try {
    const reply = JSON.parse(line) as Partial<{ ready: TracerFacts; socket: string; refused: string }>;
    if (typeof reply.refused === "string") return { refused: reply.refused };
    if (typeof reply.socket === "string" && typeof reply.ready === "object")
      return { ready: reply.ready, socket: reply.socket };
  } catch {
    // As below.
  }
  return { refused: "the agent's answer makes no sense" };
}
