// What deciding on a scan costs: `foregone codeql check` on a hit, whole process, against what git and node need at least in the
// same run, alternating.
//   npm run bench -- codeql-check [--files 10000] [--runs 20]
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
    runs: { type: "string", default: "20" },
    out: { type: "string" },
  },
});
const [files, runs] = [Number(values.files), Number(values.runs)];
const BIN = join(process.cwd(), "bin/foregone");
const scratch = mkdtempSync(join(tmpdir(), "foregone-codeql-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const workspace = join(scratch, "w");
const env = { ...process.env, FOREGONE_CACHE_DIR: join(scratch, "store"), FOREGONE_CODEQL_AUDIT: "0" };
const git = (...args: string[]): void =>
  void execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: workspace });

for (let i = 0; i < files; i++) {
  const folder = join(workspace, `src/p${i % 100}`);
  if (i < 100) mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `m${i}.js`), `module.exports = ${i};\n`.repeat(10));
}
git("init", "-q");
git("add", "-A");
git("commit", "-qm", "x");
// Else every look at the index finds it younger than its files, and reads them.
git("update-index", "-q", "--refresh");

const SCAN = ["codeql", "--language", "javascript", "--build-mode", "none", "--tool", "codeql@2.25.6"];
const [group = "", ...options] = SCAN;
const foregone = (command: string, ...more: string[]): number => {
  const from = process.hrtime.bigint();
  const { status, stderr, stdout } = spawnSync(process.execPath, [BIN, group, command, ...options, ...more], {
    cwd: workspace,
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${command}: ${status} ${stdout}${stderr}`);
  return Number(process.hrtime.bigint() - from) / 1e6;
};
const plain = (argv: readonly string[]): number => {
  const from = process.hrtime.bigint();
  spawnSync(argv[0] ?? "", argv.slice(1), { cwd: workspace, env: { ...env, GIT_OPTIONAL_LOCKS: "0" } });
  return Number(process.hrtime.bigint() - from) / 1e6;
};
const sarif = join(scratch, "r.sarif");
writeFileSync(
  sarif,
  JSON.stringify({
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "CodeQL", semanticVersion: "2.25.6" } },
        results: Array.from({ length: 200 }, (_, i) => ({
          ruleId: "js/x",
          message: { text: "m" },
          locations: [
            { physicalLocation: { artifactLocation: { uri: `src/p${i % 100}/m${i}.js` }, region: { startLine: 3 } } },
          ],
        })),
      },
    ],
  }),
);
foregone("store", "--sarif", sarif);

const series: Record<string, number[]> = { check: [], "git status": [], "git ls-files": [], "node start": [] };
for (let i = 0; i < runs; i++) {
  series["check"]?.push(foregone("check"));
  series["git status"]?.push(
    plain(["git", "status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignored=matching"]),
  );
  series["git ls-files"]?.push(plain(["git", "ls-files", "-s", "-z"]));
  series["node start"]?.push(plain([process.execPath, "-e", "0"]));
}
const medians = Object.fromEntries(
  Object.entries(series).map(([name, ms]) => [name, Math.round(median(ms) * 10) / 10]),
);
const least = (medians["git status"] ?? 0) + (medians["git ls-files"] ?? 0) + (medians["node start"] ?? 0);
const result = {
  files,
  runs,
  medianMs: medians,
  ofLeast: Math.round(((medians["check"] ?? 0) / least) * 100) / 100,
  ...machine(),
};
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, undefined, 2)}\n`);
