// The Observer named "ebpf": one command, one tracer, from just before the fork to the last of its processes.
import type { Libc } from "../ffi.ts";
import { inheritedFiles } from "../inherited.ts";
import type { Observed, ObservedCommand, Observer } from "../observer.ts";
import { startCommand } from "../spawn.ts";
import type { TracerLink } from "./link.ts";
import { Recording } from "./recording.ts";

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
  const recording = new Recording(tracer, (event) => command.onEvent(event));
  for (const path of inheritedFiles()) recording.decoder.inherited(path);
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
    if (recording.living().length === 0) break;
  }
  return { exit, seal: await recording.seal(tracer), durationMs };
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
