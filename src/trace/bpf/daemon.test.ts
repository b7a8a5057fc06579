import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle, CLI } from "../../testing/bundle.ts";
import { losses, observerContract, see, SEES_ALL } from "../../testing/observer.contract.ts";
import { libcAsRoot } from "../../testing/root-tracer.ts";
import type { TraceEvent } from "../event.ts";
import { loadLibc } from "../ffi.ts";
import { collectJob, startJob } from "./job.ts";
import { ebpfObserver } from "./observer.ts";
import { connectTracer, openRemoteTracer, startRemoteTracer, TracerRefused } from "./remote.ts";

let tracer: readonly string[];
const folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-daemon-")));
beforeAll(async () => {
  tracer = [process.execPath, await bundle(CLI), "tracer"];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("ebpf, in a process of its own", () => {
  observerContract(async () => {
    const libc = await loadLibc();
    if ("unavailable" in libc) return libc;
    if (process.geteuid?.() !== 0) return { unavailable: "needs root" };
    return ebpfObserver(libc, () => openRemoteTracer(libc, { elevate: [], tracer }));
  }, SEES_ALL);
});

/** Tracers that this test process has started, by what they print in /proc. */
function tracersRunning(): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const argv = readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0");
      return argv[1] === tracer[1] && argv[2] === "tracer" ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 15_000; !condition();) {
    if (performance.now() > end) throw new Error("never came true");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("the tracer's process", () => {
  test("killed in the middle: the command goes on, and there is no seal", async (context) => {
    const libc = await libcAsRoot(context);
    const observer = ebpfObserver(libc, () => openRemoteTracer(libc, { elevate: [], tracer }));
    const dead = join(folder, "dead");
    const script = `echo up; while [ ! -e ${dead} ]; do sleep 0.01; done; cat /etc/hostname >/dev/null; exit 3`;
    const seen = await see(observer, ["sh", "-c", script], {
      onOutput: () => {
        for (const pid of tracersRunning()) process.kill(pid, "SIGKILL");
        void until(() => tracersRunning().length === 0).then(() => writeFileSync(dead, ""));
      },
    });
    expect(seen.exit).toEqual({ kind: "exited", code: 3 });
    expect(seen.seal).toBeUndefined();
  });
  test("ends when its caller is gone", async (context) => {
    const libc = await libcAsRoot(context);
    const link = await openRemoteTracer(libc, { elevate: [], tracer });
    expect(tracersRunning().length).toBe(1);
    link.close();
    await until(() => tracersRunning().length === 0);
  });
  test("is to be found only in a folder that nobody else may enter, and only until its caller is there", async (context) => {
    await libcAsRoot(context);
    const started = await startRemoteTracer({ elevate: [], tracer });
    expect(statSync(started.folder).mode & 0o777).toBe(0o700);
    expect(statSync(started.socket).mode & 0o777).toBe(0o600);
    rmSync(started.folder, { recursive: true });
    for (const pid of tracersRunning()) process.kill(pid);
    await until(() => tracersRunning().length === 0);
  });
  test("traces no process of another user", async (context) => {
    const libc = await libcAsRoot(context);
    const { socket, facts } = await startRemoteTracer({ elevate: [], tracer, uid: 65534 });
    const link = await connectTracer(libc, socket, facts);
    // This process is root's, and the tracer was told to serve uid 65534.
    await expect(link.adopt()).rejects.toThrow(TracerRefused);
    link.close();
  });
  test("that cannot be started is a reason, not an error", async (context) => {
    const libc = await libcAsRoot(context);
    const open = (elevate: readonly string[], argv: readonly string[]) =>
      openRemoteTracer(libc, { elevate, tracer: argv });
    await expect(open(["/no/such/sudo"], tracer)).rejects.toThrow("/no/such/sudo: ENOENT");
    await expect(open([], ["sh", "-c", "echo sudo: a password is required >&2; exit 1"])).rejects.toThrow(
      "sudo: a password is required",
    );
    await expect(open([], ["echo", "hello"])).rejects.toThrow("no tracer: hello");
  });
});

describe("a job", () => {
  /** A root process that starts what it is told to, a line each. */
  function fakeRunner(): ChildProcess {
    return spawn("bash", ["-c", 'while read -r line; do eval "$line" </dev/null; echo done; done'], {
      stdio: ["pipe", "pipe", "inherit"],
    });
  }
  async function say(runner: ChildProcess, line: string): Promise<void> {
    const answer = once(runner.stdout!, "data");
    runner.stdin?.write(`${line}\n`);
    await answer;
  }

  test("is traced from the start to the collection, although nobody was connected meanwhile", async (context) => {
    const libc = await libcAsRoot(context);
    const runner = fakeRunner();
    await say(runner, "cat /foregone-before");
    const job = await startJob({ elevate: [], tracer, folder }, runner.pid);
    await say(runner, "cat /foregone-step-1; (cat /foregone-step-2 & wait)");
    await say(runner, `sh -c 'echo made >${folder}/made'`);
    const events: TraceEvent[] = [];
    const seal = await collectJob(libc, job, (event) => void events.push(event));
    runner.stdin?.end();
    expect(losses(seal)).toEqual({});
    const opened = events.flatMap((e) => (e.type === "open" ? [e.path.string] : []));
    expect(opened).toEqual(expect.arrayContaining(["/foregone-step-1", "/foregone-step-2", `${folder}/made`]));
    expect(opened).not.toContain("/foregone-before");
    await until(() => tracersRunning().length === 0);
    expect(existsSync(job.socket)).toBe(false);
  });
  test("names what ran before, and sees what that starts", async (context) => {
    const libc = await libcAsRoot(context);
    const runner = fakeRunner();
    await say(runner, `(while [ ! -e ${folder}/go ]; do sleep 0.05; done; cat /foregone-older-child; :) & older=$!`);
    const job = await startJob({ elevate: [], tracer, folder }, runner.pid);
    expect(job.running.map((p) => p.comm)).toContain("bash");
    await say(runner, `touch ${folder}/go; wait $older`);
    const events: TraceEvent[] = [];
    await collectJob(libc, job, (event) => void events.push(event));
    runner.stdin?.end();
    expect(events).toContainEqual(
      expect.objectContaining({ type: "open", path: expect.objectContaining({ string: "/foregone-older-child" }) }),
    );
  });
  test("leaves out the steps of ours", async (context) => {
    const libc = await libcAsRoot(context);
    const runner = fakeRunner();
    const job = await startJob({ elevate: [], tracer, folder }, runner.pid);
    await say(runner, `sh -c 'echo $$ >${folder}/ours; cat /foregone-ours; :'; cat /foregone-theirs`);
    const events: TraceEvent[] = [];
    const ours = Number(execFileSync("cat", [`${folder}/ours`]));
    await collectJob(libc, job, (event) => void events.push(event), [ours]);
    runner.stdin?.end();
    const opened = events.flatMap((e) => (e.type === "open" ? [e.path.string] : []));
    expect(opened).toContain("/foregone-theirs");
    expect(opened).not.toContain("/foregone-ours");
  });
});
