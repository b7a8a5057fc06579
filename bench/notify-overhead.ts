// What the unprivileged observer costs, against the same command unobserved, alternating in the same run.
//   npm run bench -- notify-overhead [--runs 5] [--only compile,walk] [--out bench/results/notify-overhead.json]
// CPU is that of the command's tree and of this process (supervisor, spawner, decoding) together.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Libc, loadLibc } from "../src/trace/ffi.ts";
import { createNotifyObserver } from "../src/trace/notify/observer.ts";
import type { Observer } from "../src/trace/observer.ts";
import { unobserved } from "../src/trace/unobserved.ts";
import { machine, median } from "./machine.ts";
import { type Workload, workloads } from "./trace-workloads.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    runs: { type: "string", default: "5" },
    only: { type: "string" },
    out: { type: "string" },
  },
});
const runs = Number(values.runs);
const libc = await loadLibc();
if ("unavailable" in libc) throw new Error(libc.unavailable);
const scratch = mkdtempSync(join(tmpdir(), "foregone-overhead-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly events: number;
}

async function cost(observer: Observer, { argv, cwd }: Workload, cpuMs: () => number): Promise<Cost> {
  const from = { wall: performance.now(), cpu: cpuMs() };
  const { exit, seal } = await observer.run({
    argv,
    cwd,
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: scratch },
    onOutput: () => undefined,
    onEvent: () => undefined,
  });
  if (exit.kind !== "exited" || exit.code !== 0) throw new Error(`${argv.join(" ")}: ${JSON.stringify(exit)}`);
  return { wallMs: performance.now() - from.wall, cpuMs: cpuMs() - from.cpu, events: seal?.events ?? 0 };
}

/** Of this process and its children that ended, user and system. */
function cpuMeter(c: Libc): () => number {
  const memory = c.alloc(144);
  const getrusage = c.func("int getrusage(int, void*)");
  const of = (who: number): number => {
    getrusage(who, memory.pointer);
    const at = (offset: number): number => Number(memory.bytes.readBigInt64LE(offset));
    return (at(0) + at(16)) * 1000 + (at(8) + at(24)) / 1000;
  };
  return () => of(0) + of(-1);
}

const meter = cpuMeter(libc);
const notify = createNotifyObserver(libc);
const only = values.only?.split(",");
const results: Record<string, unknown> = {};
for (const workload of workloads(scratch, process.cwd())) {
  if (only !== undefined && !only.includes(workload.name)) continue;
  const plain: Cost[] = [];
  const observed: Cost[] = [];
  for (let i = 0; i < runs + 1; i++) {
    const pair = [await cost(unobserved, workload, meter), await cost(notify, workload, meter)] as const;
    // The first pair warms the caches.
    if (i === 0) continue;
    plain.push(pair[0]);
    observed.push(pair[1]);
  }
  const of = (list: readonly Cost[], field: keyof Cost): number => median(list.map((c) => c[field]));
  const round = (n: number): number => Math.round(n * 100) / 100;
  results[workload.name] = {
    wallRatio: round(of(observed, "wallMs") / of(plain, "wallMs")),
    cpuRatio: round(of(observed, "cpuMs") / of(plain, "cpuMs")),
    plain: { wallMs: round(of(plain, "wallMs")), cpuMs: round(of(plain, "cpuMs")) },
    observed: { wallMs: round(of(observed, "wallMs")), cpuMs: round(of(observed, "cpuMs")) },
    events: of(observed, "events"),
  };
  process.stderr.write(`${workload.name} ${JSON.stringify(results[workload.name])}\n`);
}
const text = `${JSON.stringify({ ...machine(), runs, results }, null, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
