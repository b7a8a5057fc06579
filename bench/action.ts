// The action as the runner starts it. Baseline of every ratio: a bare start of the same Node 24, alternating, in the same run.
//   npm run bench -- action [--files 10000] [--reads 1000] [--runs 20] [--latency 0] [--out FILE]
// - hit: job mode, whole step, against the double of GitHub's services on loopback, the record in the Actions cache
// - start: the bundle alone, told a wrong input (it reads its inputs and ends)
// - miss: CPU of a whole job with us in it (steps, tracer, recording), against the same job without (needs root and BTF)
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ActionsDouble, REST_TOKEN } from "../src/testing/actions/double.ts";
import { NO_NODE24, node24 } from "../src/testing/node24.ts";
import { type JobOptions, WorkflowRunner } from "../src/testing/workflow-runner.ts";
import { tracersEnd } from "../src/testing/processes.ts";
import { CpuAccount } from "./cpu-account.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    files: { type: "string", default: "10000" },
    reads: { type: "string", default: "1000" },
    runs: { type: "string", default: "20" },
    latency: { type: "string", default: "0" },
    out: { type: "string" },
  },
});
const [files, reads, runs, latency] = [values.files, values.reads, values.runs, values.latency].map(Number) as [
  number,
  number,
  number,
  number,
];
const node = node24();
if (node === undefined) throw new Error(NO_NODE24);
const base = mkdtempSync(join(tmpdir(), "foregone-bench-"));
const double = await new ActionsDouble().start();
const runner = new WorkflowRunner(base);
runner.repository = double.repository.fullName;

const steps = (foregone: string, work: string): string =>
  `on: [push]\npermissions: { contents: read }\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n${foregone}      - if: steps.foregone.outputs.skip != 'true'\n        run: ${work}\n        id: work\n`;
const OURS = "      - uses: acme/foregone@v1\n        id: foregone\n        with: { audit: 0 }\n";
for (let i = 0; i < files; i++) runner.write(`src/d${Math.floor(i / 100)}/f${i}.js`, `export const value = ${i};\n`);
const every = Math.max(1, Math.floor(files / reads));
const read = Array.from({ length: reads }, (_, i) => `src/d${Math.floor((i * every) / 100)}/f${i * every}.js`);
runner.write("list.txt", read.join("\n"));
runner.write(".github/workflows/ci.yml", steps(OURS, "xargs cat < list.txt > /dev/null"));
double.repository.branches.set("main", runner.commit());

const service = (): JobOptions => {
  const commit = runner.git("rev-parse", "HEAD");
  double.repository.commits.set(commit, []);
  const run = double.run({ headSha: commit, conclusion: "success" });
  const { ACTIONS_RESULTS_URL = "", ACTIONS_RUNTIME_TOKEN = "" } = double.env(run, ["refs/heads/main"]);
  const { id } = double.repository;
  return {
    runId: String(run.id),
    // As GitHub states it: else nobody vouches for the job, and artifacts are asked.
    checkRun: run.jobs[1]?.[0]?.id ?? 0,
    token: REST_TOKEN,
    payload: { repository: { id, default_branch: "main" } },
    env: {
      ACTIONS_RESULTS_URL,
      ACTIONS_RUNTIME_TOKEN,
      GITHUB_API_URL: double.apiUrl,
      GITHUB_REPOSITORY_ID: String(id),
    },
  };
};
const fresh = (): void => rmSync(join(base, "store"), { recursive: true, force: true });
const bare = (): number => {
  const from = performance.now();
  spawnSync(node, ["-e", "0"]);
  return performance.now() - from;
};

const first = await runner.job(service());
if (!first.post.includes("actions-cache: uploaded")) throw new Error(`not recorded: ${first.log}${first.post}`);
double.latencyMs = latency;
const times: Record<string, number[]> = { node: [], hit: [], start: [] };
for (let i = 0; i < runs + 2; i++) {
  fresh();
  const job = await runner.job(service());
  const step = job.steps["foregone"];
  if (step?.outputs["skip"] !== "true") throw new Error(`no hit: ${job.log}`);
  const startFrom = performance.now();
  spawnSync(node, [resolve("dist/foregone-main.js")], { env: { INPUT_TRUST: "nobody" }, stdio: "ignore" });
  const start = performance.now() - startFrom;
  const alone = bare();
  if (i < 2) continue;
  times["hit"]?.push(step.ms);
  times["start"]?.push(start);
  times["node"]?.push(alone);
}
double.latencyMs = 0;

/** Twice the work tells what is paid once a job from what grows with it. */
const WORK: Readonly<Record<string, (times: number) => string>> = {
  /** Starts many small programs: the dearest work to trace. */
  shell: (times) => `for i in $(seq ${times * 150}); do cat list.txt | wc -c > /dev/null; done`,
  /** Reads, and works on what it has read. */
  node: (times) => `for i in $(seq ${times * 2}); do ${node} work.mjs; done`,
};
runner.write(
  "work.mjs",
  `import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
const texts = readFileSync("list.txt", "utf8").split("\\n").map((path) => readFileSync(path));
for (let i = 0; i < 250; i++) for (const text of texts) createHash("sha256").update(text).digest();
`,
);
const account = CpuAccount.open();
/** CPU milliseconds of a whole job: its steps, ours, the tracer. */
const cpu = async (foregone: string, work: string): Promise<number> => {
  if (account === undefined) return Number.NaN;
  const guard = "if: steps.foregone.outputs.skip != 'true'";
  runner.write(".github/workflows/ci.yml", steps(foregone, work).replaceAll(guard, "if: true"));
  runner.commit();
  fresh();
  const before = account.used();
  const job = await runner.job({ before: (_, worker) => account.add(worker) });
  if (job.status !== "success") throw new Error(job.log);
  if (foregone !== "" && !job.post.includes("recorded ")) throw new Error(`not recorded: ${job.log}${job.post}`);
  await tracersEnd(base);
  return account.used() - before;
};
type Costs = Record<"plain" | "traced", [once: number[], twice: number[]]>;
const cpuMs: Record<string, Costs> = {};
if (account !== undefined)
  for (const [name, work] of Object.entries(WORK)) {
    const costs: Costs = (cpuMs[name] = { plain: [[], []], traced: [[], []] });
    for (let i = 0; i < Math.max(3, runs / 4); i++)
      for (const [j, script] of [work(1), work(2)].entries()) {
        costs.traced[j]?.push(await cpu(OURS, script));
        costs.plain[j]?.push(await cpu("", script));
      }
  }
await account?.close();

const round = (value: number): number => Math.round(value * 100) / 100;
const of = (name: string): number => median(times[name] ?? []);
const p95 = (list: readonly number[]): number =>
  list.toSorted((a, b) => a - b)[Math.floor(list.length * 0.95)] ?? Number.NaN;
/**
 * - share: what being traced adds to each CPU second of the work, the tracer included
 * - fixedMs: paid once a job: to decide, to start and stop the tracer, to hash what was read, to record
 */
const miss = Object.entries(cpuMs).map(([work, { plain, traced }]) => {
  const [once, twice] = plain.map(median) as [number, number];
  const [extraOnce, extraTwice] = traced.map((list, i) => median(list) - [once, twice][i]!) as [number, number];
  const share = (extraTwice - extraOnce) / (twice - once);
  return { work, plainMs: round(once), share: round(share), fixedMs: round(extraOnce - share * once) };
});
const result = {
  ...machine(),
  files,
  reads,
  runs,
  latencyMs: latency,
  medianMs: Object.fromEntries(Object.keys(times).map((name) => [name, round(of(name))])),
  p95Ms: Object.fromEntries(Object.entries(times).map(([name, list]) => [name, round(p95(list))])),
  ratios: { hit: round(of("hit") / of("node")), start: round(of("start") / of("node")) },
  missCpu: miss,
};
const text = `${JSON.stringify(result, null, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
await double.close();
rmSync(base, { recursive: true, force: true });
