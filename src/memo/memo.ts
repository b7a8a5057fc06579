// One command, decided: builds its Action, looks its records up, asks the world. Read-only; `execute` runs and records.
import type { Digest } from "../core/digest.ts";
import type { Json } from "../core/canonical.ts";
import type { ActionRecord } from "../core/record.ts";
import type { Clock, Files, FileWriter, Hasher, Random, Runner } from "../ports.ts";
import type { Store } from "../store/store.ts";
import { actionDifference, planAction, type PlannedAction } from "./action.ts";
import { GitFacts } from "./git-facts.ts";
import { lookup, type RecordSource, type Verdict, type WorldSource } from "./lookup.ts";
import { Made } from "./made.ts";
import type { SkipOptions } from "./options.ts";
import type { MachineFacts } from "./platform.ts";
import { WorktreeWorld } from "./world.ts";
import { findWorkspace, type Workspace } from "./workspace.ts";

export interface Effects {
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
  readonly files: Files;
  readonly writer: FileWriter;
  readonly runner: Runner;
}

export interface CommandParts {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly options: SkipOptions;
  readonly machine: MachineFacts;
  readonly store: Store;
  readonly records: RecordSource;
  /** Secret of the store, for keyed digests of environment values. */
  readonly envKey: Uint8Array;
  /** The back end that would observe a run. */
  readonly backend: string;
  /** True on throw-away machines (hosted runners). */
  readonly ephemeral: boolean;
  readonly job?: Readonly<Record<string, Json>>;
  readonly definition?: Json;
  readonly effects: Effects;
}

export interface Decided {
  readonly workspace: Workspace;
  readonly planned: PlannedAction;
  readonly verdict: Verdict;
  /** A newer record of the same command under another environment or platform: explains a `no-record`. */
  readonly relative:
    | { readonly id: Digest; readonly record: ActionRecord; readonly differences: readonly string[] }
    | undefined;
  /** From the start of the decision, not of the process. */
  readonly decideMs: number;
}

export async function decideCommand(parts: CommandParts): Promise<Decided> {
  const { clock, hasher, files, random } = parts.effects;
  const from = clock.monotonicMs();
  const workspace = findWorkspace(parts.cwd, parts.env, files);
  const planned = planAction({ ...parts, workspace }, files, hasher);
  const worlds = worldSource(parts, workspace);
  const { records, options } = parts;
  const verdict = await lookup({ weak: planned.weak, options, records, worlds, clock, random, hasher });
  const relative =
    verdict.decision.kind === "run" && verdict.compared === undefined ? await relativeOf(parts, planned) : undefined;
  return {
    workspace,
    planned,
    verdict: explained(verdict, relative?.differences),
    relative,
    decideMs: clock.monotonicMs() - from,
  };
}

export function worldSource(parts: CommandParts, workspace: Workspace): WorldSource {
  const { hasher, files } = parts.effects;
  const { roots } = workspace;
  const facts = new GitFacts(roots.workspace, parts.env, parts.effects);
  return {
    with(records) {
      const made = new Made(
        records.flatMap((record) => record.result.outputs),
        roots,
        files,
        hasher,
      );
      const git = (key: string) => facts.ask(key);
      const world = new WorktreeWorld({ roots, files, hasher, made, env: parts.env, envKey: parts.envKey, git });
      return { world, made };
    },
    cleanTree: () => (workspace.gitDir !== undefined && facts.ask("clean") === "clean" ? facts.headTree() : undefined),
    isTracked: (path) => facts.tracks(path),
    ephemeral: parts.ephemeral,
  };
}

async function relativeOf(parts: CommandParts, planned: PlannedAction): Promise<Decided["relative"]> {
  const entries = await parts.records.entries(planned.label);
  if ("why" in entries) return undefined;
  const id = entries.find((entry) => entry.disowned !== true)?.record;
  if (id === undefined) return undefined;
  const record = await parts.records.load(id);
  if ("why" in record || record.weak === planned.weak) return undefined;
  return { id, record, differences: actionDifference(record.action, planned.action) };
}

function explained(verdict: Verdict, differences: readonly string[] | undefined): Verdict {
  const { decision } = verdict;
  if (decision.kind !== "run" || differences === undefined || differences.length === 0) return verdict;
  const [first, ...rest] = decision.misses;
  if (first.kind !== "no-record" || first.why !== undefined) return verdict;
  const more = differences.length > 1 ? ` and ${differences.length - 1} more differ` : " differs";
  return {
    ...verdict,
    decision: { kind: "run", misses: [{ kind: "no-record", why: `${differences[0]}${more}` }, ...rest] },
  };
}

/** Reaches records through a store: each failure is a value with a reason, never an exception. */
export function recordSource(
  store: Store,
  decode: (bytes: Uint8Array) => ActionRecord | { readonly why: string },
  remembered: RecordSource["remembered"],
): RecordSource {
  const known = new Map<Digest, ActionRecord | { readonly why: string }>();
  return {
    async entries(weak) {
      try {
        return await store.records.lookup(weak);
      } catch (error) {
        return { why: `the store did not answer: ${messageOf(error)}` };
      }
    },
    async load(id) {
      const loaded = known.get(id) ?? (await load(id));
      known.set(id, loaded);
      return loaded;
    },
    remembered,
    async missing(record) {
      const digests = [
        record.result.output,
        ...record.result.outputs.flatMap((o) => (o.restored && o.content ? [o.content] : [])),
      ];
      try {
        return await store.blobs.findMissing(digests);
      } catch {
        return digests;
      }
    },
  };

  async function load(id: Digest): Promise<ActionRecord | { readonly why: string }> {
    try {
      const bytes = await store.blobs.get(id);
      return bytes === undefined ? { why: "its bytes are gone" } : decode(bytes);
    } catch (error) {
      return { why: messageOf(error) };
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
