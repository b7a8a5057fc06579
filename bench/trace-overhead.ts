// What observing costs a compile, a type-check and a test run: CPU and wall, observed against bare, alternating:
//   npm run bench -- trace-overhead [--runs 5] [--backend ebpf|notify] [--only NAME] [--strace] [--out FILE]
// `cpuRatio` leaves out the observer's own start-up, which is measured in the same run with a command that does nothing.
// `kernelShare`, with ebpf, is the time inside the BPF programs.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Tracer } from "../src/trace/bpf/tracer.ts";
import { loadLibc } from "../src/trace/ffi.ts";
import { machine } from "./machine.ts";
import { compare, type Contender, observedProgram, rounded } from "./traced.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    runs: { type: "string", default: "5" },
    backend: { type: "string", default: "ebpf" },
    only: { type: "string" },
    strace: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const runs = Number(values.runs);
const scratch = mkdtempSync(join(tmpdir(), "foregone-overhead-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const repository = resolve(".");
const program = await observedProgram();
const sealFile = join(scratch, "seal.json");
const observed = (argv: readonly string[]): Contender => ({
  argv: [process.execPath, program, values.backend, ...argv],
  env: { FOREGONE_BENCH_SEAL: sealFile },
});
const strace = (argv: readonly string[]): Contender => ({
  argv: [..."strace -f --seccomp-bpf -qq -e signal=none -e trace=%file,getdents64 -o /dev/null".split(" "), ...argv],
});

interface Workload {
  readonly argv: readonly string[];
  prepare(folder: string): void;
  /** Before each run. */
  clean?(folder: string): void;
}

const workloads: Readonly<Record<string, Workload>> = {
  compile: {
    argv: ["make", "-s", "-j2"],
    prepare(folder) {
      const headers = ["stdio", "stdlib", "string", "math", "pthread", "sys/stat", "netinet/in", "unistd", "signal"];
      for (let i = 0; i < 60; i++)
        writeFileSync(
          join(folder, `f${i}.c`),
          `${headers.map((h) => `#include <${h}.h>`).join("\n")}\n` +
            Array.from(
              { length: 40 },
              (_, k) => `int f${i}_${k}(int x) { for (int j = 0; j < x; j++) x ^= j * ${k}; return x; }\n`,
            ).join(""),
        );
      writeFileSync(
        join(folder, "Makefile"),
        "all: $(patsubst %.c,%.o,$(wildcard *.c))\n%.o: %.c\n\t$(CC) -O2 -c $< -o $@\n",
      );
    },
    clean: (folder) => {
      for (let i = 0; i < 60; i++) rmSync(join(folder, `f${i}.o`), { force: true });
    },
  },
  "type-check": {
    argv: [join(repository, "node_modules/.bin/tsc"), "--noEmit"],
    prepare(folder) {
      for (const name of ["src", "test", "tsconfig.json", "package.json", "scripts", "bench", "vitest.config.ts"])
        cpSync(join(repository, name), join(folder, name), { recursive: true });
      symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
    },
  },
  "test run": {
    argv: [join(repository, "node_modules/.bin/vitest"), "run", "src/core", "src/config"],
    prepare(folder) {
      for (const name of ["src", "package.json", "scripts"])
        cpSync(join(repository, name), join(folder, name), { recursive: true });
      symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
    },
  },
  "shell script": {
    argv: [
      "sh",
      "-c",
      "for i in $(seq 300); do echo $i | tr 0-9 a-j | cut -c1 >>out; test -e f$i || : >f$i; done; ls | wc -l",
    ],
    prepare: () => undefined,
  },
};

const STATISTICS = "/proc/sys/kernel/bpf_stats_enabled";

const rows: Record<string, object> = {};
for (const [name, workload] of Object.entries(workloads)) {
  if (values.only !== undefined && values.only !== name) continue;
  const folder = join(scratch, name.replace(" ", "-"));
  mkdirSync(folder);
  workload.prepare(folder);
  const costs = await compare(
    {
      bare: { argv: workload.argv },
      observed: observed(workload.argv),
      start: observed(["true"]),
      true: { argv: ["true"] },
      ...(values.strace && { strace: strace(workload.argv) }),
    },
    { cwd: folder, runs, before: () => workload.clean?.(folder) },
  );
  const of = (contender: string): { wallMs: number; cpuMs: number } => costs[contender] ?? { wallMs: NaN, cpuMs: NaN };
  const [bare, traced] = [of("bare"), of("observed")];
  const startCpu = of("start").cpuMs - of("true").cpuMs;
  workload.clean?.(folder);
  const kernel = values.backend === "ebpf" ? await kernelShare(workload.argv, folder) : undefined;
  rows[name] = {
    bareCpuMs: rounded(bare.cpuMs),
    cpuRatio: rounded((traced.cpuMs - startCpu) / bare.cpuMs),
    cpuRatioWithStart: rounded(traced.cpuMs / bare.cpuMs),
    wallRatio: rounded(traced.wallMs / bare.wallMs),
    startCpuMs: rounded(startCpu),
    ...(kernel !== undefined && { kernelShare: rounded(kernel.ns / 1e6 / bare.cpuMs), events: kernel.events }),
    ...(values.strace && {
      straceCpuRatio: rounded(of("strace").cpuMs / bare.cpuMs),
      straceWallRatio: rounded(of("strace").wallMs / bare.wallMs),
    }),
  };
  process.stderr.write(`${name}: ${JSON.stringify(rows[name])}\n`);
}
const seal = JSON.parse(readFileSync(sealFile, "utf8")) as { rssMiB: number };
const result = { ...machine(), backend: values.backend, runs, observerRssMiB: rounded(seal.rssMiB), workloads: rows };
const text = `${JSON.stringify(result, null, 1)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);

/**
 * Time inside the BPF programs themselves, by the kernel's own clock: a run of its own, because that clock costs as much as
 * the cheap programs do.
 * @returns undefined where it cannot be switched on
 */
async function kernelShare(
  argv: readonly string[],
  cwd: string,
): Promise<{ readonly ns: number; readonly events: number } | undefined> {
  const libc = await loadLibc();
  if ("unavailable" in libc) return undefined;
  let before: string;
  try {
    before = readFileSync(STATISTICS, "utf8");
    writeFileSync(STATISTICS, "1");
  } catch {
    return undefined;
  }
  try {
    // Nobody reads meanwhile: the ring holds what these workloads do.
    const tracer = Tracer.start(libc, { onRecord: () => undefined, onMounts: () => undefined });
    tracer.adopt(process.pid);
    const [file = "", ...args] = argv;
    spawnSync(file, args, { cwd, stdio: "ignore" });
    tracer.release(process.pid);
    const { counters } = tracer.seal();
    if (counters.lost > 0) return undefined;
    return { ns: counters.kernelNs, events: counters.emitted };
  } finally {
    writeFileSync(STATISTICS, before);
  }
}
