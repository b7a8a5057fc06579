// Running commands bare and observed, alternating, and what each costs: wall time, and CPU time of all processes it took.
import { spawnSync } from "node:child_process";
import { loadLibc } from "../src/trace/ffi.ts";
import { bundle } from "../src/testing/bundle.ts";
import { median } from "./machine.ts";

/** `node PROGRAM ebpf|notify CMD ARG...`: the command observed, its output to ours, counters to FOREGONE_BENCH_SEAL. */
export const observedProgram = (): Promise<string> =>
  bundle(`
  import { writeFileSync } from "node:fs";
  import { chooseObserver } from "./src/trace/choose.ts";
  const [, , backend, ...argv] = process.argv;
  const { observer, refusals } = await chooseObserver(backend);
  if (observer.name !== backend) throw new Error(refusals.map((r) => r.why).join("; "));
  const attachedMs = performance.now();
  let events = 0;
  const { exit, seal } = await observer.run({
    argv, cwd: process.cwd(), env: process.env,
    onOutput: (stream, bytes) => void process[stream].write(bytes),
    onEvent: () => void events++,
  });
  const rssMiB = process.memoryUsage().rss / 2 ** 20;
  const out = process.env.FOREGONE_BENCH_SEAL;
  if (out !== undefined) writeFileSync(out, JSON.stringify({ attachedMs, events, lost: seal?.lost, rssMiB }));
  process.exitCode = exit.kind === "exited" ? exit.code : 1;
`);

export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** getrusage(RUSAGE_CHILDREN): what all processes have used that ended and were waited for, by us or one of them. */
async function childrenCpu(): Promise<() => number> {
  const libc = await loadLibc();
  if ("unavailable" in libc) throw new Error(libc.unavailable);
  const getrusage = libc.func("int getrusage(int, void*)");
  const usage = libc.alloc(256);
  return () => {
    getrusage(-1, usage.pointer);
    const time = (at: number): number =>
      Number(usage.bytes.readBigInt64LE(at)) * 1000 + Number(usage.bytes.readBigInt64LE(at + 8)) / 1000;
    return time(0) + time(16);
  };
}

export interface Contender {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Medians of `runs` rounds after one that warms up; in each round every contender runs once, in turn.
 * @param before each single run: puts the folder back
 */
export async function compare(
  contenders: Readonly<Record<string, Contender>>,
  { cwd, runs, before }: { readonly cwd: string; readonly runs: number; readonly before?: () => void },
): Promise<Readonly<Record<string, Cost>>> {
  const cpu = await childrenCpu();
  const costs: Record<string, Cost[]> = {};
  for (let round = 0; round <= runs; round++)
    for (const [name, { argv, env }] of Object.entries(contenders)) {
      before?.();
      const [cpuFrom, from] = [cpu(), process.hrtime.bigint()];
      const [file = "", ...args] = argv;
      const done = spawnSync(file, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
      const wallMs = Number(process.hrtime.bigint() - from) / 1e6;
      if (done.status !== 0) throw new Error(`${argv.join(" ")}: ${done.status} ${String(done.stderr)}`);
      if (round > 0) (costs[name] ??= []).push({ wallMs, cpuMs: cpu() - cpuFrom });
    }
  return Object.fromEntries(
    Object.entries(costs).map(([name, list]) => [
      name,
      { wallMs: median(list.map((c) => c.wallMs)), cpuMs: median(list.map((c) => c.cpuMs)) },
    ]),
  );
}

export const rounded = (value: number): number => Math.round(value * 1000) / 1000;
