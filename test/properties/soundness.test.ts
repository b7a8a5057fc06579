// The soundness property: a random program on a random tree, traced, then edited at random: IF the decision is to skip, THEN
// running it again gives the recorded result. FOREGONE_TEST_CASES sets how many decisions are made (10,000 before a release).
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toAbsolute } from "../../src/core/input-path.ts";
import { decodeOutputLog } from "../../src/core/output-log.ts";
import type { ActionRecord } from "../../src/core/record.ts";
import { Sandbox } from "../../src/testing/sandbox.ts";
import { observerOrReason, tracedRun } from "../../src/testing/traced.ts";
import { decideCommand } from "../../src/memo/memo.ts";
import type { Observer } from "../../src/trace/observer.ts";
import { apply, type Edit, edit, type Entry, program, put, snapshot, tree } from "./world.ts";

const CASES = Number(
  process.env["FOREGONE_TEST_CASES"] ?? (process.env["FOREGONE_TEST_LONG"] === undefined ? "120" : "2000"),
);
const EDITS_PER_TRACE = 6;
const SEED = Number(process.env["FOREGONE_TEST_SEED"] ?? Date.now() % 2 ** 31);

let folder: string;
let actor: string | undefined;
beforeAll(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "foregone-actor-"));
  const source = new URL("../fixtures/actor.c", import.meta.url).pathname;
  if (spawnSync("gcc", ["--version"]).status !== 0) return;
  actor = join(folder, "actor");
  execFileSync("gcc", ["-O1", "-w", "-o", actor, source]);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly git: boolean;
  readonly tree: readonly Entry[];
  readonly program: readonly string[];
  readonly edits: readonly (readonly Edit[])[];
}

const cases = fc.record({
  git: fc.boolean(),
  tree,
  program,
  edits: fc.array(fc.array(edit, { minLength: 1, maxLength: 3 }), {
    minLength: EDITS_PER_TRACE,
    maxLength: EDITS_PER_TRACE,
  }),
});

describe.each(["ebpf", "notify"] as const)("on %s", (backend) => {
  test(
    `a skip gives what a run would have given (${CASES} decisions, seed ${SEED})`,
    { timeout: 3_600_000 },
    async (context) => {
      if (actor === undefined) return context.skip("no gcc");
      const observer = await observerOrReason(backend);
      if (typeof observer === "string") return context.skip(observer);
      const tally = { traces: 0, decisions: 0, skips: 0 };
      const property = fc.asyncProperty(cases, (given) => holds(observer, given, tally));
      await fc.assert(property, {
        numRuns: Math.ceil(CASES / EDITS_PER_TRACE),
        seed: SEED,
        endOnFailure: process.env["CI"] === "true",
      });
      // A property that never skips would hold for nothing.
      expect(tally.skips).toBeGreaterThan(tally.decisions / 20);
    },
  );
});

async function holds(
  observer: Observer,
  given: Case,
  tally: { traces: number; decisions: number; skips: number },
): Promise<void> {
  using box = new Sandbox(given.git);
  for (const item of given.tree) put(box.workspace, item);
  if (given.git) box.commit();
  const argv = [actor ?? "", ...given.program];
  box.env = { ...box.env, LANGUAGE: "en" };
  const executed = await tracedRun(box, observer, argv);
  tally.traces++;
  if (executed.recording.kind !== "recorded") return;
  const after = join(box.folder, "after");
  fs.cpSync(box.workspace, after, { recursive: true, verbatimSymlinks: true });
  for (const edits of given.edits) {
    fs.rmSync(box.workspace, { recursive: true });
    fs.cpSync(after, box.workspace, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    for (const change of edits) apply(box.workspace, change);
    const { verdict } = await decideCommand({ ...box.parts(argv), backend: observer.name });
    tally.decisions++;
    if (verdict.decision.kind !== "skip") continue;
    tally.skips++;
    const { record } = verdict.decision;
    expect(rerun(box, argv, record), JSON.stringify({ edits, program: given.program })).toEqual(
      await recorded(box, record),
    );
  }
}

/** Runs the command plainly on the edited tree as it was before its own outputs, and says what came out. */
function rerun(box: Sandbox, argv: readonly string[], record: ActionRecord): unknown {
  for (const output of [...record.result.outputs].reverse())
    if (output.created)
      fs.rmSync(toAbsolute(output.path, { workspace: box.workspace }) ?? "", { recursive: true, force: true });
  const ran = spawnSync(argv[0] ?? "", argv.slice(1), { cwd: box.workspace, env: box.env, encoding: "utf8" });
  return { exit: ran.status, stdout: ran.stdout, outputs: snapshot(box.workspace, "o").sort() };
}

async function recorded(box: Sandbox, record: ActionRecord): Promise<unknown> {
  const { blobs } = box.parts([]).store;
  const log = decodeOutputLog((await blobs.get(record.result.output)) ?? new Uint8Array()) ?? [];
  const stdout = Buffer.concat(log.filter(({ stream }) => stream === "stdout").map(({ bytes }) => bytes)).toString();
  const outputs: string[] = [];
  for (const { path, type, mode, content } of record.result.outputs) {
    const bytes = content === undefined ? undefined : await blobs.get(content);
    if (type === "dir") outputs.push(`${path}/`);
    else if (type === "symlink") outputs.push(`${path} -> ${Buffer.from(bytes ?? []).toString()}`);
    else if (type === "file")
      outputs.push(`${path} ${(mode & 0o100) !== 0} ${Buffer.from(bytes ?? []).toString("latin1")}`);
  }
  return { exit: 0, stdout, outputs: outputs.sort() };
}
