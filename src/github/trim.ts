// Keeps the API cache's folder within its bounds: what was written or read from there longest ago goes. Removing anything here costs a read,
// never a wrong answer, so no lock is needed: a record whose blobs are gone is a miss.
import { type StoreFolder, guarded, removeQuietly } from "../store/folder.ts";

export interface TrimBounds {
  /** Search keys with anything stored (`cache.max_size`). */
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Candidates per search key, each one blob. */
  readonly perKey: number;
}

interface Found {
  readonly path: string;
  readonly mtimeMs: number;
  readonly sizeBytes: number;
}

/** Down to this share of a bound, so that the next write does not trim again. */
const KEEP = 0.9;

/** @param breathe lets other work in, once per subfolder: a full cache has some 100,000 files. @throws StoreError */
export async function trim(folder: StoreFolder, bounds: TrimBounds, breathe: () => Promise<void>): Promise<number> {
  const records = await filesOf(folder, "records", breathe);
  const blobs = await filesOf(folder, "blobs", breathe);
  let removed = drop(folder, records, bounds.maxEntries, Number.POSITIVE_INFINITY);
  removed += drop(folder, blobs, bounds.maxEntries * bounds.perKey, bounds.maxBytes);
  return removed;
}

async function filesOf(folder: StoreFolder, kind: string, breathe: () => Promise<void>): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of guarded(`list ${kind}`, () => folder.files.list(`${folder.path}/${kind}`)) ?? []) {
    const parent = `${folder.path}/${kind}/${name}`;
    for (const file of guarded(`list ${parent}`, () => folder.files.list(parent)) ?? []) {
      const stat = guarded(`stat ${parent}/${file}`, () => folder.files.stat(`${parent}/${file}`));
      if (stat?.type === "file")
        found.push({ path: `${parent}/${file}`, mtimeMs: stat.mtimeMs, sizeBytes: stat.sizeBytes });
    }
    await breathe();
  }
  return found;
}

function drop(folder: StoreFolder, files: Found[], maxCount: number, maxBytes: number): number {
  let bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let count = files.length;
  if (count <= maxCount && bytes <= maxBytes) return 0;
  const [wantCount, wantBytes] = [Math.floor(maxCount * KEEP), maxBytes * KEEP];
  let removed = 0;
  for (const file of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (count <= wantCount && bytes <= wantBytes) break;
    removeQuietly(folder.files, file.path);
    count--;
    bytes -= file.sizeBytes;
    removed++;
  }
  return removed;
}

/** Everything that the cache stored. Its secret is not touched: `KeySource.renew` does that. @throws StoreError */
export function removeAll(folder: StoreFolder): number {
  let removed = 0;
  for (const kind of ["records", "blobs"])
    for (const name of guarded(`list ${kind}`, () => folder.files.list(`${folder.path}/${kind}`)) ?? [])
      for (const file of guarded(`list ${name}`, () => folder.files.list(`${folder.path}/${kind}/${name}`)) ?? []) {
        removeQuietly(folder.files, `${folder.path}/${kind}/${name}/${file}`);
        removed++;
      }
  return removed;
}
