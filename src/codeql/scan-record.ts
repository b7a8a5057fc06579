// A scan as an ordinary ActionRecord: three blobs and a seal. Blobs first, then the record, then its two index entries; killed
// anywhere, what is there verifies.
import { gunzipSync, gzipSync } from "node:zlib";
import type { Json } from "../core/canonical.ts";
import type { Digest } from "../core/digest.ts";
import type { Gap } from "../core/gap.ts";
import type { InputPath } from "../core/input-path.ts";
import { OutputLog } from "../core/output-log.ts";
import { encodeRecord } from "../core/record-codec.ts";
import type { ActionRecord, OutputFile, Provenance } from "../core/record.ts";
import { fingerprintsOf } from "../memo/fingerprints.ts";
import type { Clock, Deflate, EpochMs, Hasher } from "../ports.ts";
import { disowningMark } from "../store/entries.ts";
import type { Store } from "../store/store.ts";
import type { SourceEntry } from "./git-source.ts";
import type { NamedFile } from "./named-files.ts";
import type { SeverityCounts } from "./sarif/severity.ts";
import { observationsOf, type ScanKey } from "./scan-key.ts";
import type { Tier } from "./source.ts";

export interface StorePorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly deflate: Deflate;
}

export interface ScanFacts {
  /** Normalised log as gzipped JSON. */
  readonly sarif: Uint8Array;
  readonly files: readonly NamedFile[];
  readonly tier: Tier;
  readonly gaps: readonly Gap[];
  readonly durationMs: number;
  readonly severity: SeverityCounts;
  /** "file:///home/runner/work/a/a/" where the scan ran. */
  readonly checkoutUri: string;
  /** Of the tool: findings are no failure for many. */
  readonly exitCode: number;
  /** What the tool said, for presets; the SARIF itself is not in it. */
  readonly output?: Uint8Array;
  readonly provenance: Omit<Provenance, "recordedAt" | "seal">;
  readonly seal: Readonly<Record<string, Json>>;
}

const SARIF = ".foregone/results.sarif.gz" as InputPath;
const FILES = ".foregone/files.json.gz" as InputPath;
const SOURCE_LIST = ".foregone/source.json.gz" as InputPath;
const MAX_LIST_BYTES = 256 * 1024 * 1024;

/** @throws StoreError if the store cannot hold it; nothing half-written is ever found */
export async function appendScan(
  key: ScanKey,
  facts: ScanFacts,
  { store, clock, hasher, deflate }: StorePorts,
  notBefore = 0,
): Promise<{ readonly id: Digest; readonly record: ActionRecord }> {
  const put = async (path: InputPath, bytes: Uint8Array): Promise<OutputFile> => ({
    path,
    type: "file",
    created: true,
    restored: true,
    mode: 0o644,
    content: await store.blobs.put(bytes),
    sizeBytes: bytes.length,
  });
  const outputs = [
    await put(SARIF, facts.sarif),
    await put(FILES, pack(facts.files)),
    await put(SOURCE_LIST, pack(key.source.compared)),
  ];
  const recordedAt = Math.max(clock.now(), notBefore) as EpochMs;
  const record: ActionRecord = {
    version: 1,
    weak: key.weak,
    action: key.action,
    trace: { observations: observationsOf(key, facts.tier), gaps: [...key.gaps, ...facts.gaps] },
    result: {
      // The scan was completed; what the tool exited with is in the seal.
      exitCode: 0,
      output: await store.blobs.put(facts.output ?? new OutputLog().done()),
      outputs,
      durationMs: Math.max(0, Math.round(facts.durationMs)),
    },
    provenance: {
      ...facts.provenance,
      recordedAt,
      seal: {
        ...facts.seal,
        exact: key.source.exact,
        exitCode: facts.exitCode,
        severity: facts.severity as Record<string, number>,
        checkoutUri: facts.checkoutUri,
        compared: key.source.compared.length,
        inert: key.source.inertCount,
      },
    },
    optOuts: [],
  };
  const bytes = encodeRecord(record, deflate);
  if (bytes === undefined) throw new TypeError("appendScan: a scan has few observations");
  const id = await store.blobs.put(bytes);
  const entry = { ...fingerprintsOf(record, hasher), record: id, recordedAt };
  await store.records.append(key.weak, entry);
  await store.records.append(key.family, entry);
  return { id, record };
}

/** Disowns every record of these scans: newer ones count again. */
export async function disownScan(
  key: Pick<ScanKey, "weak" | "family">,
  { store, clock }: Pick<StorePorts, "store" | "clock">,
): Promise<EpochMs> {
  const at = clock.now();
  for (const weak of [key.weak, key.family]) await store.records.append(weak, disowningMark(at));
  return at;
}

export interface LoadedScan {
  readonly sarif: Uint8Array;
  readonly files: readonly NamedFile[];
}

/** @returns undefined if a blob is missing or is not what it should be */
export async function loadScan(record: ActionRecord, store: Store): Promise<LoadedScan | undefined> {
  const sarif = await blobOf(record, SARIF, store);
  const files = unpack(await blobOf(record, FILES, store));
  return sarif === undefined || !Array.isArray(files) ? undefined : { sarif, files: files as NamedFile[] };
}

/** The compared files of a recorded scan; undefined if they are gone: then the miss names no files. */
export async function loadSourceList(
  record: ActionRecord,
  store: Store,
): Promise<readonly (readonly [string, SourceEntry])[] | undefined> {
  const list = unpack(await blobOf(record, SOURCE_LIST, store));
  return Array.isArray(list) ? (list as (readonly [string, SourceEntry])[]) : undefined;
}

async function blobOf(record: ActionRecord, path: InputPath, store: Store): Promise<Uint8Array | undefined> {
  const digest = record.result.outputs.find((output) => output.path === path)?.content;
  return digest === undefined ? undefined : store.blobs.get(digest);
}

function pack(value: unknown): Uint8Array {
  return gzipSync(JSON.stringify(value), { level: 6 });
}

function unpack(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(gunzipSync(bytes, { maxOutputLength: MAX_LIST_BYTES }).toString());
  } catch {
    return undefined;
  }
}
