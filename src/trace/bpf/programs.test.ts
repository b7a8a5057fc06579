// Programs that other tracers break or do not see. Each runs bare and observed: exit code and output must be the same.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, type TestContext, test } from "vitest";
import { bundle } from "../../testing/bundle.ts";
import { compile } from "../../testing/compile.ts";
import { losses, see, type Seen } from "../../testing/observer.contract.ts";
import { libcAsRoot } from "../../testing/root-tracer.ts";
import { openLocalTracer } from "./local.ts";
import { ebpfObserver } from "./observer.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-programs-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function expectSame(
  context: TestContext,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<Seen> {
  const libc = await libcAsRoot(context);
  const [file = "", ...args] = argv;
  const all = { PATH: process.env["PATH"] ?? "", HOME: folder, ...env };
  const bare = spawnSync(file, args, { cwd: folder, env: all, stdio: ["ignore", "pipe", "pipe"], encoding: "latin1" });
  if (bare.error !== undefined) return context.skip(`no ${file}`);
  const seen = await see(
    ebpfObserver(libc, async () => openLocalTracer(libc)),
    argv,
    { cwd: folder, env: all },
  );
  // Process numbers and addresses differ from run to run.
  const plain = (text: string): string => text.replaceAll(/0x[0-9a-f]+|==\d+==|process \d+/g, "#");
  expect(seen.exit).toEqual({ kind: "exited", code: bare.status });
  expect(plain(seen.stdout)).toBe(plain(bare.stdout));
  expect(plain(seen.stderr)).toBe(plain(bare.stderr));
  expect(losses(seen.seal)).toEqual({});
  return seen;
}
const opened = (seen: Seen): string[] => seen.events.flatMap((e) => (e.type === "open" ? [e.path.string] : []));

const READER = `#include <stdio.h>
#include <stdlib.h>
int main(void) { FILE *f = fopen("/foregone-c", "r"); void *volatile lost = malloc(100); lost = 0; return f ? 1 : 0; }
`;

test("a static musl program", async (context) => {
  const source = join(folder, "musl.c");
  writeFileSync(source, READER);
  const program = compile(source, "musl-gcc -static");
  if (typeof program !== "string") return context.skip(program.unavailable);
  expect(opened(await expectSame(context, [program]))).toContain("/foregone-c");
});

test("a static Go program, whose calls no libc makes", async (context) => {
  const source = join(folder, "main.go");
  writeFileSync(
    source,
    'package main\nimport ("fmt"; "os")\nfunc main() { _, err := os.Open("/foregone-go"); fmt.Println(err) }\n',
  );
  const program = join(folder, "go-program");
  const built = spawnSync("go", ["build", "-o", program, source], {
    env: { ...process.env, CGO_ENABLED: "0", GOCACHE: join(folder, "cache"), GOFLAGS: "-mod=mod" },
  });
  if (built.status !== 0) return context.skip(`no Go: ${built.error?.message ?? built.stderr.toString()}`);
  expect(opened(await expectSame(context, [program]))).toContain("/foregone-go");
}, 120_000);

test("LeakSanitizer, which gives up when it is traced", async (context) => {
  const source = join(folder, "leak.c");
  writeFileSync(source, READER);
  const program = compile(source, "gcc -fsanitize=address -g");
  if (typeof program !== "string") return context.skip(program.unavailable);
  const seen = await expectSame(context, [program], { ASAN_OPTIONS: "exitcode=23:detect_leaks=1" });
  expect(seen.exit).toEqual({ kind: "exited", code: 23 });
  expect(seen.stderr).toContain("detected memory leaks");
});

test("gdb, which traces its own child", async (context) => {
  await expectSame(context, [
    "gdb",
    "-q",
    "-batch",
    "-nx",
    "-ex",
    "set debuginfod enabled off",
    "-ex",
    "run",
    "/bin/true",
  ]);
});

test("sudo, which needs its setuid bit", async (context) => {
  await expectSame(context, ["sudo", "-n", "cat", "/proc/self/loginuid"]);
});

test("a compiler and make, with its job server", async (context) => {
  writeFileSync(join(folder, "Makefile"), "all: a.o b.o\n%.o: %.c\n\t@cc -c $< -o $@\n");
  for (const name of ["a", "b"]) writeFileSync(join(folder, `${name}.c`), "#include <stdio.h>\n");
  const clean = (): void => ["a.o", "b.o"].forEach((name) => rmSync(join(folder, name), { force: true }));
  clean();
  expect(opened(await expectSame(context, ["sh", "-c", "rm -f *.o; make -s -j2"]))).toContain("/usr/include/stdio.h");
});

test("this tracer within this tracer", async (context) => {
  await libcAsRoot(context);
  const inner = await bundle(`
    import { loadLibc } from "./src/trace/ffi.ts";
    import { openLocalTracer } from "./src/trace/bpf/local.ts";
    import { ebpfObserver } from "./src/trace/bpf/observer.ts";
    const libc = await loadLibc();
    const events = [];
    const seen = await ebpfObserver(libc, async () => openLocalTracer(libc)).run({
      argv: ["cat", "/foregone-nested"], cwd: "/", env: process.env,
      onOutput: () => undefined, onEvent: (event) => events.push(event),
    });
    const lost = Object.entries(seen.seal.lost).filter(([, n]) => n !== 0);
    console.log(JSON.stringify({ exit: seen.exit, lost, seen: events.some((e) => e.path?.string === "/foregone-nested") }));
  `);
  const outer = await expectSame(context, [process.execPath, inner]);
  expect(JSON.parse(outer.stdout)).toEqual({ exit: { kind: "exited", code: 1 }, lost: [], seen: true });
  expect(opened(outer)).toContain("/foregone-nested");
});

test("bash with a descriptor of its own: what is inherited counts as read", async (context) => {
  await libcAsRoot(context);
  const program = await bundle(`
    import { inheritedFiles } from "./src/trace/inherited.ts";
    console.log(JSON.stringify(inheritedFiles()));
  `);
  const file = join(folder, "inherited");
  writeFileSync(file, "");
  // Node closes on exec what it inherits, up to the first free number above 15.
  const out = execFileSync("bash", ["-c", `exec ${process.execPath} ${resolve(program)} 200<${file}`], {
    encoding: "utf8",
  });
  expect(JSON.parse(out)).toEqual([file]);
});
