// Decides one Action against the store and the world: trace reuse, then exact tree, then run with every reason.
//
// Trace reuse is tried first although the exact tree is the stronger claim: both license the same skip, and the trace costs
// one lstat an observation, while the tree costs `git status` over the whole repository (docs/decisions/0003-order-of-reuse.md).
import { type Answer, judge, type Judgement } from "../core/decide.ts";
import type { Decision, Miss } from "../core/decision.ts";
import type { Digest } from "../core/digest.ts";
import type { GapKind } from "../core/gap.ts";
import { inWorkspace, type InputPath } from "../core/input-path.ts";
import { compareQuestions, strongFingerprint } from "../core/observation.ts";
import type { ActionRecord } from "../core/record.ts";
import type { Clock, Hasher, Random } from "../ports.ts";
import { retain } from "../store/entries.ts";
import type { RecordEntry } from "../store/store.ts";
import type { Made } from "./made.ts";
import type { SkipOptions } from "./options.ts";
import type { Remembered, World } from "./world.ts";

/** How the lookup reaches stored records; every failure is a value with a reason. */
export interface RecordSource {
  entries(weak: Digest): Promise<readonly RecordEntry[] | { readonly why: string }>;
  /**
   * Entries of layers whose every question costs: asked where `entries` license no skip. Sound only if such a layer can do no more
   * than add: it holds no mark that disowns.
   */
  further?(weak: Digest): Promise<readonly RecordEntry[]>;
  load(id: Digest): Promise<ActionRecord | { readonly why: string }>;
  remembered(id: Digest): Promise<((index: number) => Remembered | undefined) | undefined>;
  /** Digests of the result that the store no longer has. */
  missing(record: ActionRecord): Promise<readonly Digest[]>;
  /**
   * Asked last, of a record that holds otherwise: may its producer serve here? Absent: what this machine's key authenticates
   * serves, what another layer brought (`RecordEntry.via`) does not.
   * @param claim.exactTree is this the very tree that the record says it tested?
   * @returns why not
   */
  distrust?(record: ActionRecord, claim: RecordClaim): Promise<string | undefined>;
}

export interface RecordClaim {
  readonly id: Digest;
  readonly entry: RecordEntry;
  exactTree(): boolean;
}

export interface WorldSource {
  /** The world as it is, taking as not yet made what these records' runs made. */
  with(records: readonly ActionRecord[]): { readonly world: World; readonly made: Made };
  /** The tree of HEAD if nothing differs from it, tracked or untracked. */
  cleanTree(): string | undefined;
  isTracked(path: string): boolean;
  /** True on throw-away machines, where nothing is left over from other jobs. */
  readonly ephemeral: boolean;
}

export interface LookupParts {
  readonly weak: Digest;
  readonly options: SkipOptions;
  readonly records: RecordSource;
  readonly worlds: WorldSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
}

/** A record that was compared: the one reused, or the newest one that differs. */
export interface Compared {
  readonly id: Digest;
  readonly entry: RecordEntry;
  readonly record: ActionRecord;
  readonly judgement: Judgement;
  readonly made: Made;
}

/** A record of which nothing can be used, and why. */
interface Unusable {
  readonly id: Digest;
  readonly unusable: Miss;
}

export interface Verdict {
  readonly decision: Decision;
  readonly compared: Compared | undefined;
  /** The skip that an audit or shadow run is to be compared with. */
  readonly auditOf: Extract<Decision, { kind: "skip" }> | undefined;
}

/** Each costs questions to GitHub: a forger can cost time, but not more than this. */
const MAX_UNTRUSTED = 5;
/** Each costs a value or two of a layer that may be slow. */
const MAX_UNUSABLE = 5;
/** Gaps in the outside world: void or bearable when the very same tree passed a short while ago. */
const WORLD_GAPS: ReadonlySet<GapKind> = new Set(["untraced-network", "opaque-service", "unresolved-path"]);
/** Bearable only where nothing is left over from other jobs. */
const OBSERVER_GAPS: ReadonlySet<GapKind> = new Set(["events-lost", "no-observer"]);

export async function lookup(parts: LookupParts): Promise<Verdict> {
  const { options, random } = parts;
  if (options.mode === "off" || options.mode === "record") return run([{ kind: "audit", why: `mode ${options.mode}` }]);
  if (options.timeSensitive) return run([{ kind: "audit", why: "time-sensitive" }]);
  const found = await search(parts);
  if (found.decision.kind === "run") return found;
  const { decision } = found;
  const forced = options.mode === "shadow" ? "shadow" : drawn(options.audit, random);
  if (forced === undefined) return found;
  return {
    decision: { kind: "run", misses: [{ kind: "audit", why: forced }] },
    compared: found.compared,
    auditOf: decision,
  };
}

function drawn(share: number, random: Random): string | undefined {
  return random.fraction() < share ? `drawn, 1 in ${Math.round(1 / share)}` : undefined;
}

function run(misses: readonly [Miss, ...Miss[]], compared?: Compared): Verdict {
  return { decision: { kind: "run", misses }, compared, auditOf: undefined };
}

async function search(parts: LookupParts): Promise<Verdict> {
  const { records, weak } = parts;
  const entries = await records.entries(weak);
  const near = "why" in entries ? run([{ kind: "no-record", why: entries.why }]) : await searchAmong(parts, entries);
  if (near.decision.kind === "skip") return near;
  const further = (await records.further?.(weak)) ?? [];
  if (further.length === 0) return near;
  return searchAmong(parts, retain([...further, ...("why" in entries ? [] : entries)]));
}

async function searchAmong(parts: LookupParts, entries: readonly RecordEntry[]): Promise<Verdict> {
  const live = untilDisowned(entries);
  if (live.length === 0)
    return run([{ kind: "no-record", ...(entries.length > 0 && { why: "disowned after a false skip" }) }]);
  let newest: Compared | undefined;
  let reasons: Miss[] = [];
  const untrusted: Miss[] = [];
  let unusable = MAX_UNUSABLE;
  for (const group of byPathSet(live)) {
    // Told before what an older record of the same inputs says: that one differs is news of the day before.
    const newer: Miss[] = [];
    for (let left = group; left.length > 0;) {
      const tried = await tryGroup(parts, left);
      if ("unusable" in tried) {
        newer.push(tried.unusable);
        reasons.push(tried.unusable);
        // An older one may be whole: of a machine that keeps its values, or of a maker who may serve here.
        if (--unusable < 0) break;
        left = left.filter((entry) => entry.record !== tried.id);
        continue;
      }
      const basis = basisOf(parts, tried);
      if (basis === undefined) {
        if (newest === undefined) [newest, reasons] = [tried, [...newer, ...tried.judgement.misses]];
        break;
      }
      const why = await distrust(parts, tried);
      if (why === undefined) return skip(tried, basis);
      untrusted.push({ kind: "untrusted", why });
      if (untrusted.length >= MAX_UNTRUSTED) break;
      // Another producer may have proved the same.
      left = left.filter((entry) => entry.record !== tried.id);
    }
  }
  const [first, ...more] = [...untrusted, ...reasons];
  return run([first ?? { kind: "no-record" }, ...more], newest);
}

function basisOf(parts: LookupParts, tried: Compared): "trace" | "exact-tree" | undefined {
  if (tried.judgement.misses.length === 0) return "trace";
  return holdsOnSameTree(parts, tried) ? "exact-tree" : undefined;
}

async function distrust(
  { records, worlds }: LookupParts,
  { id, record, entry }: Compared,
): Promise<string | undefined> {
  const { tree } = record.provenance;
  if (records.distrust === undefined)
    return entry.via === undefined ? undefined : `it comes from ${entry.via}, and nobody vouches for its maker`;
  return records.distrust(record, { id, entry, exactTree: () => tree !== undefined && worlds.cleanTree() === tree });
}

function skip(compared: Compared, basis: "trace" | "exact-tree"): Verdict {
  return { decision: { kind: "skip", record: compared.record, id: compared.id, basis }, compared, auditOf: undefined };
}

function untilDisowned(entries: readonly RecordEntry[]): readonly RecordEntry[] {
  const mark = entries.findIndex((entry) => entry.disowned === true);
  return mark < 0 ? entries : entries.slice(0, mark);
}

/** Newest first, in groups that one evaluation decides. */
function byPathSet(entries: readonly RecordEntry[]): RecordEntry[][] {
  const groups = new Map<Digest, RecordEntry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.pathSet);
    if (group === undefined) groups.set(entry.pathSet, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

async function tryGroup(parts: LookupParts, group: readonly RecordEntry[]): Promise<Compared | Unusable> {
  const [head] = group;
  if (head === undefined) throw new TypeError("tryGroup: empty group");
  const newest = await compare(parts, head, []);
  if ("unusable" in newest || newest.judgement.misses.length === 0 || group.length === 1) return newest;
  // The newest record of this path set differs. An older one may hold (a revert): its answers, taken together, have the
  // same fingerprint as the world's now. Outputs of any of them may still lie in the workspace.
  const loaded = await Promise.all(group.map(({ record }) => parts.records.load(record)));
  const records = loaded.filter((record): record is ActionRecord => !("why" in record));
  const { world } = parts.worlds.with(records);
  const sorted = [...newest.record.trace.observations].sort(compareQuestions);
  const answers = sorted.map((observation) => world.ask(observation));
  if (answers.some((answer) => typeof answer !== "string")) return newest;
  const strong = strongFingerprint(parts.hasher, parts.weak, head.pathSet, answers as string[]);
  const equal = group.find((entry) => entry.strong === strong);
  if (equal === undefined) return newest;
  const older = await compare(parts, equal, records);
  return "unusable" in older || older.judgement.misses.length > 0 ? newest : older;
}

/** @param alsoMadeBy records whose outputs count as not yet made, beside the record's own */
async function compare(
  parts: LookupParts,
  entry: RecordEntry,
  alsoMadeBy: readonly ActionRecord[],
): Promise<Compared | Unusable> {
  const { record: id, recordedAt } = entry;
  const record = await parts.records.load(id);
  if ("why" in record) return { id, unusable: { kind: "untrusted", why: record.why } };
  if (record.weak !== parts.weak)
    return { id, unusable: { kind: "untrusted", why: "the record is of another Action" } };
  // A later date in the index would let an entry escape the mark that disowns it.
  if (record.provenance.recordedAt !== recordedAt)
    return { id, unusable: { kind: "untrusted", why: "its entry bears another date" } };
  const [gone] = await parts.records.missing(record);
  if (gone !== undefined) return { id, unusable: { kind: "blob-missing", digest: gone } };
  const { world, made } = parts.worlds.with([record, ...alsoMadeBy]);
  const remembered = await parts.records.remembered(id);
  const answers: Answer[] = record.trace.observations.map((observation, i) => world.ask(observation, remembered?.(i)));
  const judgement = judge(record, answers, {
    ageMs: parts.clock.now() - record.provenance.recordedAt,
    maxAgeMs: maxAgeOf(record, parts.options),
    accepted: parts.options.accept,
  });
  return { id, entry, record, judgement, made };
}

/** A record whose run asked a host lives only as long as the rule for that host says. */
function maxAgeOf({ provenance }: ActionRecord, { maxAgeMs, network }: SkipOptions): number {
  const hosts = provenance.seal["hosts"];
  if (!Array.isArray(hosts)) return maxAgeMs;
  return Math.min(maxAgeMs, ...hosts.map((host) => network.find((rule) => rule.host === host)?.ttlMs ?? 0));
}

/**
 * Exact tree: this Action passed on this very git tree. What the tree holds is equal by construction; everything else must
 * still be equal, and gaps in the outside world are bearable for a while.
 */
function holdsOnSameTree(parts: LookupParts, { record, judgement }: Compared): boolean {
  const { tree, recordedAt } = record.provenance;
  if (tree === undefined) return false;
  const ageMs = parts.clock.now() - recordedAt;
  const { ephemeral } = parts.worlds;
  const bearable = judgement.misses.every((miss) => {
    if (miss.kind !== "gap") return false;
    const { gap } = miss;
    // Reading and then writing the same tree's files gave this result once; from the same tree it gives it again.
    if (gap.kind === "input-modified") return inWorkspace(gap.path as InputPath) && parts.worlds.isTracked(gap.path);
    const inTime = ageMs <= parts.options.worldWithinMs;
    return inTime && (WORLD_GAPS.has(gap.kind) || (ephemeral && OBSERVER_GAPS.has(gap.kind)));
  });
  return bearable && parts.worlds.cleanTree() === tree;
}
