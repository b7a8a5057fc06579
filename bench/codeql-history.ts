// A real producer at every commit of a real history: what is skipped, what that saves, and whether a single replay differs from
// the fresh scan of the same commit, which is made for each. Nothing of the repository is kept.
//   npm run bench -- codeql-history --repo PATH [--range OLD..NEW | --commits 120] [--producer flawfinder|eslint|jscpd]
// Baselines from the same run: always scan; a key of the commit id; a key of the whole tree.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import type { Log } from "sarif";
import { canonicalSarif } from "../src/codeql/sarif/canonical.ts";
import { normalise } from "../src/codeql/sarif/normalise.ts";
import { readSarif } from "../src/codeql/sarif/read.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    repo: { type: "string" },
    range: { type: "string" },
    commits: { type: "string", default: "120" },
    producer: { type: "string", default: "flawfinder" },
    out: { type: "string" },
  },
});
if (values.repo === undefined) throw new Error("--repo PATH of a git repository");
const BIN = join(process.cwd(), "bin/foregone");
const MODULES = resolve("node_modules");
const scratch = mkdtempSync(join(tmpdir(), "foregone-history-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const workspace = join(scratch, "w");
const sarifFile = join(scratch, "out/result.sarif");
mkdirSync(join(scratch, "out"));
execFileSync("git", ["clone", "-q", "--no-checkout", "--shared", resolve(values.repo), workspace], { stdio: "ignore" });
const git = (...args: string[]): string =>
  execFileSync("git", args, { cwd: workspace, encoding: "utf8", maxBuffer: 1 << 30 }).trim();

const range = values.range?.split("..");
const list = git(
  "rev-list",
  "--first-parent",
  ...(range === undefined ? ["-n", values.commits, "HEAD"] : [range[1] ?? "HEAD", `^${range[0]}^`]),
);
const commits = list.split("\n").toReversed();

const eslintConfig = join(scratch, "eslint.config.mjs");
writeFileSync(
  eslintConfig,
  `import security from ${JSON.stringify(join(MODULES, "eslint-plugin-security/index.js"))};\nexport default [security.configs.recommended];\n`,
);
const PRODUCERS: Record<string, { argv: string[]; stdout: boolean }> = {
  flawfinder: { argv: ["flawfinder", "--sarif", "--quiet", "."], stdout: true },
  eslint: {
    argv: [
      join(MODULES, ".bin/eslint"),
      "-c",
      eslintConfig,
      "-f",
      join(MODULES, "@microsoft/eslint-formatter-sarif/sarif.js"),
      "-o",
      sarifFile,
      ".",
    ],
    stdout: false,
  },
  jscpd: {
    argv: [join(MODULES, ".bin/jscpd"), "--reporters", "sarif", "--output", join(scratch, "out"), "--silent", "."],
    stdout: false,
  },
};
const producer = PRODUCERS[values.producer];
if (producer === undefined) throw new Error(`--producer is one of ${Object.keys(PRODUCERS).join(", ")}`);
const written = values.producer === "jscpd" ? join(scratch, "out/jscpd-sarif.json") : sarifFile;
const env = { ...process.env, FOREGONE_CACHE_DIR: join(scratch, "store"), FOREGONE_CODEQL_AUDIT: "0" };

function scan(argv: readonly string[], stdout: boolean): { ms: number; said: string; canonical: string } {
  rmSync(written, { force: true });
  const from = process.hrtime.bigint();
  const done = spawnSync(argv[0] ?? "", argv.slice(1), { cwd: workspace, env, maxBuffer: 1 << 30 });
  const ms = Number(process.hrtime.bigint() - from) / 1e6;
  const read = readSarif(stdout ? done.stdout : readFileSync(written));
  if (read.kind !== "log") throw new Error(`${argv.join(" ")}: ${read.why} ${done.stderr.toString()}`);
  const log = read.log as Log;
  normalise(log, `${pathToFileURL(workspace).href}/`);
  return { ms, said: done.stderr.toString(), canonical: canonicalSarif(log) };
}

const rows: { skipped: boolean; freshMs: number; oursMs: number; same: boolean; seenTree: boolean }[] = [];
const trees = new Set<string>();
for (const [i, commit] of commits.entries()) {
  git("checkout", "-q", "-f", commit);
  git("clean", "-fdxq");
  const tree = git("rev-parse", "HEAD^{tree}");
  const fresh = scan(producer.argv, producer.stdout);
  const ours = scan(
    [process.execPath, BIN, "sarif", "run", "--max-age", "30d", "--", ...producer.argv],
    producer.stdout,
  );
  const skipped = ours.said.includes("foregone: skip: ");
  rows.push({
    skipped,
    freshMs: fresh.ms,
    oursMs: ours.ms,
    same: fresh.canonical === ours.canonical,
    seenTree: trees.has(tree),
  });
  trees.add(tree);
  if (fresh.canonical !== ours.canonical) process.stderr.write(`${commit} differs: ${ours.said}\n`);
  if (i % 10 === 9) process.stderr.write(`${i + 1} of ${commits.length}\n`);
}
const sum = (of: (row: (typeof rows)[number]) => number): number =>
  Math.round(rows.reduce((total, row) => total + of(row), 0));
const skips = rows.filter((row) => row.skipped);
const misses = rows.filter((row) => !row.skipped);
const share = (n: number): number => Math.round((1000 * n) / rows.length) / 10;
const alwaysMs = sum((row) => row.freshMs);
const oursMs = sum((row) => row.oursMs);
const result = {
  repository: basename(resolve(values.repo).replace(/\/repo$/, "")),
  from: commits[0],
  to: commits.at(-1),
  commits: rows.length,
  producer: values.producer,
  skippedPercent: share(skips.length),
  differences: rows.filter((row) => !row.same).length,
  baselines: { commitKeyPercent: 0, treeKeyPercent: share(rows.filter((row) => row.seenTree).length) },
  alwaysScanMs: alwaysMs,
  withForegoneMs: oursMs,
  savedPercent: Math.round((1000 * (alwaysMs - oursMs)) / alwaysMs) / 10,
  medianScanMs: Math.round(median(rows.map((row) => row.freshMs))),
  medianSkipMs: Math.round(median(skips.map((row) => row.oursMs))),
  medianOverheadOfMissMs: Math.round(median(misses.map((row) => row.oursMs - row.freshMs))),
  ...machine(),
};
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, undefined, 2)}\n`);
