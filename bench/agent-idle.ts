// What an idle agent costs: resident memory and CPU, and how long /metrics takes; the baseline is a Node process that only waits.
//   npm run build && npm run bench -- agent-idle [--seconds 30] [--out FILE]
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { seconds: { type: "string", default: "30" }, out: { type: "string" } },
});
const seconds = Number(values.seconds);
const BIN = join(process.cwd(), "bin/foregone");
const root = mkdtempSync(join(tmpdir(), "foregone-agent-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
mkdirSync(join(root, "run"), { mode: 0o700 });
const env = {
  ...process.env,
  HOME: root,
  FOREGONE_CACHE_DIR: join(root, "store"),
  XDG_RUNTIME_DIR: join(root, "run"),
  FOREGONE_AGENT_PORT: "0",
};
const foregone = (...args: string[]): string =>
  execFileSync(process.execPath, [BIN, ...args], { cwd: root, env, encoding: "utf8" });

interface Cost {
  readonly rssMb: number;
  readonly cpuPercent: number;
}

const TICKS_A_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
async function costOf(pid: number): Promise<Cost> {
  // The start is no idling: let the collector and the compiler come to rest.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const before = ticks(pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const used = (ticks(pid) - before) / TICKS_A_SECOND;
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  return { rssMb: kilobytes / 1024, cpuPercent: (100 * used) / seconds };
}

const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e9)"], { stdio: "ignore" });
foregone("agent", "start");
const { pid, services } = JSON.parse(foregone("agent", "status", "--json")) as {
  pid: number;
  services: Record<string, { detail?: string }>;
};
const [baseline, agent] = await Promise.all([costOf(bare.pid ?? 0), costOf(pid)]);
const url = `${services["dashboard"]?.detail ?? ""}/metrics`;
const times: number[] = [];
for (let i = 0; i < 200; i++) {
  const from = performance.now();
  await (await fetch(url)).text();
  times.push(performance.now() - from);
}
foregone("agent", "stop");
bare.kill();
const result = {
  ...machine(),
  agent,
  baseline,
  ratios: { rss: agent.rssMb / baseline.rssMb },
  metricsMs: { median: median(times), p99: times.toSorted((a, b) => a - b)[197] },
  goals: { rssMb: 80, cpuPercent: 0.5, metricsMs: 20 },
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
