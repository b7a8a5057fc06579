import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../testing/compile.ts";
import { losses, see, type Seen } from "../../testing/observer.contract.ts";
import { ObserveProgram } from "../../testing/observe.ts";
import { joined } from "./paths.ts";

// Real programs of every kind run unchanged, nothing is lost, and what they read is seen; as root and as nobody.
const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
let program: ObserveProgram;
beforeAll(async () => {
  program = await ObserveProgram.build();
  return () => program[Symbol.dispose]();
});

const has = (tool: string): boolean => spawnSync("sh", ["-c", `command -v ${tool}`], { stdio: "ignore" }).status === 0;
const READER_C = `#include <stdio.h>
int main(void) { char b[9] = ""; FILE *f = fopen("input", "r"); if (f) fgets(b, 9, f); fopen("absent", "r"); puts(b); return 0; }`;
const READER_GO = `package main
import ("fmt"; "os"; "sync")
func main() {
  b, _ := os.ReadFile("input")
  os.Stat("absent")
  var w sync.WaitGroup
  for i := 0; i < 50; i++ { w.Add(1); go func() { os.ReadFile("input"); w.Done() }() }
  w.Wait()
  fmt.Println(string(b))
}`;

describe.for([
  ["root", 0],
  ["nobody", NOBODY],
] as const)("as %s", ([name, uid]) => {
  let folder: string;
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-programs-")));
    writeFileSync(join(folder, "input"), "text");
    if (isRoot) chownSync(folder, uid, uid);
    chmodSync(folder, 0o777);
    return () => rmSync(folder, { recursive: true, force: true });
  });
  const run = async (argv: readonly string[]): Promise<Seen> => {
    const seen = await see(program.observer(isRoot ? { uid } : {}), argv, {
      cwd: folder,
      env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", HOME: folder },
    });
    expect(seen.exit, seen.stderr).toEqual({ kind: "exited", code: 0 });
    expect(losses(seen.seal)).toEqual({});
    expect(seen.seal?.alive).toEqual([]);
    return seen;
  };
  const touched = (seen: Seen): string[] =>
    seen.events.flatMap((e) => ("path" in e ? [joined(e.path).replaceAll("/./", "/")] : []));
  const expectRead = (seen: Seen): void => {
    expect(seen.stdout.trim()).toBe("text");
    expect(touched(seen)).toEqual(expect.arrayContaining([join(folder, "input"), join(folder, "absent")]));
  };
  const here = (context: { skip: (why: string) => never }, tool?: string): void => {
    if (!isRoot && name === "root") context.skip("needs root");
    if (tool !== undefined && !has(tool)) context.skip(`no ${tool}`);
  };

  test("shell, with a pipeline and a subshell", async (context) => {
    here(context);
    expectRead(await run(["sh", "-c", "(cat absent 2>/dev/null; cat input) | tr a-z a-z | cat"]));
  });
  test("node, by its thread pool and a worker", async (context) => {
    here(context);
    const script = `const { Worker } = require("node:worker_threads");
      require("node:fs").promises.access("absent").catch(() =>
        new Worker('require("node:fs").readFile("input", (_, b) => process.stdout.write(b))', { eval: true }));`;
    expectRead(await run([process.execPath, "-e", script]));
  });
  test("python", async (context) => {
    here(context, "/usr/bin/python3");
    const script = `import os, subprocess\nos.path.exists("absent")\nprint(subprocess.check_output(["cat", "input"]).decode())`;
    expectRead(await run(["/usr/bin/python3", "-c", script]));
  });
  test("static C, by musl", async (context) => {
    here(context, "musl-gcc");
    writeFileSync(join(folder, "reader.c"), READER_C);
    const reader = compile(join(folder, "reader.c"), "musl-gcc -static -O1");
    if (typeof reader !== "string") return context.skip(reader.unavailable);
    expectRead(await run([reader]));
  });
  test("static Go, whose threads are interrupted by signals", async (context) => {
    here(context, "go");
    const at = join(folder, "go");
    mkdirSync(at);
    writeFileSync(join(at, "reader.go"), READER_GO);
    const built = spawnSync("go", ["build", "-o", join(folder, "reader"), "reader.go"], {
      cwd: at,
      env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod", GO111MODULE: "off" },
      encoding: "utf8",
    });
    if (built.status !== 0) return context.skip(`go cannot build: ${built.stderr}`);
    chmodSync(join(folder, "reader"), 0o755);
    expectRead(await run([join(folder, "reader")]));
  });
  test("make, gcc and the program they make, with -j2", async (context) => {
    here(context, "make");
    writeFileSync(join(folder, "a.c"), '#include "a.h"\nint main(void) { return VALUE; }\n');
    writeFileSync(join(folder, "a.h"), "#define VALUE 0\n");
    writeFileSync(join(folder, "Makefile"), "all: a b\n\t./a && ./b\na: a.c\n\tgcc -o a a.c\nb: a.c\n\tgcc -o b a.c\n");
    const seen = await run(["make", "-s", "-j2"]);
    const paths = touched(seen);
    expect(paths).toEqual(expect.arrayContaining([join(folder, "a.h"), join(folder, "Makefile")]));
    const ran = seen.events.flatMap((e) => (e.type === "exec" && e.outcome === undefined ? [joined(e.file)] : []));
    expect(ran.some((file) => file.endsWith("/cc1"))).toBe(true);
    expect(ran.some((file) => /\/\.?\/?a$/.test(file))).toBe(true);
    expect(readFileSync(join(folder, "a")).length).toBeGreaterThan(1000);
  });
  test("a program that is interrupted a thousand times a second", async (context) => {
    here(context, "/usr/bin/python3");
    const script = `import os, signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for i in range(3000): os.path.exists("absent")
signal.setitimer(signal.ITIMER_REAL, 0)
print(open("input").read())`;
    expectRead(await run(["/usr/bin/python3", "-c", script]));
  });
  test("a leak found by LeakSanitizer, which fails below ptrace", async (context) => {
    here(context, "gcc");
    writeFileSync(
      join(folder, "leak.c"),
      "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(10); p = 0; }\n",
    );
    const leak = compile(join(folder, "leak.c"), "gcc -fsanitize=address -g");
    if (typeof leak !== "string") return context.skip(leak.unavailable);
    const seen = await see(program.observer(isRoot ? { uid } : {}), [leak], { cwd: folder });
    expect(seen.stderr).toContain("SUMMARY: AddressSanitizer: 10 byte(s) leaked");
    expect(seen.exit).toEqual({ kind: "exited", code: 1 });
    const tree = new Set(seen.events.flatMap((e) => (e.type === "fork" ? [e.child] : [])));
    const attached = seen.events.flatMap((e) => (e.type === "forbidden" ? [e] : []));
    expect(attached.map((e) => e.call)).toEqual(["ptrace"]);
    expect(attached.every((e) => tree.has(e.target))).toBe(true);
  });
});
