// What the BPF program counted, and what the kernel counted about it. Order as in native/state.h.
import type { Loaded } from "./load.ts";
import type { BpfCalls } from "./syscall.ts";

const NAMES = ["lost", "emitted", "repeated", "nostore", "nested", "fault", "deep", "unknown", "uring"] as const;

export type Counters = Record<(typeof NAMES)[number] | "recursion" | "kernelNs", number>;

/** Those that must be zero at the seal: each other value is something nobody saw. */
export const LOSS_COUNTERS = ["lost", "nostore", "nested", "fault", "deep", "unknown", "uring", "recursion"] as const;

/** Offsets in struct bpf_prog_info. Recursion misses: runs that the kernel skipped, which no other counter shows. */
const RECURSION_MISSES = 208;
/** Time spent in the program, in every process of the machine; 0 unless kernel.bpf_stats_enabled is set. */
const RUN_TIME_NS = 192;
const INFO_BYTES = 256;

export function readCounters(calls: BpfCalls, loaded: Loaded): Counters {
  const values = calls.lookup(loaded.map("bss"), 0);
  const counters = Object.fromEntries(NAMES.map((name, i) => [name, Number(values.readBigUInt64LE(8 * i))]));
  const info = calls.libc.alloc(INFO_BYTES);
  let recursion = 0;
  let kernelNs = 0;
  for (const name of loaded.programs) {
    info.bytes.fill(0);
    calls.call("program info", name, (attr) => {
      attr.writeUInt32LE(loaded.program(name), 0);
      attr.writeUInt32LE(INFO_BYTES, 4);
      attr.writeBigUInt64LE(info.address, 8);
    });
    recursion += Number(info.bytes.readBigUInt64LE(RECURSION_MISSES));
    kernelNs += Number(info.bytes.readBigUInt64LE(RUN_TIME_NS));
  }
  calls.libc.free(info);
  return { ...counters, recursion, kernelNs } as Counters;
}

/** What was counted since `before`: the self-test counts too. */
export function countersSince(now: Counters, before: Counters): Counters {
  return Object.fromEntries(Object.entries(now).map(([k, v]) => [k, v - before[k as keyof Counters]])) as Counters;
}
