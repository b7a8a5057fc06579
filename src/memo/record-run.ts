// From what a passing run did to its record: settle what it read, capture what it made, apply policy, say every gap.
import type { Json } from "../core/canonical.ts";
import type { Digest } from "../core/digest.ts";
import type { Gap } from "../core/gap.ts";
import type { InputPath } from "../core/input-path.ts";
import type { Observation } from "../core/observation.ts";
import type { ActionRecord, Provenance } from "../core/record.ts";
import type { Stat } from "../ports.ts";
import type { Seal } from "../trace/event.ts";
import type { Interpreted } from "../trace/interpret/interpreted.ts";
import { capture, type Captured } from "./capture.ts";
import { type CommandParts, type Decided, worldSource } from "./memo.ts";
import { optOuts, type SkipOptions } from "./options.ts";
import { comparedWithHead, gitPolicy, networkPolicy, observe, volatileUsed } from "./policies.ts";
import { settle } from "./settle.ts";
import type { StartState } from "./start-state.ts";
import type { World } from "./world.ts";

export interface RunFacts {
  readonly interpreted: Interpreted;
  readonly seal: Seal | undefined;
  readonly start: StartState;
  readonly priorMade: ReadonlySet<string>;
  readonly durationMs: number;
  /** Digest of the output log, whose bytes the caller stores. */
  readonly output: Digest;
  /** Gaps of the run itself: output too long, nobody observed it. */
  readonly gaps: readonly Gap[];
  /** A whole job: the text of its definition may name variables, and so may the programs that it brings along. */
  readonly definition?: string;
  /** Results outside the workspace that the shell took over itself. */
  readonly captured?: Captured;
  readonly provenance: Omit<Provenance, "recordedAt" | "seal" | "tree" | "commit">;
  /** Matches the path globs of `ignore` and `outputs`. */
  readonly match: (path: string, globs: readonly string[]) => boolean;
}

export interface MadeRecord {
  readonly record: ActionRecord;
  /** Of each observation, for the witness; undefined where no stat can vouch for the answer. */
  readonly stats: readonly (Stat | undefined)[];
  readonly contents: ReadonlyMap<Digest, Uint8Array>;
  readonly outputBytes: number;
}

/** Names of `ignore` that are not path globs. */
const NAMED_INPUTS = new Set(["git.head", "image.version", "workspace.root", "stat.size"]);

export function recordRun(
  parts: CommandParts,
  decided: Pick<Decided, "workspace" | "planned">,
  facts: RunFacts,
): MadeRecord {
  const { hasher, files, clock } = parts.effects;
  const { options, env } = parts;
  const { workspace, planned } = decided;
  const { roots } = workspace;
  const { start, priorMade } = facts;
  const { world } = worldSource(parts, workspace).with([]);
  const interpreted = sizesIgnored(facts.interpreted, options);
  const globs = options.ignore.filter((name) => !NAMED_INPUTS.has(name) && !name.startsWith("env:"));
  const ignored = (path: InputPath): boolean => globs.length > 0 && facts.match(path, globs);
  const settled = settle({ interpreted, roots, files, hasher, world, start, priorMade, ignored });
  const captured = capture({
    changes: interpreted.changes,
    roots,
    files,
    hasher,
    start,
    priorMade,
    restores: restores(options, facts),
  });
  const network = networkPolicy(interpreted.connections, options, roots, start);
  const git = gitPolicy(interpreted.gitCalls, options, roots, start);
  const words = facts.definition === undefined ? parts.argv : [...parts.argv, facts.definition];
  const volatile = volatileUsed(
    planned.environment.volatile,
    env,
    words,
    settled.observations,
    roots,
    files,
    facts.definition !== undefined,
  );
  const extra = asked(world, git.facts, volatile);
  const cleanCheck = git.facts.find(({ fact }) => fact === "clean");
  const compared =
    cleanCheck === undefined
      ? { observations: [], gaps: [] }
      : comparedWithHead(interpreted.changes, roots, start, cleanCheck.by);
  const added = [...extra.observations, ...unasked(compared.observations, settled.observations)];
  const observations = [...settled.observations, ...added];
  const gaps = distinct([
    ...facts.gaps,
    ...interpreted.gaps,
    ...settled.gaps,
    ...captured.gaps,
    ...(facts.captured?.gaps ?? []),
    ...network.gaps,
    ...git.gaps,
    ...extra.gaps,
    ...compared.gaps,
  ]);
  const outputs = [...captured.outputs, ...(facts.captured?.outputs ?? [])];
  const record: ActionRecord = {
    version: 1,
    weak: planned.weak,
    action: planned.action,
    trace: { observations, gaps },
    result: { exitCode: 0, output: facts.output, outputs, durationMs: Math.round(facts.durationMs) },
    provenance: {
      ...facts.provenance,
      recordedAt: clock.now(),
      seal: sealFacts(facts.seal, network.hosts),
      ...(start.commit !== undefined && { commit: start.commit }),
      ...(start.cleanTree !== undefined && { tree: start.cleanTree }),
    },
    optOuts: optOuts(options),
  };
  const stats = [...settled.stats, ...added.map(() => undefined)];
  const contents = new Map([...captured.contents, ...(facts.captured?.contents ?? [])]);
  return { record, stats, contents, outputBytes: captured.sizeBytes + (facts.captured?.sizeBytes ?? 0) };
}

function restores(options: SkipOptions, facts: RunFacts): (path: InputPath) => boolean {
  const { outputs } = options;
  if (outputs === "workspace") return () => true;
  return outputs === "none" ? () => false : (path) => facts.match(path, outputs);
}

/** `ignore: [stat.size]`: a look that saw the size counts as one that did not. */
function sizesIgnored(interpreted: Interpreted, options: SkipOptions): Interpreted {
  if (!options.ignore.includes("stat.size")) return interpreted;
  const looks = interpreted.looks.map((look) => (look.kind === "stat" ? { ...look, kind: "probe" as const } : look));
  return { ...interpreted, looks };
}

function asked(
  world: World,
  facts: readonly { readonly fact: string; readonly by: string }[],
  volatile: readonly { readonly name: string; readonly by: string }[],
): { readonly observations: Observation[]; readonly gaps: Gap[] } {
  const observations: Observation[] = [];
  const gaps: Gap[] = [];
  const questions = [
    ...facts.map(({ fact, by }) => ({ kind: "git" as const, key: fact, by })),
    ...volatile.map(({ name, by }) => ({ kind: "env" as const, key: name, by })),
  ];
  for (const { by, ...question } of questions) {
    const seen = observe(world, question, by);
    if ("value" in seen) observations.push(seen);
    else gaps.push(seen);
  }
  return { observations, gaps };
}

/** Each question stands once in a path set. */
function unasked(more: readonly Observation[], settled: readonly Observation[]): Observation[] {
  const known = new Set(settled.map(({ kind, key }) => `${kind} ${key}`));
  return more.filter(({ kind, key }) => !known.has(`${kind} ${key}`));
}

function sealFacts(seal: Seal | undefined, hosts: readonly string[]): Record<string, Json> {
  const used = hosts.length > 0 ? { hosts } : {};
  if (seal === undefined) return { backend: "none", ...used };
  return { backend: seal.backend, kernel: seal.kernel, events: seal.events, lost: { ...seal.lost }, ...used };
}

function distinct(gaps: readonly Gap[]): Gap[] {
  return [...new Map(gaps.map((gap) => [JSON.stringify(gap), gap])).values()];
}
