// The soundness property: a random program on a random tree, traced, then edited at random: IF the decision is to skip, THEN
// running it again gives the recorded result. FOREGONE_TEST_CASES sets how many decisions are made (10,000 before a release).
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../src/core/digest.ts";
import { decideCommand } from "../../src/memo/memo.ts";
import { observerOrReason, tracedRun } from "../../src/testing/traced.ts";
import type { Observer } from "../../src/trace/observer.ts";
import { REGRESSIONS } from "./regressions.ts";
import { actor, type Blobs, type Case, cases, skipped, Trial } from "./trial.ts";
import { INPUTS, worlds } from "./world.ts";

const CASES = Number(
  process.env["FOREGONE_TEST_CASES"] ?? (process.env["FOREGONE_TEST_LONG"] === undefined ? "120" : "2000"),
);
const OPERATIONS = 10;
const EDITS_PER_TRACE = 6;
const SEED = Number(process.env["FOREGONE_TEST_SEED"] ?? Date.now() % 2 ** 31);

describe.each(["ebpf", "notify"] as const)("on %s", (backend) => {
  test(
    `a skip gives what a run would have given (${CASES} decisions, seed ${SEED})`,
    { timeout: 3_600_000 },
    async (context) => {
      const program = actor();
      if (typeof program !== "string") return context.skip(program.unavailable);
      const observer = await observerOrReason(backend);
      if (typeof observer === "string") return context.skip(observer);
      const tally = { decisions: 0, skips: 0 };
      const property = fc.asyncProperty(cases(worlds(INPUTS, OPERATIONS), EDITS_PER_TRACE, 3), (given) =>
        holds(observer, program, given, tally),
      );
      await fc.assert(property, {
        numRuns: Math.ceil(CASES / EDITS_PER_TRACE),
        seed: SEED,
        examples: [...REGRESSIONS],
        endOnFailure: process.env["CI"] === "true",
      });
      // A property that never skips would hold for nothing.
      expect(tally.skips).toBeGreaterThan(tally.decisions / 20);
    },
  );
});

async function holds(
  observer: Observer,
  program: string,
  given: Case,
  tally: { decisions: number; skips: number },
): Promise<void> {
  using trial = new Trial(given, program);
  const { box, argv } = trial;
  const { recording } = await tracedRun(box, observer, argv);
  if (recording.kind !== "recorded") return;
  trial.ran();
  for (const edits of trial.edited()) {
    const { verdict } = await decideCommand({ ...box.parts(argv), backend: observer.name });
    tally.decisions++;
    if (verdict.decision.kind !== "skip") continue;
    tally.skips++;
    const { record } = verdict.decision;
    const { blobs } = box.store.store;
    const bytes: Blobs = (digest) => blobs.get(digest as Digest);
    const { before, ran } = await trial.run(record, bytes);
    const reused = await skipped(before, record, bytes);
    if (reused !== undefined) expect(reused, JSON.stringify({ edits, program: given.program })).toEqual(ran);
  }
}
