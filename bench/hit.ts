// What a hit costs: `foregone run` whole process, against a bare node start in the same run, alternating.
//   npm run bench -- hit [--files 10000] [--reads 1000] [--runs 30]
// Also: peak memory of a hit, `foregone --version`, and `git ls-tree -r` of the same repository.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    files: { type: "string", default: "10000" },
    reads: { type: "string", default: "1000" },
    runs: { type: "string", default: "30" },
    out: { type: "string" },
  },
});
const [files, reads, runs] = [values.files, values.reads, values.runs].map(Number) as [number, number, number];
const BIN = join(process.cwd(), "bin/foregone");
const scratch = mkdtempSync(join(tmpdir(), "foregone-hit-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const workspace = join(scratch, "w");
makeRepository();

const env = { ...process.env, FOREGONE_CACHE_DIR: join(scratch, "store") };
const command = ["run", "--quiet", "--audit", "0", "--", process.execPath, "reader.mjs"];
const time = (argv: readonly string[]): { ms: number; stdout: string } => {
  const from = process.hrtime.bigint();
  const done = spawnSync(argv[0] ?? "", argv.slice(1), { cwd: workspace, env, encoding: "utf8", maxBuffer: 64 << 20 });
  const ms = Number(process.hrtime.bigint() - from) / 1e6;
  if (done.status !== 0) throw new Error(`${argv.join(" ")}: ${done.status} ${done.stderr}`);
  return { ms, stdout: done.stdout };
};
const first = time([process.execPath, BIN, ...command]);
const check = spawnSync(process.execPath, [BIN, "check", "--json", ...command.slice(2)], {
  cwd: workspace,
  env,
  encoding: "utf8",
});
const decision = JSON.parse(check.stdout) as { decision: string; compared: number };
if (decision.decision !== "skip") throw new Error(`no hit: ${check.stdout}`);

const contenders: Record<string, readonly string[]> = {
  node: [process.execPath, "-e", "0"],
  version: [process.execPath, BIN, "--version"],
  hit: [process.execPath, BIN, ...command],
  "git ls-tree": ["git", "ls-tree", "-r", "-z", "HEAD"],
};
const times: Record<string, number[]> = {};
for (let i = 0; i < runs + 3; i++)
  for (const [name, argv] of Object.entries(contenders)) {
    const { ms, stdout } = time(argv);
    if (name === "hit" && stdout !== first.stdout) throw new Error("the replayed output differs");
    if (i >= 3) (times[name] ??= []).push(ms);
  }
const medians = Object.fromEntries(
  Object.entries(times).map(([name, list]) => [name, Math.round(median(list) * 10) / 10]),
);
const node = medians["node"] ?? Number.NaN;
const rss = (argv: readonly string[]): number => {
  const done = spawnSync("/usr/bin/time", ["-f", "%M", ...argv], { cwd: workspace, env, encoding: "utf8" });
  return Math.round(Number(done.stderr.trim().split("\n").at(-1)) / 1024);
};
const result = {
  ...machine(),
  files,
  observations: decision.compared,
  runs,
  medianMs: medians,
  ratios: {
    hit: Math.round((100 * (medians["hit"] ?? 0)) / node) / 100,
    version: Math.round((100 * (medians["version"] ?? 0)) / node) / 100,
  },
  peakMiB: { node: rss(contenders["node"] ?? []), hit: rss(contenders["hit"] ?? []) },
};
const text = `${JSON.stringify(result, null, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);

function makeRepository(): void {
  const names: string[] = [];
  for (let i = 0; i < files; i++) {
    const folder = join(workspace, `src/d${Math.floor(i / 100)}`);
    if (i % 100 === 0) mkdirSync(folder, { recursive: true });
    const name = `src/d${Math.floor(i / 100)}/f${i}.js`;
    writeFileSync(join(workspace, name), `export const value${i} = ${"x".repeat(i % 500)};\n`);
    names.push(name);
  }
  const step = Math.max(1, Math.floor(files / reads));
  const read = names.filter((_, i) => i % step === 0).slice(0, reads);
  writeFileSync(
    join(workspace, "reader.mjs"),
    `import { readFileSync } from "node:fs";\nlet n = 0;\nfor (const f of ${JSON.stringify(read)}) n += readFileSync(f).length;\nconsole.log(n);\n`,
  );
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", workspace, "-c", "user.name=b", "-c", "user.email=b@example.invalid", ...args]);
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "-m", "all");
}
