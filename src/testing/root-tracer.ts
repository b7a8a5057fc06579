// A tracer of its own for a test: adopts this process, runs one program to its end without reading the ring, then seals.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { TestContext } from "vitest";
import type { TraceEvent } from "../trace/event.ts";
import { type Libc, loadLibc } from "../trace/ffi.ts";
import { Decoder } from "../trace/bpf/decode.ts";
import { BpfCalls } from "../trace/bpf/syscall.ts";
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

/** @param prepare called when the tracer runs and before the program does */
export function traceUnread(
  libc: Libc,
  argv: readonly string[],
  options: Partial<TracerOptions> = {},
  prepare: () => void = () => undefined,
): Traced {
  const events: TraceEvent[] = [];
  const decoder = new Decoder((event) => void events.push(event));
  const tracer = Tracer.start(libc, {
    ...options,
    onRecord: (bytes, words, at, length) => decoder.record(bytes, words, at, length),
    onMounts: () => undefined,
  });
  prepare();
  tracer.adopt(process.pid);
  const [file = "", ...args] = argv;
  const { stdout } = spawnSync(file, args, { encoding: "utf8", maxBuffer: 64 << 20 });
  tracer.release(process.pid);
  return { ...tracer.seal(), events, decoder, stdout };
}

const PERCPU_ARRAY = 6;

/**
 * Marks the first `count` scratch buffers of the tracer that runs in this process as in use, on every processor: as if that many
 * handlers had been interrupted in the middle of a record.
 */
export function occupyScratch(libc: Libc, count: number): void {
  const bpf = new BpfCalls(libc);
  const processors = Number(/(\d+)\s*$/.exec(readFileSync("/sys/devices/system/cpu/possible", "utf8"))?.[1]) + 1;
  const [fd, stride] = scratchMap();
  const key = libc.alloc(8);
  const values = libc.alloc(stride * processors);
  for (let slot = 0; slot < count; slot++) {
    key.bytes.writeUInt32LE(slot, 0);
    // `busy` is the first word of struct scratch.
    for (let processor = 0; processor < processors; processor++) values.bytes.writeUInt32LE(1, stride * processor);
    bpf.call("map update", "scratch", (attr) => {
      attr.writeUInt32LE(fd, 0);
      attr.writeBigUInt64LE(key.address, 8);
      attr.writeBigUInt64LE(values.address, 16);
    });
  }
  libc.free(key);
  libc.free(values);
}

/** @returns descriptor and bytes per processor */
function scratchMap(): readonly [number, number] {
  for (const fd of readdirSync("/proc/self/fdinfo")) {
    let info: string;
    try {
      info = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
    } catch {
      continue; // Of the listing itself.
    }
    const field = (name: string): number => Number(new RegExp(`^${name}:\t(\\d+)`, "m").exec(info)?.[1]);
    if (field("map_type") === PERCPU_ARRAY) return [Number(fd), (field("value_size") + 7) & ~7];
  }
  throw new Error("no tracer runs in this process");
}
