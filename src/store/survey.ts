// What lies in the store's folder, without reading any of it: for gc, verify and stats.
import { type Digest, parseDigest } from "../core/digest.ts";
import { MARKS } from "./disk-records.ts";
import { type FileKind, guarded, type StoreFolder, TEMPORARY } from "./folder.ts";

export interface Found {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** For blobs: last use, as far as it was noted (at most hourly). */
  readonly mtimeMs: number;
}

export interface Survey {
  readonly blobs: ReadonlyMap<Digest, Found>;
  /** One log per Action. */
  readonly logs: readonly Found[];
  /** Marks that disown, one file per Action. */
  readonly marks: readonly Found[];
  readonly witnesses: readonly Found[];
  /** What killed processes left behind: temporary files, locks, blobs on their way out. */
  readonly leftOvers: readonly Omit<Found, "digest">[];
  /** Neither ours nor left over: nobody touches these. */
  readonly strangers: readonly string[];
  readonly bytes: number;
}

/** A blob that gc is about to delete bears this name for a moment (gc.ts). */
export const GOING = ".gone";
const LOCK = ".lock";

/** @throws StoreError */
export function survey(folder: StoreFolder): Survey {
  return guarded(`list the store ${folder.path}`, () => {
    const blobs = new Map<Digest, Found>();
    const found: Record<Exclude<FileKind, "blobs">, Found[]> = { records: [], witness: [] };
    const marks: Found[] = [];
    const leftOvers: Omit<Found, "digest">[] = [];
    const strangers: string[] = [];
    let bytes = 0;
    for (const kind of ["blobs", "records", "witness"] as const)
      for (const { path, shard, name } of names(folder, kind)) {
        const stat = folder.files.stat(path);
        // Gone since the folder was listed: another gc is at work, or a log is being compacted.
        if (stat === undefined) continue;
        bytes += stat.sizeBytes;
        const facts = { path, sizeBytes: stat.sizeBytes, mtimeMs: stat.mtimeMs };
        const bare = kind === "records" && name.endsWith(MARKS) ? name.slice(0, -MARKS.length) : name;
        const digest = parseDigest(`sha256:${shard}${bare}`);
        if (name.startsWith(TEMPORARY) || name.endsWith(LOCK) || name.endsWith(GOING)) leftOvers.push(facts);
        else if (digest === undefined || stat.type !== "file") strangers.push(path);
        else if (kind === "blobs") blobs.set(digest, { ...facts, digest });
        else (bare === name ? found[kind] : marks).push({ ...facts, digest });
      }
    return { blobs, logs: found.records, marks, witnesses: found.witness, leftOvers, strangers, bytes };
  });
}

function* names(folder: StoreFolder, kind: FileKind): Generator<{ path: string; shard: string; name: string }> {
  const top = `${folder.path}/${kind}`;
  for (const shard of folder.files.list(top) ?? [])
    // A stray file in the place of a shard has no names in it.
    for (const name of listed(folder, `${top}/${shard}`)) yield { path: `${top}/${shard}/${name}`, shard, name };
}

function listed({ files }: StoreFolder, path: string): readonly string[] {
  return files.stat(path)?.type === "dir" ? (files.list(path) ?? []) : [];
}
