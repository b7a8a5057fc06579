// Replays the history of a repository and compares skip policies with the truth.
//
//   npm run bench -- replay --repo DIR --range OLDEST..NEWEST --job 'test=npm test' [--setup 'npm ci'] [--paths 'test=src/**,test/**']
//                           [--cwd SUBFOLDER] [--last N] [--keep GLOB] [--out FILE]
//
// Truth at each first-parent commit: the job is run plainly once, and once traced (exit code, normalised report, time, read set).
// A job whose two runs differ is not counted in L0 and L1. The folder of --repo is cloned; nothing in it is changed.
// False skips: L0 the verdict would have been another; L1 the report; L2 something that the commit's own run read had changed.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine } from "./machine.ts";
import { History } from "./replay/history.ts";
import { type Job, runJob, type Truth } from "./replay/job.ts";
import { POLICIES, type Policy, type PolicyState, type Seen } from "./replay/policies.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    repo: { type: "string" },
    range: { type: "string" },
    setup: { type: "string", default: "" },
    job: { type: "string", multiple: true, default: [] },
    paths: { type: "string", multiple: true, default: [] },
    cwd: { type: "string", default: "." },
    last: { type: "string" },
    keep: { type: "string", multiple: true, default: ["node_modules"] },
    out: { type: "string" },
  },
});
if (values.repo === undefined || values.range === undefined || values.job.length === 0) {
  process.stderr.write("usage: npm run bench -- replay --repo DIR --range OLDEST..NEWEST --job NAME=COMMAND [...]\n");
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), "foregone-replay-"));
const globs = new Map(values.paths.map((text) => split(text)).map(([name, list]) => [name, list.split(",")]));
const jobs = values.job.map((text): Job => {
  const [name, command] = split(text);
  return { name, command, cwd: values.cwd, globs: globs.get(name) };
});
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const history = new History(values.repo, join(scratch, "w"), values.keep);
// Neighbours, never a sample: between every fifth commit nearly everything has changed.
const commits = history.firstParents(values.range).slice(values.last === undefined ? 0 : -Number(values.last));
if (commits.length === 0) throw new Error(`no commits in ${values.range}: the oldest comes first`);
const results = jobs.map((job) => ({ job, tally: POLICIES.map((policy) => newTally(policy)), truths: [] as Truth[] }));

for (const [i, commit] of commits.entries()) {
  const setup = history.checkout(commit, values.setup);
  for (const { job, tally, truths } of results) {
    const truth = runJob(job, history, commit, scratch, setup);
    truths.push(truth);
    for (const state of tally) judgePolicy(state, { commit, truth, job, history });
    const marks = tally.map(({ policy, last }) => `${policy.name}:${last ?? "run"}`).join(" ");
    process.stderr.write(
      `${i + 1}/${commits.length} ${commit.id.slice(0, 8)} ${job.name} ${truth.verdict} ${(truth.plainMs / 1000).toFixed(1)} s ${marks}\n`,
    );
  }
}
report();

interface Tally extends PolicyState {
  readonly policy: Policy;
  skips: number;
  savedMs: number;
  savedCpuMs: number;
  L0: number;
  L1: number;
  L2: number;
  last: string | undefined;
  readonly falseSkips: string[];
}

function newTally(policy: Policy): Tally {
  return {
    policy,
    executed: [],
    skips: 0,
    savedMs: 0,
    savedCpuMs: 0,
    L0: 0,
    L1: 0,
    L2: 0,
    last: undefined,
    falseSkips: [],
  };
}

function judgePolicy(state: Tally, seen: Seen): void {
  const reused = state.policy.reuse(state, seen);
  if (reused === undefined) {
    state.last = undefined;
    state.executed.push(seen);
    return;
  }
  const { truth } = seen;
  state.skips++;
  state.savedMs += truth.plainMs;
  state.savedCpuMs += truth.plainCpuMs;
  const wrong = [
    ...(truth.stable && truth.verdict !== reused.truth.verdict ? (["L0"] as const) : []),
    ...(truth.stable && truth.report !== reused.truth.report ? (["L1"] as const) : []),
    ...(readSetChanged(seen, reused) ? (["L2"] as const) : []),
  ];
  for (const level of wrong) state[level]++;
  if (wrong.length > 0)
    state.falseSkips.push(`${seen.commit.id.slice(0, 8)} reused ${reused.commit.id.slice(0, 8)}: ${wrong.join(" ")}`);
  state.last = wrong.length > 0 ? `SKIP!${wrong.join("")}` : "skip";
}

/** Did anything that this commit's own run read differ at the commit whose result was reused? */
function readSetChanged({ commit, truth, history: repository }: Seen, reused: Seen): boolean {
  const changed = repository.changedPaths(reused.commit.id, commit.id);
  return changed.some((path) => truth.reads.has(path));
}

function report(): void {
  const rows = results.flatMap(({ job, tally, truths }) =>
    tally.map(({ policy, skips, savedMs, savedCpuMs, L0, L1, L2, falseSkips }) => ({
      job: job.name,
      policy: policy.name,
      commits: truths.length,
      red: truths.filter((t) => t.verdict !== "passes").length,
      unstable: truths.filter((t) => !t.stable).length,
      skips,
      share: truths.length === 0 ? 0 : skips / truths.length,
      savedSeconds: seconds(savedMs),
      totalSeconds: seconds(truths.reduce((sum, t) => sum + t.plainMs, 0)),
      savedCpuSeconds: seconds(savedCpuMs),
      totalCpuSeconds: seconds(truths.reduce((sum, t) => sum + t.plainCpuMs, 0)),
      L0,
      L1,
      L2,
      falseSkips,
    })),
  );
  for (const row of rows)
    process.stdout.write(
      `${row.job.padEnd(16)} ${row.policy.padEnd(12)} skips ${String(row.skips).padStart(3)}/${row.commits} (${(100 * row.share).toFixed(0)} %)  saves ${row.savedCpuSeconds} of ${row.totalCpuSeconds} CPU s  false L0 ${row.L0} L1 ${row.L1} L2 ${row.L2}\n`,
    );
  if (values.out === undefined) return;
  mkdirSync(join(values.out, ".."), { recursive: true });
  const gapsSeen = results.map(({ job, truths }) => ({ job: job.name, gaps: countGaps(truths) }));
  writeFileSync(
    values.out,
    `${JSON.stringify({ ...machine(), range: values.range, setup: values.setup, jobs, last: values.last, rows, gapsSeen }, null, 1)}\n`,
  );
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

function countGaps(truths: readonly Truth[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const gap of truths.flatMap((truth) => truth.gaps)) counts[gap] = (counts[gap] ?? 0) + 1;
  return counts;
}

function split(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, text] : [text.slice(0, at), text.slice(at + 1)];
}
