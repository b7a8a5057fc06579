// Teeth: the check of the soundness property catches each broken observer and decider of mutants.ts, and within a bounded
// number of programs. A check that a blind observer passes would prove nothing about ours.
import { readFileSync, statSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Digest, sha256Of } from "../../src/core/digest.ts";
import { OutputLog } from "../../src/core/output-log.ts";
import type { RecordSource } from "../../src/memo/lookup.ts";
import { type CommandParts, type Decided, decideCommand } from "../../src/memo/memo.ts";
import { fingerprintsOf } from "../../src/memo/fingerprints.ts";
import { type MadeRecord, recordRun } from "../../src/memo/record-run.ts";
import { startState, startWithoutGit, type StartState } from "../../src/memo/start-state.ts";
import { observerOrReason } from "../../src/testing/traced.ts";
import type { Seal, TraceEvent } from "../../src/trace/event.ts";
import { makeInterpreter } from "../../src/trace/interpret/interpreter.ts";
import type { Observer } from "../../src/trace/observer.ts";
import { type Mutant, mutants, outcomeMutants } from "./mutants.ts";
import { actor, type Blobs, type Case, cases, skipped, Trial, type Truth } from "./trial.ts";
import { FEW_INPUTS, worlds } from "./world.ts";

/** Of one seed: the same worlds each time, so a mutant is caught each time or never. */
const SEED = 20_251_125;
const MAX_PROGRAMS = 100;
const OPERATIONS = 6;
const EDITS_PER_TRACE = 10;
const RANDOM_PROGRAMS = 6;

const TRUE: Mutant = { name: "ours", prone: [] };

describe.each(["ebpf", "notify"] as const)("on %s", (backend) => {
  test(`the property catches each mutant within ${MAX_PROGRAMS} programs`, { timeout: 3_600_000 }, async (context) => {
    if (process.env["FOREGONE_TEST_LONG"] === undefined) return context.skip("minutes: npm run test:long");
    const program = actor();
    if (typeof program !== "string") return context.skip(program.unavailable);
    const observer = await observerOrReason(backend);
    if (typeof observer === "string") return context.skip(observer);
    const alive = new Set<Mutant>(backend === "ebpf" ? [...mutants, ...outcomeMutants] : mutants);
    let programs = 0;
    const random = cases(worlds(FEW_INPUTS, OPERATIONS), EDITS_PER_TRACE, 2);
    for (const sample of fc.sample(random, { seed: SEED, numRuns: MAX_PROGRAMS })) {
      if (alive.size === 0) break;
      const { prone } = [...alive][programs % alive.size] ?? TRUE;
      // Random programs first: they catch most. Then each that is left is put to what it gets wrong, in random worlds.
      const given = programs++ < RANDOM_PROGRAMS ? sample : { ...sample, program: ["mo", ...prone] };
      for (const caught of await falseSkips(observer, program, given, [TRUE, ...alive])) {
        expect(caught.name, JSON.stringify(given)).not.toBe(TRUE.name);
        alive.delete(caught);
      }
    }
    expect([...alive].map(({ name }) => name)).toEqual([]);
  });
});

/** Runs the program once; each mutant records it and decides about each edit. @returns those that skip wrongly */
async function falseSkips(
  observer: Observer,
  program: string,
  given: Case,
  candidates: readonly Mutant[],
): Promise<ReadonlySet<Mutant>> {
  using trial = new Trial(given, program);
  const run = await observe(trial, observer);
  const caught = new Set<Mutant>();
  if (run === undefined) return caught;
  trial.ran();
  const recorded = candidates.map((mutant) => ({ mutant, made: recordAs(mutant, run) }));
  const ours = recordAs(TRUE, run);
  for (const edits of trial.edited()) {
    let truth: Promise<Truth> | undefined;
    const parts = { ...trial.box.parts(trial.argv), backend: observer.name };
    for (const { mutant, made } of recorded) {
      if (caught.has(mutant) || !(await skips(parts, run, mutant, made))) continue;
      truth ??= trial.run(ours.record, blobsOf(run, ours));
      const { before, ran } = await truth;
      const reused = await skipped(before, made.record, blobsOf(run, made));
      if (reused === undefined || JSON.stringify(reused) === JSON.stringify(ran)) continue;
      caught.add(mutant);
      if (mutant === TRUE) expect(reused, JSON.stringify({ edits, given })).toEqual(ran);
    }
  }
  return caught;
}

function blobsOf(run: Run, { record, contents }: MadeRecord): Blobs {
  return async (digest) => (digest === record.result.output ? run.output : contents.get(digest as Digest));
}

interface Run {
  readonly parts: CommandParts;
  readonly decided: Decided;
  readonly events: readonly TraceEvent[];
  readonly seal: Seal | undefined;
  readonly start: StartState;
  readonly output: Uint8Array;
}

async function observe({ box, argv }: Trial, observer: Observer): Promise<Run | undefined> {
  const parts = { ...box.parts(argv), backend: observer.name };
  for (const until = Date.now() + 25; Date.now() < until;);
  const decided = await decideCommand(parts);
  const startNs = BigInt(Date.now()) * 1_000_000n;
  const start =
    decided.workspace.gitDir === undefined
      ? startWithoutGit(startNs)
      : startState(box.workspace, box.env, parts.effects.runner, startNs);
  const events: TraceEvent[] = [];
  const log = new OutputLog();
  const { exit, seal } = await observer.run({
    argv,
    cwd: parts.cwd,
    env: parts.env,
    onOutput: (stream, bytes) => log.add(stream, bytes),
    onEvent: (event) => void events.push(event),
  });
  if (exit.kind !== "exited" || exit.code !== 0) return undefined;
  return { parts, decided, events, seal, start, output: log.done() };
}

function seenBy({ files }: Mutant, parts: CommandParts): CommandParts {
  return files === undefined ? parts : { ...parts, effects: { ...parts.effects, files: files(parts.effects.files) } };
}

function recordAs(mutant: Mutant, run: Run): MadeRecord {
  const parts = seenBy(mutant, run.parts);
  const { hasher, files } = parts.effects;
  const root = `${parts.cwd}/`;
  const interpreter = makeInterpreter({
    before: (path) => (path.startsWith(root) ? run.start.before(path.slice(root.length)) : undefined),
    files,
    mountinfo: readFileSync("/proc/self/mountinfo", "latin1"),
    mountNs: statSync("/proc/self/ns/mnt").ino,
    startNs: run.start.startNs,
    tempRoots: [],
  });
  for (const event of mutant.events?.(run.events) ?? run.events) interpreter.onEvent(event);
  const made = recordRun(parts, run.decided, {
    interpreted: interpreter.finish(run.seal),
    seal: run.seal,
    start: run.start,
    priorMade: new Set(),
    durationMs: 1,
    output: sha256Of(hasher, run.output),
    gaps: [],
    provenance: { tool: "test" },
    match: () => false,
  });
  const { stats } = made;
  const kept = mutant.record?.(made.record) ?? made.record;
  const still = new Set(kept.trace.observations);
  return { ...made, record: kept, stats: stats.filter((_, i) => still.has(made.record.trace.observations[i]!)) };
}

/** Decides with the mutant's record as the only one. */
async function skips(now: CommandParts, run: Run, mutant: Mutant, { record, stats }: MadeRecord): Promise<boolean> {
  const id = `sha256:${"0".repeat(64)}` as Digest;
  const { trusts } = mutant;
  const parts = seenBy(mutant, now);
  const records: RecordSource = {
    entries: async () => [
      { ...fingerprintsOf(record, parts.effects.hasher), record: id, recordedAt: record.provenance.recordedAt },
    ],
    load: async () => record,
    missing: async () => [],
    remembered: async () =>
      trusts &&
      ((i) => {
        const was = stats[i];
        return was && { value: record.trace.observations[i]?.value ?? "", holds: (now) => trusts(was, now) };
      }),
  };
  const env = mutant.ignoresEnvironment === true ? run.parts.env : parts.env;
  const { verdict } = await decideCommand({ ...parts, env, records });
  return verdict.decision.kind === "skip";
}
