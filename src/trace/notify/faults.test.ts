import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../testing/compile.ts";
import { losses, see } from "../../testing/observer.contract.ts";
import { ObserveProgram } from "../../testing/observe.ts";

// Whatever goes wrong with us, the command ends as it would have, and what nobody saw is said.
let program: ObserveProgram;
let folder: string;
beforeAll(async () => {
  program = await ObserveProgram.build();
  folder = realpathSync(mkdtempSync(join(tmpdir(), "foregone-faults-")));
  return () => {
    rmSync(folder, { recursive: true, force: true });
    program[Symbol.dispose]();
  };
});
const SCRIPT = ["sh", "-c", "for i in 1 2 3 4 5; do cat /etc/hostname; done; exit 3"];
const EXPECTED = (): string => readFileSync("/etc/hostname", "latin1").repeat(5);

describe("a supervisor that", () => {
  test("throws goes on answering, and counts it", async () => {
    const seen = await see(program.observer({ fault: { at: 30, how: "throw" } }), SCRIPT);
    expect(seen.exit).toEqual({ kind: "exited", code: 3 });
    expect(seen.stdout).toBe(EXPECTED());
    expect(losses(seen.seal)).toEqual({ decoder: 1 });
  });
  test.for([1, 2, 30])(
    "dies at its notification %i is replaced by one that only answers; there is no seal",
    async (at) => {
      const seen = await see(program.observer({ fault: { at, how: "end the thread" } }), SCRIPT);
      expect(seen.exit).toEqual({ kind: "exited", code: 3 });
      expect(seen.stdout).toBe(EXPECTED());
      expect(seen.seal).toBeUndefined();
    },
  );
  test("waits for something that waits for its answer is helped out", async () => {
    const seen = await see(program.observer({ fault: { at: 60, how: "wait for ever" }, stuckMs: 500 }), SCRIPT);
    expect(seen.exit).toEqual({ kind: "exited", code: 3 });
    expect(seen.stdout).toBe(EXPECTED());
    expect(seen.seal).toBeUndefined();
  });
});

test("an observer inside an observer: the inner one says that it sees nothing, the outer one sees all", async () => {
  const inner = program.argv({ argv: ["cat", join(folder, "seen")], cwd: "/", env: { PATH: "/usr/bin:/bin" } });
  writeFileSync(join(folder, "seen"), "by the outer one");
  const notices: string[] = [];
  const outer = await see(program.observer(), inner);
  const said = outer.stdout.trimEnd().split("\n");
  for (const line of said)
    if (line.startsWith('{"notice"')) notices.push((JSON.parse(line) as { notice: string }).notice);
  expect(notices).toEqual(["not observed: another `foregone run` observes it already"]);
  expect(JSON.parse(said.at(-1) ?? "")).toEqual({
    observed: { exit: { kind: "exited", code: 0 }, durationMs: expect.any(Number) },
  });
  expect(losses(outer.seal)).toEqual({});
  expect(outer.events).toContainEqual(
    expect.objectContaining({ type: "open", path: expect.objectContaining({ string: join(folder, "seen") }) }),
  );
});

test("killed with -9, the command's calls fail instead of waiting for ever", async () => {
  let child: ChildProcess | undefined;
  const observer = program.observer({ onProcess: (c) => (child = c) });
  let pid = 0;
  const run = see(observer, ["sh", "-c", "while test -e /; do :; done"], {
    onStarted: (started) => {
      pid = started;
      child?.kill("SIGKILL");
    },
  });
  await expect(run).rejects.toThrow("the observer ended");
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
});

test("processes that are killed while they are looked at leave no gap", async () => {
  const script = `i=0; while [ $i -lt 100 ]; do find /usr/share/doc >/dev/null 2>&1 & p=$!; test -e /; kill -9 $p; wait $p; i=$((i+1)); done 2>/dev/null; exit 0`;
  const seen = await see(program.observer(), ["sh", "-c", script]);
  expect(seen.exit).toEqual({ kind: "exited", code: 0 });
  expect(losses(seen.seal)).toEqual({});
  expect(seen.seal?.alive).toEqual([]);
});

test("a hundred daemons are collected when they end, and each one's look is seen", async () => {
  const script = `i=0; while [ $i -lt 100 ]; do (setsid sh -c "test -e /daemon-$i" &) ; i=$((i+1)); done; sleep 1; ps -e -o stat= | grep -c Z || true`;
  const seen = await see(program.observer(), ["sh", "-c", script]);
  expect(losses(seen.seal)).toEqual({});
  expect(seen.seal?.alive).toEqual([]);
  expect(Number(seen.stdout)).toBeLessThan(50);
  const looked = seen.events.flatMap((e) => (e.type === "look" ? [e.path.string] : []));
  expect(looked.filter((path) => path.startsWith("/daemon-")).length).toBe(100);
});

test("eight threads that all ask at once: each of 40,000 distinct names is told once", async (context) => {
  const stress = compile("test/fixtures/stress.c");
  if (typeof stress !== "string") return context.skip(stress.unavailable);
  const seen = await see(program.observer(), [stress, "5000", "8", "1"]);
  expect(losses(seen.seal)).toEqual({});
  const names = seen.events.flatMap((e) =>
    e.type === "look" && e.path.string.startsWith("/none") ? [e.path.string] : [],
  );
  expect(names.length).toBe(40_000);
  expect(new Set(names).size).toBe(40_000);
});
