// Time inside the BPF programs themselves, by the kernel's own clock (kernel.bpf_stats_enabled): a run of its own, because
// that clock costs as much as the cheap programs do.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { loadLibc } from "../src/trace/ffi.ts";
import { Tracer } from "../src/trace/bpf/tracer.ts";

const SWITCH = "/proc/sys/kernel/bpf_stats_enabled";

/** @returns undefined where that clock cannot be switched on */
export async function kernelShare(
  argv: readonly string[],
  cwd: string,
): Promise<{ readonly ns: number; readonly events: number } | undefined> {
  const libc = await loadLibc();
  if ("unavailable" in libc) return undefined;
  let before: string;
  try {
    before = readFileSync(SWITCH, "utf8");
    writeFileSync(SWITCH, "1");
  } catch {
    return undefined;
  }
  try {
    // Nobody reads meanwhile: the ring holds what these workloads do.
    const tracer = Tracer.start(libc, { onRecord: () => undefined, onMounts: () => undefined });
    tracer.adopt(process.pid);
    const [file = "", ...args] = argv;
    spawnSync(file, args, { cwd, stdio: "ignore" });
    tracer.release(process.pid);
    const { counters } = tracer.seal();
    if (counters.lost > 0) return undefined;
    return { ns: counters.kernelNs, events: counters.emitted };
  } finally {
    writeFileSync(SWITCH, before);
  }
}
