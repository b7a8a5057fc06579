// Does a stored result hold for this checkout? The key is looked up as any Action is; a hit is then verified against the files
// it names before anybody sees it. Every way this can fail is a scan with a named reason.
import type { Log } from "sarif";
import type { Miss } from "../core/decision.ts";
import type { Digest } from "../core/digest.ts";
import type { ActionRecord } from "../core/record.ts";
import { lookup, type RecordSource } from "../memo/lookup.ts";
import { Made } from "../memo/made.ts";
import { SKIP_DEFAULTS } from "../memo/options.ts";
import type { Clock, Files, Hasher, Random } from "../ports.ts";
import type { Store } from "../store/store.ts";
import { type ComponentChange, componentChanges } from "./component.ts";
import { distrust, eventRule, type JobEvent } from "./events.ts";
import { firstDifference } from "./named-files.ts";
import type { ReadFile } from "./sarif/fingerprint.ts";
import { readSarif } from "./sarif/read.ts";
import { judge, type VerdictOptions } from "./sarif/verdict.ts";
import { answerOf, componentsOf, type ScanKey, SOURCE_EXACT } from "./scan-key.ts";
import { loadScan, loadSourceList } from "./scan-record.ts";
import { changedFiles, type FileChange } from "./source.ts";

export interface ScanOptions {
  /** Counted from the scan, never renewed by a hit; 0: always scan. */
  readonly maxAgeMs: number;
  /** Share of hits that scans anyway and is compared, in [0, 1]. */
  readonly audit: number;
  readonly trust: "repository" | "protected";
  /** Gap kinds accepted by name. */
  readonly accept: readonly string[];
  readonly maxSarifBytes: number;
}

export interface DecideParts {
  readonly key: ScanKey;
  readonly event: JobEvent;
  readonly options: ScanOptions;
  readonly records: RecordSource;
  readonly store: Store;
  readonly readFile: ReadFile;
  readonly tool: VerdictOptions["tool"];
  /** HEAD's tree, if nothing in the work tree differs from it. */
  readonly tree?: string | undefined;
  readonly ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly hasher: Hasher;
    readonly files: Files;
  };
}

export interface Hit {
  readonly kind: "hit";
  readonly id: Digest;
  readonly record: ActionRecord;
  /** Normalised; made for this commit by `rewrite`. */
  readonly log: Log;
  readonly basis: "exact" | "relevant";
}

/** What a person wants to know of a scan that runs: what differs from the newest scan of this family. */
export interface Explanation {
  readonly id: Digest;
  readonly record: ActionRecord;
  readonly components: readonly ComponentChange[];
  /** undefined: the list of the recorded scan is gone. */
  readonly files: readonly FileChange[] | undefined;
}

export interface Scan {
  readonly kind: "scan";
  readonly misses: readonly [Miss, ...Miss[]];
  readonly explanation: Explanation | undefined;
  /** A hit that was drawn to be audited: the scan's result is to be compared with it. */
  readonly auditOf: Hit | undefined;
  /** A record whose named files differ under an equal key: the key has a hole, and the family is to be disowned. */
  readonly hole: string | undefined;
}

export type ScanDecision = Hit | Scan;

export async function decideScan(parts: DecideParts): Promise<ScanDecision> {
  const rule = eventRule(parts.event);
  if (rule.run !== undefined) return scan([rule.run]);
  if (parts.options.maxAgeMs === 0) return scan([{ kind: "audit", why: "cache-ttl 0" }]);
  const found = await search(parts);
  if (found.kind === "scan") return found;
  const { audit } = parts.options;
  // Not on pull requests: their scans are partial, so there is nothing to compare with.
  const drawn = parts.event.name !== "pull_request" && parts.ports.random.fraction() < audit;
  return drawn ? { ...scan([{ kind: "audit", why: `drawn 1 in ${Math.round(1 / audit)}` }]), auditOf: found } : found;
}

/** A scan for a reason that lies outside of key and records. */
export function scanBecause(miss: Miss): Scan {
  return scan([miss]);
}

function scan(misses: readonly [Miss, ...Miss[]], more: Partial<Scan> = {}): Scan {
  return { kind: "scan", misses, explanation: undefined, auditOf: undefined, hole: undefined, ...more };
}

async function search(parts: DecideParts): Promise<ScanDecision> {
  const { key, ports, options } = parts;
  const made = new Made([], { workspace: "/" }, ports.files, ports.hasher);
  const world = { ask: (question: { readonly kind: string; readonly key: string }) => answerOf(key, question) };
  const { decision, compared } = await lookup({
    weak: key.weak,
    options: { ...SKIP_DEFAULTS, audit: 0, maxAgeMs: options.maxAgeMs, accept: options.accept, worldWithinMs: 0 },
    records: trusted(parts),
    worlds: { with: () => ({ world, made }), cleanTree: () => parts.tree, isTracked: () => false, ephemeral: false },
    clock: ports.clock,
    random: ports.random,
    hasher: ports.hasher,
  });
  if (decision.kind === "run") {
    const baseline = compared ?? (await newestOfFamily(parts));
    return scan(decision.misses, { explanation: baseline && (await explain(parts, baseline)) });
  }
  return verify(parts, decision.id, decision.record);
}

/** Records of others are no records: what may serve is asked before anything else of a record is used. */
function trusted(parts: DecideParts): RecordSource {
  const { records, key, event, options } = parts;
  // Asked after the Action itself: layers far away answer one question well.
  let family: ReturnType<RecordSource["entries"]> | undefined;
  return {
    ...records,
    async load(id) {
      const record = await records.load(id);
      if ("why" in record) return record;
      const entries = await (family ??= records.entries(key.family));
      const disowned = "why" in entries ? undefined : entries.find((entry) => entry.disowned === true)?.recordedAt;
      if (disowned !== undefined && record.provenance.recordedAt <= disowned)
        return { why: "disowned after a false skip of this scan" };
      if ((record.provenance.repository ?? "") !== key.repository)
        return { why: `made in ${record.provenance.repository ?? "another repository"}` };
      const exact = exactTree(record, key);
      const why = distrust(record.provenance.seal, event, exact, options.trust);
      return why === undefined ? record : { why };
    },
  };
}

function exactTree(record: ActionRecord, key: ScanKey): boolean {
  return (
    record.provenance.seal["exact"] === key.source.exact ||
    record.trace.observations.some(({ key: name, value }) => name === SOURCE_EXACT && value === key.source.exact)
  );
}

async function verify(parts: DecideParts, id: Digest, record: ActionRecord): Promise<ScanDecision> {
  const untrusted = (why: string, hole?: string): Scan => scan([{ kind: "untrusted", why }], { hole });
  const event = parts.event.name;
  if (record.provenance.seal["coverage"] === false && event !== "pull_request")
    return untrusted("a scan without file coverage serves pull requests only");
  const loaded = await loadScan(record, parts.store).catch(() => undefined);
  if (loaded === undefined) return untrusted("its SARIF is gone or damaged");
  const read = readSarif(loaded.sarif, parts.options.maxSarifBytes);
  if (read.kind === "refused") return untrusted(`its SARIF is refused: ${read.code}`);
  const { accepted, reasons } = judge(read.log, { tool: parts.tool });
  if (!accepted) return untrusted(`its SARIF is refused: ${reasons[0]?.code} (${reasons[0]?.detail})`);
  const different = firstDifference(loaded.files, parts.readFile, parts.ports.hasher);
  if (different !== undefined) return untrusted(`${different}, though the key is equal`, different);
  return {
    kind: "hit",
    id,
    record,
    log: read.log as Log,
    basis: exactTree(record, parts.key) ? "exact" : "relevant",
  };
}

async function newestOfFamily(parts: DecideParts): Promise<{ id: Digest; record: ActionRecord } | undefined> {
  const entries = await parts.records.entries(parts.key.family);
  if ("why" in entries) return undefined;
  const id = entries.find((entry) => entry.disowned !== true)?.record;
  if (id === undefined) return undefined;
  const record = await parts.records.load(id);
  return "why" in record ? undefined : { id, record };
}

async function explain(
  { key, store }: DecideParts,
  { id, record }: { readonly id: Digest; readonly record: ActionRecord },
): Promise<Explanation> {
  const was = componentsOf(record.action);
  const list = await loadSourceList(record, store).catch(() => undefined);
  return {
    id,
    record,
    components: was === undefined ? [] : componentChanges(was, key.components),
    files: list === undefined ? undefined : changedFiles(list, key.source.compared),
  };
}
