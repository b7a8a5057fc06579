// A tracer of its own for a test: adopts this process, runs one program to its end without reading the ring, then seals.
import { spawnSync } from "node:child_process";
import type { TestContext } from "vitest";
import type { TraceEvent } from "../trace/event.ts";
import { type Libc, loadLibc } from "../trace/ffi.ts";
import { Decoder } from "../trace/bpf/decode.ts";
import { Tracer, type TracerOptions, type TracerSeal } from "../trace/bpf/tracer.ts";

/** Skips the test where BPF is not possible. */
export async function libcAsRoot(context: TestContext): Promise<Libc> {
  const libc = await loadLibc();
  if ("unavailable" in libc) return context.skip(libc.unavailable);
  if (process.geteuid?.() !== 0) return context.skip("needs root");
  return libc;
}

export interface Traced extends TracerSeal {
  readonly events: readonly TraceEvent[];
  readonly decoder: Decoder;
  readonly stdout: string;
}

export function traceUnread(libc: Libc, argv: readonly string[], options: Partial<TracerOptions> = {}): Traced {
  const events: TraceEvent[] = [];
  const decoder = new Decoder((event) => void events.push(event));
  const tracer = Tracer.start(libc, {
    ...options,
    onRecord: (bytes, words, at, length) => decoder.record(bytes, words, at, length),
    onMounts: () => undefined,
  });
  tracer.adopt(process.pid);
  const [file = "", ...args] = argv;
  const { stdout } = spawnSync(file, args, { encoding: "utf8", maxBuffer: 64 << 20 });
  tracer.release(process.pid);
  return { ...tracer.seal(), events, decoder, stdout };
}
