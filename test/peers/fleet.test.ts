// A fleet on one machine, each peer a process of its own: one upstream call a key, and whoever is killed costs time only.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Child, childOf } from "../../src/testing/child.ts";
import { GitHubSemantics } from "../../src/testing/github-semantics.ts";
import { type DoubleServer, serveDouble } from "../../src/testing/github-server.ts";
import { node24, NO_NODE24 } from "../../src/testing/node24.ts";

/** 20 in the long run; each is a Node process. */
const SIZE = process.env["FOREGONE_TEST_LONG"] === undefined ? 6 : 20;
const KEYS = 8;
const LIMIT_MS = 400_000;

interface Machine {
  readonly process: ChildProcessWithoutNullStreams;
  ask(line: string): Promise<Record<string, unknown>>;
}

let child: Child;
let server: DoubleServer;
let double: GitHubSemantics;
let folder: string;
const machines: Machine[] = [];

beforeAll(async () => {
  child = await childOf("src/testing/peer-child.ts");
  double = new GitHubSemantics(async ({ path }) => {
    // Long enough that all others ask while the first one is under way.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const body = Buffer.from(JSON.stringify({ path, text: "x".repeat(500) }));
    return { status: 200, headers: { "content-type": "application/json; charset=utf-8" }, body };
  });
  server = await serveDouble(double);
  folder = mkdtempSync(join(tmpdir(), "foregone-fleet-"));
}, LIMIT_MS);

afterAll(async () => {
  stop();
  await server.close();
  child[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function stop(): void {
  for (const { process: each } of machines.splice(0)) each.kill("SIGKILL");
}

async function start(count: number, runtime: string, node = process.execPath): Promise<void> {
  const ready: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    const at = machines.length;
    const args = [
      child.file,
      join(folder, `${runtime}-${at}`),
      join(folder, runtime),
      server.origin,
      `ghs_${runtime}${at}`,
    ];
    const one = spawn(node, args, { stdio: ["pipe", "pipe", "inherit"] }) as unknown as ChildProcessWithoutNullStreams;
    const lines = createInterface({ input: one.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<Record<string, unknown>> => {
      const { value, done } = await lines.next();
      if (done === true) return { error: "gone" };
      return JSON.parse(value) as Record<string, unknown>;
    };
    one.stdin.on("error", () => undefined);
    const machine: Machine = {
      process: one,
      ask: (line) => {
        one.stdin.write(`${line}\n`);
        return next();
      },
    };
    machines.push(machine);
    ready.push(next());
  }
  await Promise.all(ready);
  await Promise.all(machines.map((machine) => settled(machine, machines.length)));
}

/** All know all. */
async function settled(machine: Machine, size: number): Promise<void> {
  const end = performance.now() + 120_000;
  while ((await machine.ask("peers"))["ring"] !== size) {
    if (performance.now() > end) throw new Error(`the ring never had ${size} nodes`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function paidOf(prefix: string): Map<string, number> {
  const paid = new Map<string, number>();
  for (const each of double.log)
    if (each.path.startsWith(prefix) && each.paid) paid.set(each.path, (paid.get(each.path) ?? 0) + 1);
  return paid;
}

describe(`${SIZE} peers in processes of their own`, () => {
  test(
    "share a cold working set with one upstream call a key, and lose nothing when some are killed",
    async () => {
      await start(SIZE, "one");
      for (let key = 0; key < KEYS; key++) {
        const path = `/repos/acme/demo/issues/${key + 1}`;
        const answers = await Promise.all(machines.map((machine) => machine.ask(`read ${path}`)));
        for (const answer of answers)
          expect(answer).toMatchObject({ status: 200, body: expect.stringContaining(path) });
      }
      const paid = [...paidOf("/repos/acme/demo/issues/").values()];
      expect(paid).toHaveLength(KEYS);
      expect(Math.max(...paid)).toBe(1);

      // A third dies in the middle of reads of the others: every answer is right all the same.
      const doomed = machines.splice(0, Math.floor(SIZE / 3));
      for (let key = 0; key < 4; key++) {
        const path = `/repos/acme/demo/pulls/${key + 1}`;
        for (const machine of doomed) void machine.ask(`read ${path}`).finally(() => machine.process.kill("SIGKILL"));
        doomed[key % doomed.length]?.process.kill("SIGKILL");
        const answers = await Promise.all(machines.map((machine) => machine.ask(`read ${path}`)));
        for (const answer of answers)
          expect(answer).toMatchObject({ status: 200, body: expect.stringContaining(path) });
      }
      await Promise.all(machines.map((machine) => settled(machine, machines.length)));
      stop();
    },
    LIMIT_MS,
  );

  test(
    "Node 20 and Node 24 are peers of each other",
    async (context) => {
      const newer = node24();
      if (newer === undefined || newer === process.execPath) return context.skip(NO_NODE24);
      await start(2, "two");
      await start(1, "two", newer);
      const digest = String((await (machines[2] as Machine).ask("put from-24"))["digest"]);
      for (const machine of machines) expect(await machine.ask(`get ${digest}`)).toEqual({ text: "from-24" });
      stop();
    },
    LIMIT_MS,
  );
});
