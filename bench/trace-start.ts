// From the start of a process to attached and self-tested, and what a trivial command costs observed in all:
//   npm run bench -- trace-start [--runs 15] [--backend ebpf] [--out FILE]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine, median } from "./machine.ts";
import { compare, observedProgram, rounded } from "./traced.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    runs: { type: "string", default: "15" },
    backend: { type: "string", default: "ebpf" },
    out: { type: "string" },
  },
});
const runs = Number(values.runs);
const scratch = mkdtempSync(join(tmpdir(), "foregone-start-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const program = await observedProgram();
const seal = join(scratch, "seal.json");

const observed = [process.execPath, program, values.backend, "true"];
const attached: number[] = [];
for (let i = 0; i <= runs; i++) {
  spawnSync(observed[0] ?? "", observed.slice(1), { env: { ...process.env, FOREGONE_BENCH_SEAL: seal } });
  if (i > 0) attached.push((JSON.parse(readFileSync(seal, "utf8")) as { attachedMs: number }).attachedMs);
}
const costs = await compare(
  { true: { argv: ["true"] }, node: { argv: [process.execPath, "-e", "0"] }, observed: { argv: observed } },
  { cwd: scratch, runs },
);
const cost = (name: string): { wallMs: number; cpuMs: number } =>
  costs[name] ?? { wallMs: Number.NaN, cpuMs: Number.NaN };
const result = {
  ...machine(),
  backend: values.backend,
  runs,
  attachedMs: { median: rounded(median(attached)), least: rounded(Math.min(...attached)) },
  bareNodeMs: rounded(cost("node").wallMs),
  /** A trivial command observed, less the command itself. */
  addedMs: rounded(cost("observed").wallMs - cost("true").wallMs),
  addedCpuMs: rounded(cost("observed").cpuMs - cost("true").cpuMs),
  attachedToBareNode: rounded(median(attached) / cost("node").wallMs),
};
const text = `${JSON.stringify(result, null, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
