// What every observer must do, whatever it is made of: run the command unchanged, and report what it looked at.
// observerContract() is called by each back end's own test file.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import type { Seal, TraceEvent } from "../trace/event.ts";
import type { Observed, ObservedCommand, Observer } from "../trace/observer.ts";
import { compile } from "./compile.ts";
import { locate } from "./locate.ts";
import { groups, type Located, type Operation } from "./torture.ts";

/** What a back end may be blind to. Each name in `misses` must leave a trace in the seal or a gap-making event. */
export interface Blindness {
  /** Cannot say whether a call succeeded. */
  readonly outcomes: boolean;
  /** Operations of the torture fixture that it does not report, by name. */
  readonly misses: readonly string[];
  /** Counters of the seal that the fixture makes it raise: things it reports, but not well enough to rely on. */
  readonly admits?: readonly string[];
  /** Commands run as this user: the fixture's files must be that user's. */
  readonly uid?: number;
  /** The command sees that it is watched: NoNewPrivs. */
  readonly noNewPrivs: boolean;
}

export const SEES_ALL: Blindness = { outcomes: false, misses: [], noNewPrivs: false };

export interface Seen extends Observed {
  readonly events: readonly TraceEvent[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end and keeps everything that came. */
export async function see(
  observer: Observer,
  argv: readonly string[],
  more: Partial<ObservedCommand> = {},
): Promise<Seen> {
  const events: TraceEvent[] = [];
  const output = { stdout: "", stderr: "" };
  const observed = await observer.run({
    argv,
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    onEvent: (event) => void events.push(event),
    onOutput: (stream, bytes) => void (output[stream] += Buffer.from(bytes).toString("latin1")),
    ...more,
  });
  return { ...observed, ...output, events };
}

/** Every counter that is not zero. */
export const losses = (seal: Seal | undefined): Record<string, number> =>
  Object.fromEntries(Object.entries(seal?.lost ?? { seal: 1 }).filter(([, n]) => n !== 0));

/**
 * @param make a fresh observer, or why there is none here: then every test is skipped with that reason
 */
export function observerContract(
  make: () => Promise<Observer | { readonly unavailable: string }>,
  blind: Blindness,
): void {
  let observer: Observer;
  let unavailable: string | undefined;
  let folder: string;
  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-observer-")));
    if (blind.uid !== undefined) chownSync(folder, blind.uid, blind.uid);
    const made = await make();
    if ("unavailable" in made) unavailable = made.unavailable;
    else observer = made;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const needObserver = (context: TestContext): void => {
    if (unavailable !== undefined) context.skip(unavailable);
  };

  describe("leaves the command as it is", () => {
    test("its exit code, and each stream's bytes", async (context) => {
      needObserver(context);
      const seen = await see(observer, ["sh", "-c", "printf 'a\\0b'; printf c >&2; exit 7"]);
      expect(seen.exit).toEqual({ kind: "exited", code: 7 });
      expect([seen.stdout, seen.stderr]).toEqual(["a\0b", "c"]);
    });
    test("a megabyte of output", async (context) => {
      needObserver(context);
      const seen = await see(observer, ["head", "-c", "1000000", "/dev/zero"]);
      expect(seen.stdout.length).toBe(1_000_000);
    });
    test("the signal that ended it", async (context) => {
      needObserver(context);
      const seen = await see(observer, ["sh", "-c", "kill -USR1 $$"]);
      expect(seen.exit).toEqual({ kind: "signalled", signal: "SIGUSR1", number: 10 });
    });
    test("a command that does not exist, and one that may not be executed", async (context) => {
      needObserver(context);
      const plain = join(folder, "plain");
      writeFileSync(plain, "");
      chmodSync(plain, 0o644);
      const env = { PATH: "/usr/bin:/bin" };
      expect((await see(observer, ["foregone-no-such-command"], { env })).exit).toEqual({
        kind: "not-started",
        errno: "ENOENT",
      });
      expect((await see(observer, [plain])).exit).toEqual({ kind: "not-started", errno: "EACCES" });
    });
    test("SIGTERM when it is aborted", async (context) => {
      needObserver(context);
      const abort = new AbortController();
      const seen = await see(observer, ["sh", "-c", "echo up; exec sleep 100"], {
        signal: abort.signal,
        onOutput: () => abort.abort(),
      });
      expect(seen.exit).toMatchObject({ kind: "signalled", signal: "SIGTERM" });
    });
    test("its input is at its end, its output can be opened again", async (context) => {
      needObserver(context);
      const seen = await see(observer, ["sh", "-c", "wc -c; echo more >/dev/stdout"]);
      expect(seen.stdout).toBe("0\nmore\n");
    });
    test("its descriptors are those it would have without us", async (context) => {
      needObserver(context);
      const list = ["sh", "-c", "ls /proc/self/fd"] as const;
      const bare = spawnSync(list[0], list.slice(1), { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
      expect((await see(observer, list)).stdout).toBe(bare.stdout);
    });
    test("nobody traces it, and it may gain privileges", async (context) => {
      needObserver(context);
      const { stdout } = await see(observer, ["grep", "-E", "^(TracerPid|NoNewPrivs):", "/proc/self/status"]);
      expect(stdout.replaceAll(/\s+/g, " ")).toBe(`TracerPid: 0 NoNewPrivs: ${blind.noNewPrivs ? 1 : 0} `);
    });
    test("its environment and working directory", async (context) => {
      needObserver(context);
      const env = { PATH: "/usr/bin:/bin", ONLY: "this" };
      const seen = await see(observer, ["/bin/sh", "-c", "pwd; env | grep -E '^(ONLY|NODE|FOREGONE)'"], {
        cwd: folder,
        env,
      });
      expect(seen.stdout).toBe(`${folder}\nONLY=this\n`);
    });
  });

  describe("follows the process tree", () => {
    test("of a pipeline, with a complete seal", async (context) => {
      needObserver(context);
      const seen = await see(observer, ["sh", "-c", "cat /etc/hostname | sort | uniq -c >/dev/null"]);
      expect(losses(seen.seal)).toEqual({});
      expect(seen.seal?.alive).toEqual([]);
      const programs = seen.events.flatMap((e) => (e.type === "exec" && e.outcome !== 2 ? [e.file.string] : []));
      for (const name of ["sh", "cat", "sort", "uniq"])
        expect(
          programs.some((p) => p.endsWith(`/${name}`)),
          name,
        ).toBe(true);
    });
    test("and names who outlives the command", async (context) => {
      needObserver(context);
      const seen = await see(observer, ["sh", "-c", "setsid sleep 300 >/dev/null 2>&1 </dev/null & echo $!"]);
      const pid = Number(seen.stdout);
      process.kill(pid);
      expect(seen.exit).toEqual({ kind: "exited", code: 0 });
      expect(seen.seal?.alive).toContainEqual(expect.objectContaining({ pid }));
    });
    test("of one run after another", async (context) => {
      needObserver(context);
      for (const name of ["first", "second"]) {
        const seen = await see(observer, ["cat", `/foregone-${name}`]);
        const opens = seen.events.flatMap((e) => (e.type === "open" ? [e.path.string] : []));
        expect(opens.filter((path) => path.startsWith("/foregone-"))).toEqual([`/foregone-${name}`]);
      }
    });
  });

  describe("sees the torture fixture", () => {
    let seen: Seen | undefined;
    let located: readonly Located[] = [];
    let skipped = "";
    let server: ChildProcess | undefined;
    beforeAll(async () => {
      if (unavailable !== undefined) return;
      const torture = compile(resolve("test/fixtures/torture.c"));
      if (typeof torture !== "string") {
        unavailable = torture.unavailable;
        return;
      }
      const user = blind.uid === undefined ? {} : { uid: blind.uid, gid: blind.uid };
      await once(spawn(torture, ["prep", folder], { ...user, stdio: "inherit" }), "exit");
      server = spawn(torture, ["serve", folder], { ...user, stdio: ["pipe", "pipe", "inherit"] });
      await once(server.stdout!, "data");
      seen = await see(observer, [torture, "run", folder], { cwd: "/" });
      located = seen.events.map((event) => locate(event, seen?.seal));
      skipped = seen.stdout;
    });
    afterAll(() => void server?.stdin?.end());

    test("to its end, with nothing lost", (context) => {
      needObserver(context);
      expect(seen?.exit).toEqual({ kind: "exited", code: 0 });
      expect(seen?.stderr).toBe("");
      const lost = losses(seen?.seal);
      const told =
        Object.keys(lost).length > 0 || seen?.events.some((e) => e.type === "forbidden" || e.type === "uring");
      // What a back end misses it must at least admit.
      if (blind.misses.length > 0) return assert.ok(told, "blind, and silent about it");
      assert.deepEqual(Object.keys(lost), blind.admits ?? []);
    });
    test.for(Object.entries(groups))("%s", ([group, operations], context) => {
      needObserver(context);
      const missed = operations.filter((o) => possible(o, skipped) && !reported(o, located, folder, blind));
      expect(
        missed.map((o) => o.name).filter((name) => !blind.misses.includes(name)),
        group,
      ).toEqual([]);
    });
    test("a descriptor from outside the tree, three ways, and its sender", (context) => {
      needObserver(context);
      if (blind.outcomes) return context.skip("this back end does not see what comes back");
      const received = located.filter((l) => l.event.type === "receive" && l.object === `${folder}/scm`);
      expect(received.length).toBe(3);
      const peers = located.flatMap(({ event }) =>
        event.type === "connect" && event.outcome === 0 && event.address[0] === 1 ? [event.peerPid] : [],
      );
      expect(new Set(peers)).toEqual(new Set([server?.pid]));
    });
    test("its own listener, client and port", (context) => {
      needObserver(context);
      if (blind.outcomes) return context.skip("this back end does not see ports that the kernel chose");
      const port = Number(/own port (\d+)/.exec(skipped)?.[1]);
      const events = seen?.events ?? [];
      const bound = events.flatMap((e) => (e.type === "bind" && portOf(e.address) === port ? [e] : []));
      const [client] = events.flatMap((e) => (e.type === "connect" && portOf(e.address) === port ? [e] : []));
      const [accepted] = events.flatMap((e) => (e.type === "accept" ? [e] : []));
      expect(bound.length).toBe(2); // bind, listen
      expect(client).toMatchObject({ outcome: 0, netNs: bound[0]?.netNs });
      expect(portOf(accepted?.address ?? new Uint8Array())).toBe(client?.localPort);
    });
  });
}

const portOf = (address: Uint8Array): number => ((address[2] ?? 0) << 8) | (address[3] ?? 0);

/** io_uring, mounts and the like may be refused by the machine; the fixture prints what it had to leave out. */
function possible(operation: Operation, printed: string): boolean {
  const uring = operation.name.startsWith("io_uring") && printed.includes("skipped io_uring");
  const mounts = /bind mount|mount|umount/.test(operation.name) && printed.includes("skipped bind mount");
  const chroot = operation.name.startsWith("chr/") && printed.includes("skipped chroot");
  return !uring && !mounts && !chroot;
}

function reported(operation: Operation, located: readonly Located[], dir: string, blind: Blindness): boolean {
  return located.some((l) => {
    if (!operation.matches(l, dir)) return false;
    if (operation.outcome === undefined || blind.outcomes) return true;
    return "outcome" in l.event ? l.event.outcome === operation.outcome : operation.outcome === 0;
  });
}
