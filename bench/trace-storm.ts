// The worst case: a walk that does nothing but stat, open and list, over 50,000 files:
//   npm run bench -- trace-storm [--files 50000] [--runs 5] [--backend ebpf] [--strace] [--out FILE]
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine } from "./machine.ts";
import { compare, type Contender, observedProgram, rounded } from "./traced.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    files: { type: "string", default: "50000" },
    runs: { type: "string", default: "5" },
    backend: { type: "string", default: "ebpf" },
    strace: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const [files, runs] = [Number(values.files), Number(values.runs)];
const scratch = mkdtempSync(join(tmpdir(), "foregone-storm-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const tree = join(scratch, "tree");
for (let i = 0; i < files; i++) {
  const folder = join(tree, `src/d${Math.floor(i / 1000)}/e${Math.floor(i / 100) % 10}`);
  if (i % 100 === 0) mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `f${i}.js`), `export const v${i} = ${i};\n`);
}
const git = (...args: readonly string[]): Buffer =>
  execFileSync("git", ["-C", tree, "-c", "user.name=b", "-c", "user.email=b@example.invalid", ...args]);
git("init", "--quiet");
git("add", "--all");
git("commit", "--quiet", "-m", "all");

const storm = ["sh", "-c", "git status --short; find . -type f -size +9k; grep -rl nothing-has-this src; :"];
const program = await observedProgram();
const seal = join(scratch, "seal.json");
const contenders: Record<string, Contender> = {
  bare: { argv: storm },
  observed: {
    argv: [process.execPath, program, values.backend, ...storm],
    env: { FOREGONE_BENCH_SEAL: seal },
  },
  start: { argv: [process.execPath, program, values.backend, "true"] },
  ...(values.strace && {
    strace: {
      argv: [
        ..."strace -f --seccomp-bpf -qq -e signal=none -e trace=%file,getdents64 -o /dev/null".split(" "),
        ...storm,
      ],
    },
  }),
};
const costs = await compare(contenders, { cwd: tree, runs });
const of = (name: string): { wallMs: number; cpuMs: number } => costs[name] ?? { wallMs: NaN, cpuMs: NaN };
const result = {
  ...machine(),
  backend: values.backend,
  files,
  runs,
  bareWallMs: rounded(of("bare").wallMs),
  /** Without the observer's own start-up. */
  wallRatio: rounded((of("observed").wallMs - of("start").wallMs) / of("bare").wallMs),
  wallRatioWithStart: rounded(of("observed").wallMs / of("bare").wallMs),
  cpuRatio: rounded((of("observed").cpuMs - of("start").cpuMs) / of("bare").cpuMs),
  ...(values.strace && { straceWallRatio: rounded(of("strace").wallMs / of("bare").wallMs) }),
  lastRun: JSON.parse(readFileSync(seal, "utf8")) as object,
};
const text = `${JSON.stringify(result, null, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
