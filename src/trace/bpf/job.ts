// A whole job: everything that starts below one process from now on, although the command that began the tracing ends at
// once. A later step collects what was seen. The steps of ours among it are left out.
import fs from "node:fs";
import type { Seal, TraceEvent } from "../event.ts";
import type { Libc } from "../ffi.ts";
import { Recording } from "./recording.ts";
import { connectTracer, type RemoteOptions, startRemoteTracer } from "./remote.ts";
import type { TracerFacts } from "./facts.ts";

export interface JobTrace {
  /** This and `facts` are to be kept for `collectJob`; the socket lies in a folder that only this user may enter. */
  readonly socket: string;
  readonly facts: TracerFacts;
  /** What ran below the root already, service containers for instance: not seen itself, but what it starts is. */
  readonly running: readonly { readonly pid: number; readonly comm: string }[];
}

/** The runner's own process, whose children are the steps; without one, this process's parent. */
export function jobRoot(from = process.pid): number {
  let parent = parentOf(from)?.parent;
  const fallback = parent ?? 1;
  for (let hops = 0; parent !== undefined && parent > 1 && hops < 64; hops++) {
    const above = parentOf(parent);
    if (above?.comm === "Runner.Worker") return parent;
    parent = above?.parent;
  }
  return fallback;
}

/**
 * @param root by default `jobRoot()`
 * @throws TracerRefused
 */
export async function startJob(options: Omit<RemoteOptions, "roots">, root = jobRoot()): Promise<JobTrace> {
  const running = below(root, process.pid);
  const { socket, facts } = await startRemoteTracer({ ...options, roots: [root, ...running.map((p) => p.pid)] });
  return { socket, facts, running };
}

/**
 * Ends the tracing and hands on every event, in order.
 * @param exclude processes of ours; what they start is left out too
 * @returns undefined if the tracer died: nothing it said can be relied on
 */
export async function collectJob(
  libc: Libc,
  { socket, facts }: Pick<JobTrace, "socket" | "facts">,
  onEvent: (event: TraceEvent) => void,
  exclude: readonly number[] = [process.pid],
): Promise<Seal | undefined> {
  const tracer = await connectTracer(libc, socket, facts);
  const excluded = new Set(exclude);
  const recording = new Recording(tracer, (event) => {
    if (event.type === "fork" && excluded.has(event.pid)) excluded.add(event.child);
    if (!excluded.has(event.pid)) onEvent(event);
  });
  const seal = await recording.seal(tracer);
  return seal && { ...seal, alive: seal.alive.filter(({ pid }) => !excluded.has(pid)) };
}

interface ProcessFacts {
  readonly pid: number;
  readonly comm: string;
  readonly parent: number;
}

function parentOf(pid: number): ProcessFacts | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    const [, comm = "", parent = "0"] = /^\d+ \((.*)\) . (\d+)/s.exec(stat) ?? [];
    return { pid, comm, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** Descendants of `root`, without `without` and its own. */
function below(root: number, without: number): ProcessFacts[] {
  const all = fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => parentOf(Number(name)) ?? []);
  const found: ProcessFacts[] = [];
  const visit = (pid: number): void => {
    for (const child of all) {
      if (child.parent !== pid || child.pid === without) continue;
      found.push(child);
      visit(child.pid);
    }
  };
  visit(root);
  return found;
}
