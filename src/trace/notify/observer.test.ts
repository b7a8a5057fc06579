import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { TraceEvent } from "../event.ts";
import { loadLibc } from "../ffi.ts";
import type { Observed } from "../observer.ts";
import { createNotifyObserver, type NotifyOptions } from "./observer.ts";
import { joined } from "./paths.ts";

interface Run extends Observed {
  readonly events: readonly TraceEvent[];
  readonly notices: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
  paths(type: TraceEvent["type"]): string[];
}

interface How extends NotifyOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onStarted?: (pid: number) => void;
}

const PATH = "/usr/local/bin:/usr/bin:/bin";
const libc = await loadLibc();
let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-")));
  return () => rmSync(folder, { recursive: true, force: true });
});

async function observe(argv: readonly string[], how: How = {}): Promise<Run> {
  if ("unavailable" in libc) throw new Error(libc.unavailable);
  const events: TraceEvent[] = [];
  const notices: string[] = [];
  const output = { stdout: "", stderr: "" };
  const observed = await createNotifyObserver(libc, how).run({
    argv,
    cwd: how.cwd ?? folder,
    env: { PATH, ...how.env },
    onOutput: (stream, bytes) => void (output[stream] += Buffer.from(bytes).toString("latin1")),
    onEvent: (event) => void events.push(event),
    onNotice: (text) => void notices.push(text),
    ...(how.onStarted && { onStarted: how.onStarted }),
    ...(how.signal && { signal: how.signal }),
  });
  const paths = (type: TraceEvent["type"]): string[] =>
    events.filter((e) => e.type === type).flatMap((e) => ("path" in e ? [joined(e.path)] : []));
  return { ...observed, ...output, events, notices, paths };
}

const clean = { rescued: 0 };

describe.skipIf("unavailable" in libc)("the command is as without us", () => {
  test("exit code, both outputs, arguments, working directory and environment", async () => {
    const run = await observe(["sh", "-c", 'echo "$A $PWD $1"; echo err >&2; exit 7', "sh", "x y"], {
      env: { A: "b" },
    });
    expect(run.exit).toEqual({ kind: "exited", code: 7 });
    expect(run.stdout).toBe(`b ${folder} x y\n`);
    expect(run.stderr).toBe("err\n");
    expect(run.seal?.lost).toEqual(clean);
    expect(run.seal?.alive).toEqual([]);
  });
  test("ended by a signal", async () => {
    const run = await observe(["sh", "-c", "kill -KILL $$"]);
    expect(run.exit).toEqual({ kind: "signalled", signal: "SIGKILL", number: 9 });
  });
  test("not found, and not executable", async () => {
    writeFileSync(join(folder, "plain"), "text");
    expect((await observe(["no-such-program-here"])).exit).toEqual({ kind: "not-started", errno: "ENOENT" });
    expect((await observe([join(folder, "plain")])).exit).toEqual({ kind: "not-started", errno: "EACCES" });
  });
  test("ten megabytes of output arrive whole", async () => {
    const run = await observe(["sh", "-c", "head -c 10000000 /dev/zero; printf end >&2"]);
    expect(run.stdout.length).toBe(10_000_000);
    expect(run.stderr).toBe("end");
  });
  test("its outputs are pipes that can be opened again", async () => {
    expect((await observe(["sh", "-c", "echo out >/dev/stdout; echo err >/dev/stderr"])).stdout).toBe("out\n");
  });
  test("aborting ends it with SIGTERM", async () => {
    const abort = new AbortController();
    const run = await observe(["sleep", "60"], { signal: abort.signal, onStarted: () => abort.abort() });
    expect(run.exit).toEqual({ kind: "signalled", signal: "SIGTERM", number: 15 });
  });
});

describe.skipIf("unavailable" in libc)("what it looked at", () => {
  test("opens, looks and lists, absolute and relative, through directories and descriptors", async () => {
    const at = join(folder, "looks");
    mkdirSync(join(at, "sub"), { recursive: true });
    writeFileSync(join(at, "sub/a"), "a");
    const run = await observe(["sh", "-c", "cat sub/a; cd sub; cat a ../missing; test -e b; ls ."], { cwd: at });
    expect(run.paths("open").filter((p) => p.startsWith(at))).toEqual(
      expect.arrayContaining([`${at}/sub/a`, `${at}/sub/a`, `${at}/sub/../missing`]),
    );
    expect(run.paths("look")).toContain(`${at}/sub/b`);
    expect(run.events).toContainEqual(expect.objectContaining({ type: "list", absolute: `${at}/sub` }));
  });
  test("what was there before a change, and what was made", async () => {
    const at = join(folder, "changes");
    mkdirSync(at);
    writeFileSync(join(at, "old"), "");
    const run = await observe(["sh", "-c", ": >>old; : >new; mv new newer; rm old; mkdir d; rmdir missing"], {
      cwd: at,
    });
    const opened = run.events.filter((e) => e.type === "open" && joined(e.path).startsWith(at));
    expect(opened).toEqual([
      expect.objectContaining({ created: false, path: expect.objectContaining({ string: "old" }) }),
      expect.objectContaining({ created: true, path: expect.objectContaining({ string: "new" }) }),
    ]);
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: "pair", op: "rename", fromExisted: true, toExisted: false }),
    );
    const changes = run.events.flatMap((e) => (e.type === "change" ? [`${e.op} ${e.path.string} ${e.existed}`] : []));
    expect(changes).toEqual(["unlink old true", "mkdir d false", "rmdir missing false"]);
  });
  test("programs that ran, those that were looked for, their arguments, and who started whom", async () => {
    const run = await observe(["sh", "-c", "/bin/echo 'a b'; (true; /bin/true)"]);
    const root = run.events.find((e) => e.type === "fork");
    expect(root).toMatchObject({ pid: process.pid });
    const executed = run.events.filter((e) => e.type === "exec");
    expect(executed).toContainEqual(
      expect.objectContaining({ file: expect.objectContaining({ string: "/bin/echo" }), argv: ["/bin/echo", "a b"] }),
    );
    expect(executed[0]).toMatchObject({ file: { string: "/usr/local/bin/sh" }, outcome: 2 });
    const forks = run.events.filter((e) => e.type === "fork").slice(1);
    expect(forks.every((e) => e.pid === root?.child || forks.some((f) => f.child === e.pid))).toBe(true);
    expect(run.events.filter((e) => e.type === "exit").length).toBe(forks.length + 1);
  });
  test("an exec that fails is no other program from then on", async () => {
    writeFileSync(join(folder, "no-elf"), "echo as a script\n", { mode: 0o755 });
    const run = await observe(["sh", "-c", "./no-elf; test -e after"]);
    expect(run.stdout).toBe("as a script\n");
    const executed = run.events.filter((e) => e.type === "exec" && e.file.string === "./no-elf");
    expect(executed).toEqual([expect.objectContaining({ outcome: 13 })]);
  });
  test("a child that its parent forked as another program is not called by the new one's name", async (context) => {
    if (!existsSync("/usr/bin/python3")) return context.skip("no python3");
    const script = `import os, time
if os.fork() == 0:
    time.sleep(0.3)
    os.path.exists("by-the-child")
    os._exit(0)
os.execv("/bin/sleep", ["sleep", "0.6"])`;
    const run = await observe(["/usr/bin/python3", "-c", script]);
    const look = run.events.find((e) => e.type === "look" && e.path.string === "by-the-child");
    expect(run.events).toContainEqual(expect.objectContaining({ type: "fork", pid: 0, child: look?.pid }));
  });
  test("names of any bytes, and of 4,095 of them", async () => {
    const long = `/${"x".repeat(254)}`.repeat(16).slice(0, 4095);
    const run = await observe(["sh", "-c", `test -e "$(printf '/\\377\\001\\n\\303\\244.')"; test -e ${long}`]);
    expect(run.paths("look")).toContain("/\xff\x01\n\xc3\xa4.");
    expect(run.paths("look")).toContain(long);
    expect(run.seal?.lost).toEqual(clean);
  });
  test("/proc/self and /dev/fd mean the process that says so", async () => {
    writeFileSync(join(folder, "input"), "in");
    writeFileSync(join(folder, "other"), "out");
    symlinkSync("input", join(folder, "link"));
    const run = await observe(["sh", "-c", "cat /dev/fd/3 3<link; head -1 /proc/self/cwd/other"]);
    expect(run.stdout).toBe("inout");
    expect(run.paths("open")).toEqual(expect.arrayContaining([join(folder, "input"), join(folder, "other")]));
  });
});

describe.skipIf("unavailable" in libc)("what is lost is said", () => {
  test("a supervisor that throws goes on answering, and counts it", async () => {
    const run = await observe(["sh", "-c", "cat /etc/hostname"], { fault: { at: 20, how: "throw" } });
    expect(run.exit).toEqual({ kind: "exited", code: 0 });
    expect(run.stdout).toBe(readFileSync("/etc/hostname", "latin1"));
    expect(run.seal?.lost).toEqual({ ...clean, decoder: 1 });
  });
  test("a process that outlives the command is listed, and goes on as if nothing were", async () => {
    const at = join(folder, "left");
    mkdirSync(at);
    const script = "(while ! test -e go; do :; done; cat go >done; mv done really) & echo started";
    const run = await observe(["sh", "-c", script], { cwd: at });
    onTestFinished(() => writeFileSync(join(at, "go"), "x"));
    expect(run.stdout).toBe("started\n");
    expect(run.seal?.alive).toEqual([{ pid: expect.any(Number), comm: "sh" }]);
    writeFileSync(join(at, "go"), "x");
    await expect.poll(() => readFileSync(join(at, "really"), "utf8"), { timeout: 10_000 }).toBe("x");
  });
  test("what one run left running is not the next one's", async () => {
    const first = await observe(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"]);
    const pid = Number(first.stdout);
    onTestFinished(() => void process.kill(pid, "SIGKILL"));
    expect(first.seal?.alive).toEqual([{ pid, comm: "sleep" }]);
    const second = await observe(["sh", "-c", "(sleep 60 >/dev/null 2>&1 & echo $!)"]);
    const next = Number(second.stdout);
    onTestFinished(() => void process.kill(next, "SIGKILL"));
    expect(second.seal?.alive).toEqual([{ pid: next, comm: "sleep" }]);
  });
});
