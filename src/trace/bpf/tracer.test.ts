import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, type TestContext, test } from "vitest";
import { compile } from "../../testing/compile.ts";
import { failingBpf, failingLoader } from "../../testing/faults.ts";
import { libcAsRoot, occupyScratch, traceUnread } from "../../testing/root-tracer.ts";
import { blobPath, parseBlob, readBlob } from "./blob.ts";
import { indexedCalls } from "./call-table.ts";
import type { TraceEvent } from "../event.ts";
import { LOSS_COUNTERS } from "./counters.ts";
import { LOAD_ATTEMPTS } from "./load.ts";
import { DEFAULT_RING_BYTES, Tracer } from "./tracer.ts";

const { EAGAIN, ENOMEM, EPERM } = constants.errno;
const PROGRAM_RUN = 10;
const MAP_CREATE = 0;
const GETPPID = 110;
/** Of the fixture. */
const SHM_KEY = 0x70727475;

const folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-tracer-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fixture(context: TestContext, name: string): string {
  const program = compile(resolve(`test/fixtures/${name}.c`));
  return typeof program === "string" ? program : context.skip(program.unavailable);
}
const losses = (counters: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(LOSS_COUNTERS.flatMap((name) => (counters[name] === 0 ? [] : [[name, counters[name] ?? -1]])));

describe("a storm", () => {
  test("that fills the ring loses events, counts each one, and says so", async (context) => {
    const libc = await libcAsRoot(context);
    const stress = fixture(context, "stress");
    const ring = { ringBytes: 8 << 20 };
    const idle = traceUnread(libc, [stress, "0", "1", "1"], ring);
    const storm = traceUnread(libc, [stress, "300000", "1", "1"], ring);
    expect(idle.counters.lost).toBe(0);
    expect(storm.counters.lost).toBeGreaterThan(100_000);
    expect(storm.counters.lost + storm.counters.emitted).toBe(300_000 + idle.counters.emitted);
    // The end canary found no room either.
    expect(storm.decoder.seq).toBe(storm.counters.emitted - (storm.endSeen ? 1 : 0));
  });
  test("of eight threads on two processors comes through to the last event", async (context) => {
    const libc = await libcAsRoot(context);
    const { counters, events, endSeen } = traceUnread(libc, [fixture(context, "stress"), "30000", "8", "1"]);
    expect(losses(counters)).toEqual({});
    expect(endSeen).toBe(true);
    const names = new Set(events.flatMap((e) => (e.type === "look" ? [e.path.string] : [])));
    expect([...names].filter((name) => name.startsWith("/nonexistent/")).length).toBe(240_000);
  });
  test("of one question is one event", async (context) => {
    const libc = await libcAsRoot(context);
    const { counters, events } = traceUnread(libc, [fixture(context, "stress"), "30000", "1", "0"]);
    expect(events.filter((e) => e.type === "look" && e.path.string.startsWith("/nonexistent/")).length).toBe(1);
    expect(counters.repeated).toBeGreaterThanOrEqual(29_999);
  });
});

describe("a handler interrupted in the middle of a record", () => {
  const named = (events: readonly TraceEvent[]): number =>
    new Set(
      events.flatMap((e) => (e.type === "look" && e.path.string.startsWith("/nonexistent/") ? [e.path.string] : [])),
    ).size;
  test.for([1, 2])("%i times over: the next has a buffer of its own, and nothing is lost", async (depth, context) => {
    const libc = await libcAsRoot(context);
    const stress = fixture(context, "stress");
    const { counters, events, endSeen } = traceUnread(libc, [stress, "1000", "1", "1"], {}, () =>
      occupyScratch(libc, depth),
    );
    expect(losses(counters)).toEqual({});
    expect(named(events)).toBe(1000);
    expect(endSeen).toBe(true);
  });
  test("more often than there are buffers: each event that is missing is counted", async (context) => {
    const libc = await libcAsRoot(context);
    const stress = fixture(context, "stress");
    const { counters, events, endSeen } = traceUnread(libc, [stress, "1000", "1", "1"], {}, () =>
      occupyScratch(libc, 3),
    );
    expect(events).toEqual([]);
    expect(endSeen).toBe(false);
    expect(Object.keys(losses(counters))).toEqual(["nested"]);
    expect(counters.nested).toBeGreaterThan(1000);
  });
  test("by real-time threads: every call is seen or counted", async (context) => {
    const libc = await libcAsRoot(context);
    const stress = fixture(context, "stress");
    const { counters, events } = traceUnread(libc, [stress, "5000", "16", "1", "preempt"]);
    expect(named(events) + counters.nested + counters.lost + counters.recursion).toBeGreaterThanOrEqual(80_000);
    if (Object.keys(losses(counters)).length === 0) expect(named(events)).toBe(80_000);
  });
});

describe("what cannot be told is counted", () => {
  test("a call of unknown number", async (context) => {
    const libc = await libcAsRoot(context);
    const calls = new Map(indexedCalls());
    calls.delete(GETPPID);
    const { counters, events } = traceUnread(libc, ["sh", "-c", "echo $PPID"], { calls });
    expect(counters.unknown).toBeGreaterThan(0);
    expect(events).toContainEqual(expect.objectContaining({ type: "forbidden", call: `syscall ${GETPPID}` }));
  });
  test("a call of the x32 ABI, where the kernel has one", async (context) => {
    const libc = await libcAsRoot(context);
    const { counters, stdout } = traceUnread(libc, [fixture(context, "torture"), "x32", folder]);
    expect(counters.unknown > 0).toBe(!stdout.includes("not implemented"));
  });
  test("a path of more than 64 parts: its open has no object", async (context) => {
    const libc = await libcAsRoot(context);
    const { counters, events } = traceUnread(libc, [fixture(context, "torture"), "deep", folder]);
    expect(counters.deep).toBeGreaterThan(0);
    const bottom = events.find((e) => e.type === "open" && e.path.string === "bottom");
    expect(bottom).toMatchObject({ created: true, path: { base: undefined } });
    expect(bottom).not.toHaveProperty("object");
  });
  test("more than eight descriptors in one message", async (context) => {
    const libc = await libcAsRoot(context);
    const torture = fixture(context, "torture");
    writeFileSync(join(folder, "scm"), "");
    const server = spawn(torture, ["serve", folder], { stdio: ["pipe", "pipe", "inherit"] });
    await once(server.stdout, "data");
    const { counters, events } = traceUnread(libc, [torture, "nine", folder]);
    server.stdin.end();
    expect(losses(counters)).toEqual({ deep: 1 });
    expect(events.filter((e) => e.type === "receive").length).toBe(8);
  });
  test("what reaches others: shared memory, other processes, raw sockets, io_uring beyond files", async (context) => {
    const libc = await libcAsRoot(context);
    const torture = fixture(context, "torture");
    spawnSync(torture, ["prep", folder]);
    const other = spawn("sleep", ["100"]);
    const { counters, events, stdout } = traceUnread(libc, [torture, "reach", folder, String(other.pid)]);
    other.kill();
    expect(stdout).toBe("");
    const reached = events.flatMap((e) => (e.type === "forbidden" ? [`${e.call} ${e.target}`] : []));
    expect(reached).toEqual([
      `shmget ${SHM_KEY}`,
      `ptrace ${other.pid}`,
      expect.stringMatching(/^process_vm_readv \d+$/),
      "socket 17",
      "openat2 RESOLVE_IN_ROOT 0",
    ]);
    expect(losses(counters)).toEqual({ uring: 1 });
    expect(events).toContainEqual(expect.objectContaining({ type: "uring", opcode: 45 }));
  });
});

describe("who is traced", () => {
  test("is the process, not its number: a new process with an adopted one's number is not", async (context) => {
    const libc = await libcAsRoot(context);
    const lastPid = "/proc/sys/kernel/ns_last_pid";
    if (!existsSync(lastPid)) return context.skip(`no ${lastPid}`);
    const seen: number[] = [];
    const tracer = Tracer.start(libc, { onRecord: () => void seen.push(1), onMounts: () => undefined });
    const adopted = spawn("sleep", ["100"]);
    const pid = adopted.pid ?? 0;
    expect(tracer.adopt(pid)).toBe(true);
    adopted.kill("SIGKILL");
    await once(adopted, "exit");
    // In one breath, so that nobody else takes the number in between.
    const script = `echo ${pid - 1} >${lastPid}; sh -c 'echo $$; cat /foregone-reused'`;
    const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
    const { counters } = tracer.seal();
    if (Number(stdout) !== pid) return context.skip("somebody else took the number");
    expect(seen).toEqual([]);
    expect(losses(counters)).toEqual({});
  });
  test("is the run and not the self-test: what both look at is the run's to report", async (context) => {
    const libc = await libcAsRoot(context);
    // Node gives the self-test's child /dev/null as its input.
    const { events } = traceUnread(libc, ["sh", "-c", ": </dev/null"]);
    const opened = events.flatMap((e) => (e.type === "open" ? [e.path.string] : []));
    expect(opened).toContain("/dev/null");
  });
  test("a process that is gone cannot be adopted", async (context) => {
    const libc = await libcAsRoot(context);
    const tracer = Tracer.start(libc, { onRecord: () => undefined, onMounts: () => undefined });
    const gone = spawnSync("true").pid;
    expect(tracer.adopt(gone)).toBe(false);
    tracer.close();
  });
});

describe("refused", () => {
  const nothing = { onRecord: () => undefined, onMounts: () => undefined };
  test("rights: the errno is in the reason, and no smaller ring is tried", async (context) => {
    const libc = await libcAsRoot(context);
    let asked = 0;
    const forbidding = failingBpf(libc, (command) => (command === MAP_CREATE ? (asked++, EPERM) : undefined));
    expect(() => Tracer.start(forbidding, nothing)).toThrow("bpf map create loader: EPERM");
    expect(asked).toBe(1);
  });
  test("memory: the ring is halved, and that is told", async (context) => {
    const libc = await libcAsRoot(context);
    let asked = 0;
    const poor = failingBpf(libc, (command) => (command === PROGRAM_RUN && asked++ < 2 ? ENOMEM : undefined));
    const tracer = Tracer.start(poor, nothing);
    tracer.close();
    expect(tracer.ringBytes).toBe(16 << 20);
    expect(tracer.notices).toEqual([
      "full program, 64 MiB: bpf program run loader: ENOMEM",
      "full program, 32 MiB: bpf program run loader: ENOMEM",
    ]);
    expect(tracer.selfTest).toMatchObject({ passed: true, missed: [] });
  });
  test("memory for any ring: the next back end's turn", async (context) => {
    const libc = await libcAsRoot(context);
    const empty = failingBpf(libc, (command) => (command === PROGRAM_RUN ? ENOMEM : undefined));
    expect(() => Tracer.start(empty, nothing)).toThrow("ENOMEM");
  });
  test.for([
    ["of the loader itself", failingBpf],
    ["inside the loader", failingLoader],
  ] as const)(
    "a signal in the middle of the load %s: it is done again, and nobody is told",
    async ([, failing], context) => {
      const libc = await libcAsRoot(context);
      let interrupted = 0;
      const once = (command = PROGRAM_RUN): number | undefined =>
        command === PROGRAM_RUN && interrupted < LOAD_ATTEMPTS - 1 ? (interrupted++, EAGAIN) : undefined;
      const tracer = Tracer.start(failing(libc, once), nothing);
      tracer.close();
      expect(interrupted).toBe(LOAD_ATTEMPTS - 1);
      expect(tracer.notices).toEqual([]);
      expect(tracer.ringBytes).toBe(DEFAULT_RING_BYTES);
      expect(tracer.selfTest.passed).toBe(true);
    },
  );
  test("signals without end: the load is given up, and nothing is left open", async (context) => {
    const libc = await libcAsRoot(context);
    const before = readdirSync("/proc/self/fd").length;
    let asked = 0;
    const storm = failingLoader(libc, () => (asked++, EAGAIN));
    expect(() => Tracer.start(storm, nothing)).toThrow("bpf loader: EAGAIN");
    // Both programs, each so often.
    expect(asked).toBe(2 * LOAD_ATTEMPTS);
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
  test("each step of loading and attaching: nothing is left open", async (context) => {
    const libc = await libcAsRoot(context);
    const openFds = (): number => readdirSync("/proc/self/fd").length;
    const leaks: number[] = [];
    let steps = 0;
    for (let done = false; !done; steps++) {
      let n = 0;
      const before = openFds();
      const failing = failingBpf(libc, () => (n++ === steps ? EPERM : undefined));
      try {
        Tracer.start(failing, nothing).close();
        done = true;
      } catch {
        // As told.
      }
      if (openFds() !== before) leaks.push(steps);
    }
    expect(leaks).toEqual([]);
    expect(steps).toBeGreaterThan(15);
  });
  test("the first program: the one without io_uring takes over, and io_uring counts", async (context) => {
    const libc = await libcAsRoot(context);
    const broken = { ...readBlob("full"), instructions: Buffer.alloc(8) };
    const torture = fixture(context, "torture");
    spawnSync(torture, ["prep", folder]);
    const traced = traceUnread(libc, [torture, "run", folder], { blobs: [broken, readBlob("no-uring")] });
    expect(losses(traced.counters)).toEqual({ uring: 9 });
  });
  test("a damaged blob is named as such, wherever it is cut", (context) => {
    const path = blobPath("full");
    if (path === undefined) return context.skip(`no program for ${process.arch}`);
    const whole = readFileSync(path);
    for (let cut = 0; cut < whole.length; cut += 997)
      expect(() => parseBlob(whole.subarray(0, cut))).toThrow("the BPF program is damaged");
    expect(() => parseBlob(Buffer.from("nonsense"))).toThrow("the BPF program is damaged");
  });
});
