// The Observer named "ebpf": the tracer in this process if it may, else by `sudo -n` in one of its own.
import fs from "node:fs";
import os from "node:os";
import type { Seal } from "../event.ts";
import type { Libc } from "../ffi.ts";
import { inheritedFiles } from "../inherited.ts";
import type { Observed, ObservedCommand, Observer } from "../observer.ts";
import { startCommand } from "../spawn.ts";
import { LOSS_COUNTERS } from "./counters.ts";
import { Decoder } from "./decode.ts";
import { rootMountOf } from "./mount-tables.ts";
import type { TracerSeal } from "./tracer.ts";
import type { MountTable } from "./mount-tables.ts";
import type { RecordSink } from "./ring.ts";

/** What the observer needs of a tracer, here or in another process. */
export interface TracerLink {
  /** Where records go from now on. */
  connect(onRecord: RecordSink, onMounts: (table: MountTable) => void): void;
  /** Resolves when every process that this one starts is traced. */
  adopt(): Promise<void>;
  release(): Promise<void>;
  /** Hands on what has come so far. */
  drain(): void;
  /** undefined: it died, and nothing it said can be relied on. */
  seal(): Promise<TracerSeal | undefined>;
}

/** How long a process of the tree may outlive the command before it counts as left behind, in milliseconds. */
const GRACE_MS = 200;
/** How long its output is waited for: somebody else holds the pipe. */
const OUTPUT_GRACE_MS = 1000;

/** @param openTracer a fresh tracer for each run */
export function ebpfObserver(libc: Libc, openTracer: () => Promise<TracerLink>): Observer {
  return {
    name: "ebpf",
    run: async (command) => observe(libc, await openTracer(), command),
  };
}

async function observe(libc: Libc, tracer: TracerLink, command: ObservedCommand): Promise<Observed> {
  const mounts: { mountNs: number; seq: number; mountinfo: string }[] = [];
  const decoder = new Decoder((event) => command.onEvent(event));
  tracer.connect(
    (bytes, words, at, length) => decoder.record(bytes, words, at, length),
    ({ mountNs, mountinfo }) => {
      mounts.push({ mountNs, seq: decoder.seq, mountinfo });
      const root = rootMountOf(mountinfo);
      if (root !== undefined) decoder.setRootMount(mountNs, root);
    },
  );
  for (const path of inheritedFiles()) decoder.inherited(path);
  await tracer.adopt();
  const startedAt = performance.now();
  const started = startCommand(libc, command);
  await tracer.release();
  const exit = await started.exit;
  const durationMs = performance.now() - startedAt;
  await within(started.drained, OUTPUT_GRACE_MS);
  started.abandon();
  // A pipeline's last process may be seen to exit a little after the shell.
  for (const until = performance.now() + GRACE_MS; performance.now() < until; await wait(2)) {
    tracer.drain();
    if (living(decoder.alive).length === 0) break;
  }
  const sealed = await tracer.seal();
  if (sealed === undefined) return { exit, seal: undefined, durationMs };
  const alive = living(decoder.alive);
  return { exit, seal: toSeal(sealed, decoder, mounts, alive), durationMs };
}

function toSeal(sealed: TracerSeal, decoder: Decoder, mounts: Seal["mounts"], alive: Seal["alive"]): Seal {
  const lost: Record<string, number> = {};
  for (const name of LOSS_COUNTERS) lost[name] = sealed.counters[name];
  lost["decoder"] = decoder.errors;
  lost["canary"] = sealed.endSeen ? 0 : 1;
  lost["overflow"] = sealed.overflow;
  return {
    backend: "ebpf",
    kernel: os.release(),
    events: decoder.seq,
    lost,
    alive,
    mounts,
    names: Object.fromEntries([...decoder.names].map(([address, names]) => [address, [...names].sort()])),
  };
}

/** Those that still run; a zombie has done all it will do. */
function living(pids: Iterable<number>): { pid: number; comm: string }[] {
  const found: { pid: number; comm: string }[] = [];
  for (const pid of pids)
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
      const [, comm = "", state = ""] = /^\d+ \((.*)\) (.)/s.exec(stat) ?? [];
      if (state !== "Z" && state !== "X") found.push({ pid, comm });
    } catch {
      // Gone.
    }
  return found;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function within(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
