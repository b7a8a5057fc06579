// Checks everything in the store against itself: each blob is hashed again, each line authenticated, each record decoded, and
// all that it needs looked for. Reads only; `repair` removes what is wrong, which at worst makes a miss of it.
import type { Digest } from "../core/digest.ts";
import { sha256Of } from "../core/digest.ts";
import { decodeRecord, referencesOf } from "../core/record-codec.ts";
import type { Deflate } from "../ports.ts";
import { compactRecords, MARKS, readEntries, readLog } from "./disk-records.ts";
import { guarded, removeQuietly, type StoreFolder } from "./folder.ts";
import { type RecordEntry, StoreError } from "./store.ts";
import { type Found, type Survey, survey } from "./survey.ts";
import { readWitness } from "./witness.ts";

export interface Problem {
  readonly kind:
    | "unreadable"
    | "wrong-bytes"
    | "broken-record"
    | "forged-lines"
    | "damaged-marks"
    | "missing-record"
    | "missing-blob"
    | "forged-witness";
  readonly path: string;
  readonly detail: string;
  /** Of the log at `path`: the entry that cannot be used. */
  readonly record?: Digest;
}

export interface Verification {
  readonly blobs: number;
  readonly blobBytes: number;
  readonly logs: number;
  readonly entries: number;
  readonly marks: number;
  readonly problems: readonly Problem[];
  /** Normal after a kill or a full disk; gc removes them. */
  readonly leftOvers: number;
  readonly tornLines: number;
  /** Records of a newer version: theirs to check. */
  readonly newer: number;
  /** Files that are not the store's. */
  readonly strangers: readonly string[];
}

/** Larger than any blob that the store writes. */
const MAX_BLOB_BYTES = 2 * 1024 * 1024 * 1024;

/**
 * @param onProgress files checked so far, of all
 * @throws StoreError if the store cannot be read
 */
export function verifyStore(
  folder: StoreFolder,
  deflate: Deflate,
  onProgress: (done: number, total: number) => void = () => undefined,
): Verification {
  const found = survey(folder);
  const checked = new Checked(folder, deflate, found);
  const total = found.blobs.size + found.logs.length;
  let done = 0;
  for (const blob of found.blobs.values()) {
    checked.blob(blob);
    onProgress(++done, total);
  }
  for (const log of found.logs) {
    checked.log(log, "");
    onProgress(++done, total);
  }
  for (const log of found.marks) checked.log(log, MARKS);
  for (const witness of found.witnesses) checked.witness(witness);
  const { problems, tornLines, newer, entries } = checked;
  return {
    blobs: found.blobs.size,
    blobBytes: [...found.blobs.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    logs: found.logs.length,
    entries,
    marks: found.marks.length,
    problems,
    leftOvers: found.leftOvers.length,
    tornLines,
    newer,
    strangers: found.strangers,
  };
}

class Checked {
  readonly problems: Problem[] = [];
  tornLines = 0;
  newer = 0;
  entries = 0;
  readonly #folder: StoreFolder;
  readonly #deflate: Deflate;
  readonly #found: Survey;

  constructor(folder: StoreFolder, deflate: Deflate, found: Survey) {
    this.#folder = folder;
    this.#deflate = deflate;
    this.#found = found;
  }

  blob({ path, digest }: Found): void {
    const bytes = this.#read(path);
    if (bytes === undefined) return;
    const now = sha256Of(this.#folder.hasher, bytes);
    if (now !== digest) this.#problem("wrong-bytes", path, `its bytes have the digest ${now}`);
  }

  log({ path, digest: weak }: Found, suffix: "" | typeof MARKS): void {
    const { torn, forged } = readLog(this.#folder, weak, suffix);
    if (suffix === MARKS) {
      if (torn + forged > 0) this.#problem("damaged-marks", path, "all records of this command are disowned");
      return;
    }
    this.tornLines += torn;
    if (forged > 0) this.#problem("forged-lines", path, `${forged} lines are not authentic`);
    for (const entry of readEntries(this.#folder, weak)) {
      if (entry.disowned === true) continue;
      this.entries++;
      this.#record(path, weak, entry);
    }
  }

  witness({ path, digest }: Found): void {
    const there = readWitness(this.#folder, digest) !== undefined;
    if (!there && this.#folder.files.stat(path) !== undefined)
      this.#problem("forged-witness", path, "it is not authentic");
  }

  #record(path: string, weak: Digest, entry: RecordEntry): void {
    const blob = this.#found.blobs.get(entry.record);
    const bytes = blob && this.#read(blob.path);
    if (blob === undefined || bytes === undefined) {
      if (this.#still(weak, entry)) this.#dangling("missing-record", path, entry, "it");
      return;
    }
    const decoded = decodeRecord(bytes, this.#deflate);
    if (decoded.kind === "newer") this.newer++;
    if (decoded.kind === "corrupt") this.#problem("broken-record", blob.path, decoded.why);
    if (decoded.kind !== "record") return;
    for (const needed of referencesOf(decoded.record))
      if (!this.#found.blobs.has(needed) && this.#still(weak, entry))
        this.#dangling("missing-blob", path, entry, needed);
  }

  /** A gc may have taken entry and blobs away since the folder was listed; then nothing is wrong. */
  #still(weak: Digest, entry: RecordEntry): boolean {
    return readEntries(this.#folder, weak).some((now) => now.record === entry.record && now.strong === entry.strong);
  }

  #read(path: string): Uint8Array | undefined {
    try {
      return guarded(`read ${path}`, () => this.#folder.files.read(path, MAX_BLOB_BYTES)?.bytes);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      this.#problem("unreadable", path, error.message);
      return undefined;
    }
  }

  #dangling(kind: Problem["kind"], path: string, { record }: RecordEntry, needed: Digest | "it"): void {
    const detail = needed === "it" ? `the record ${record} is not there` : `the record ${record} needs ${needed}`;
    this.problems.push({ kind, path, detail, record });
  }

  #problem(kind: Problem["kind"], path: string, detail: string): void {
    this.problems.push({ kind, path, detail });
  }
}

/**
 * Removes what is wrong: each blob, line, entry or witness becomes a miss, and is made anew by the next run. Damaged marks go
 * together with the entries they may have disowned.
 * @returns the verification afterwards
 * @throws StoreError
 */
export async function repairStore(folder: StoreFolder, deflate: Deflate, found: Verification): Promise<Verification> {
  const { files } = folder;
  for (const { kind, path } of found.problems) {
    if (kind === "damaged-marks") removeQuietly(files, path.slice(0, -MARKS.length));
    if (kind !== "forged-lines" && kind !== "missing-record" && kind !== "missing-blob") removeQuietly(files, path);
  }
  // What that took away may be needed by entries that looked whole before.
  const { problems } = verifyStore(folder, deflate);
  const unusable = new Set(problems.flatMap(({ record }) => record ?? []));
  const wrong = new Set(problems.map(({ path }) => path));
  for (const log of survey(folder).logs)
    if (wrong.has(log.path)) await compactRecords(folder, log.digest, ({ record }) => !unusable.has(record));
  return verifyStore(folder, deflate);
}
