// Keeps the store within its size and age: the records used longest ago go first, and the newest stays.
//
// Order (invariant 4): entries are taken out of the logs, then blobs that no entry needs are deleted; killed in between, it
// leaves blobs that nobody needs, and the next gc finds them. A writer that comes at the same time is safe: a put notes its
// time, and what was used within the grace is not touched; see `take` for the moment between looking and deleting.
// Marks that disown are never removed: 128 bytes each, and there should be none.
import type { Digest } from "../core/digest.ts";
import { recordReferences } from "../core/record-codec.ts";
import type { Deflate } from "../ports.ts";
import { compactRecords, readEntries, readLog } from "./disk-records.ts";
import { guarded, type StoreFolder } from "./folder.ts";
import { acquire } from "./lock.ts";
import type { RecordEntry } from "./store.ts";
import { type Found, GOING, type Survey, survey } from "./survey.ts";

export interface GcLimits {
  readonly maxBytes: number;
  /** Since last use. */
  readonly maxAgeMs: number;
}

export interface GcReport {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly entriesKept: number;
  /** Too old, beyond the size, or without their bytes. */
  readonly entriesRemoved: number;
  readonly blobsRemoved: number;
  readonly leftOversRemoved: number;
}

/** A put that finds its blob there notes it within 10 minutes (disk.ts); six times that. */
export const GRACE_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;
/** Blobs without an entry: of a run that is still going on, or of records that only a newer version can read. */
const ORPHAN_MS = DAY_MS;
const TOUCH_LOCK_EVERY = 256;
/** A record of 500,000 observations takes 15 MB. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/**
 * @param onProgress logs read so far, of all
 * @param dryRun nothing is changed; the report says what would be
 * @returns "locked" if another gc is at work
 * @throws StoreError
 */
export async function gc(
  folder: StoreFolder,
  deflate: Deflate,
  limits: GcLimits,
  dryRun: boolean,
  onProgress?: (done: number, total: number) => void,
): Promise<GcReport | "locked"> {
  const { files, clock } = folder;
  if (dryRun) {
    const plan = planGc(folder, deflate, limits, survey(folder), () => undefined, onProgress);
    return { ...reportOf(plan), leftOversRemoved: plan.survey.leftOvers.length };
  }
  const lock = `${folder.path}/gc.lock`;
  if (!guarded("lock the store", () => acquire(folder, lock))) return "locked";
  let steps = 0;
  const alive = (): void => {
    if (++steps % TOUCH_LOCK_EVERY === 0) files.touch(lock, clock.now());
  };
  try {
    const found = survey(folder);
    const leftOversRemoved = clearLeftOvers(folder, found);
    const plan = planGc(folder, deflate, limits, found, alive, onProgress);
    const removed = await carryOut(folder, plan, alive);
    return { ...reportOf(plan), ...removed, leftOversRemoved, bytesAfter: survey(folder).bytes };
  } finally {
    guarded("unlock the store", () => files.unlink(lock));
  }
}

/**
 * For the end of a recorded run: at most once a day, and only if a listing says that something is over the limits, so that it
 * nearly always costs one stat.
 * @throws StoreError
 */
export async function gcIfDue(folder: StoreFolder, deflate: Deflate, limits: GcLimits): Promise<void> {
  const { files, clock } = folder;
  const stamp = `${folder.path}/gc.last`;
  const last = guarded("look when gc ran last", () => files.stat(stamp));
  if (last !== undefined && clock.now() - last.mtimeMs < DAY_MS) return;
  guarded("note that gc runs", () => {
    if (!files.touch(stamp, clock.now())) files.close(files.create(stamp));
  });
  const { bytes, blobs } = survey(folder);
  let oldest = Number.POSITIVE_INFINITY;
  for (const { mtimeMs } of blobs.values()) oldest = Math.min(oldest, mtimeMs);
  // A tenth below the limit, or each day would free one day's bytes.
  if (bytes > limits.maxBytes || clock.now() - oldest > limits.maxAgeMs)
    await gc(folder, deflate, { ...limits, maxBytes: limits.maxBytes * 0.9 }, false);
}

interface Candidate {
  readonly log: Found;
  readonly entry: RecordEntry;
  /** The record and all that its result needs. */
  readonly needs: readonly Digest[];
  readonly usedAt: number;
}

interface Plan {
  readonly survey: Survey;
  readonly doomed: ReadonlyMap<Found, readonly Candidate[]>;
  /** Logs with lines that no lookup counts. */
  readonly untidy: ReadonlySet<Found>;
  readonly blobs: readonly Going[];
  readonly witnesses: readonly Found[];
  readonly entriesKept: number;
  readonly bytesFreed: number;
}

interface Going extends Found {
  /** Used later than this, it stays after all. */
  readonly notUsedSince: number;
}

function planGc(
  folder: StoreFolder,
  deflate: Deflate,
  { maxBytes, maxAgeMs }: GcLimits,
  found: Survey,
  alive: () => void,
  onProgress: (done: number, total: number) => void = () => undefined,
): Plan {
  const now = folder.clock.now();
  const doomed = new Map<Found, Candidate[]>();
  const untidy = new Set<Found>();
  const live: Candidate[] = [];
  const doom = (candidate: Candidate): void => {
    const known = doomed.get(candidate.log);
    if (known === undefined) doomed.set(candidate.log, [candidate]);
    else known.push(candidate);
  };
  for (const [i, log] of found.logs.entries()) {
    onProgress(i + 1, found.logs.length);
    const { entries, torn } = readLog(folder, log.digest, "");
    const counted = readEntries(folder, log.digest).filter((entry) => entry.disowned !== true);
    if (torn > 0 || counted.length < entries.length) untidy.add(log);
    for (const entry of counted) {
      alive();
      const candidate = candidateOf(folder, deflate, found, log, entry);
      if (!found.blobs.has(entry.record) || now - candidate.usedAt > maxAgeMs) doom(candidate);
      else live.push(candidate);
    }
  }
  const users = new Map<Digest, number>();
  for (const { needs } of live) for (const digest of needs) users.set(digest, (users.get(digest) ?? 0) + 1);

  const blobs: Going[] = [];
  let bytesFreed = 0;
  const tooLarge = (): boolean => found.bytes - bytesFreed > maxBytes;
  const remove = (blob: Found, unusedMs: number): void => {
    if (now - blob.mtimeMs <= unusedMs) return;
    blobs.push({ ...blob, notUsedSince: now - unusedMs });
    bytesFreed += blob.sizeBytes;
  };
  // Blobs that nobody needs go when they are old, and at once, before any record, when room is wanted.
  const orphans = [...found.blobs.values()].filter(({ digest }) => !users.has(digest));
  for (const orphan of orphans.sort((a, b) => a.mtimeMs - b.mtimeMs))
    remove(orphan, tooLarge() ? GRACE_MS : Math.max(GRACE_MS, Math.min(ORPHAN_MS, maxAgeMs)));

  live.sort((a, b) => b.usedAt - a.usedAt);
  // The newest stays, whatever its size: a store that is too small should still skip something.
  while (tooLarge() && live.length > 1) {
    const oldest = live.at(-1);
    if (oldest === undefined || now - oldest.usedAt <= GRACE_MS) break;
    live.pop();
    doom(oldest);
    for (const digest of oldest.needs) {
      const left = (users.get(digest) ?? 1) - 1;
      users.set(digest, left);
      const blob = found.blobs.get(digest);
      if (left === 0 && blob !== undefined) remove(blob, GRACE_MS);
    }
  }
  const records = new Set(live.map(({ entry }) => entry.record));
  const witnesses = found.witnesses.filter(({ digest, mtimeMs }) => !records.has(digest) && now - mtimeMs > GRACE_MS);
  bytesFreed += witnesses.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { survey: found, doomed, untidy, blobs, witnesses, entriesKept: live.length, bytesFreed };
}

function candidateOf(folder: StoreFolder, deflate: Deflate, found: Survey, log: Found, entry: RecordEntry): Candidate {
  const blob = found.blobs.get(entry.record);
  const read = blob && guarded(`read ${blob.path}`, () => folder.files.read(blob.path, MAX_RECORD_BYTES));
  const references = read && recordReferences(read.bytes, deflate);
  return {
    log,
    entry,
    needs: [...new Set([entry.record, ...(references ?? [])])],
    usedAt: Math.max(entry.recordedAt, blob?.mtimeMs ?? 0),
  };
}

async function carryOut(
  folder: StoreFolder,
  plan: Plan,
  alive: () => void,
): Promise<Pick<GcReport, "entriesRemoved" | "blobsRemoved">> {
  let entriesRemoved = 0;
  let blobsRemoved = 0;
  const spared = new Set<Digest>();
  for (const log of new Set([...plan.doomed.keys(), ...plan.untidy])) {
    alive();
    const gone = plan.doomed.get(log) ?? [];
    const identities = new Set(gone.map(({ entry }) => identityOf(entry)));
    if (await compactRecords(folder, log.digest, (entry) => !identities.has(identityOf(entry))))
      entriesRemoved += gone.length;
    // Somebody else is compacting this log: its entries stay, and so must what they need.
    else for (const { needs } of gone) for (const digest of needs) spared.add(digest);
  }
  for (const blob of plan.blobs) {
    alive();
    if (!spared.has(blob.digest) && guarded(`remove ${blob.path}`, () => take(folder, blob))) blobsRemoved++;
  }
  for (const { path } of plan.witnesses) guarded(`remove ${path}`, () => folder.files.unlink(path));
  return { entriesRemoved, blobsRemoved };
}

/**
 * Deletes a blob unless it was used meanwhile. Renamed first, then looked at: a put that finds it before the rename has noted
 * its use, and we see that and put it back; a put that comes after the rename finds nothing and writes it anew.
 */
function take({ files }: StoreFolder, { path, notUsedSince }: Going): boolean {
  const going = path + GOING;
  if (!files.rename(path, going)) return false;
  if ((files.stat(going)?.mtimeMs ?? 0) <= notUsedSince) return files.unlink(going);
  files.rename(going, path);
  return false;
}

function clearLeftOvers({ files, clock }: StoreFolder, { leftOvers }: Survey): number {
  let removed = 0;
  for (const { path, mtimeMs } of leftOvers)
    guarded(`remove ${path}`, () => {
      if (path.endsWith(GOING)) {
        // A gc was killed over it, before or after it looked: back, and to be judged next time.
        const home = path.slice(0, -GOING.length);
        if (files.stat(home) === undefined) files.rename(path, home);
        else files.unlink(path);
        removed++;
      } else if (clock.now() - mtimeMs > GRACE_MS && files.unlink(path)) removed++;
    });
  return removed;
}

function reportOf({ survey, doomed, blobs, entriesKept, bytesFreed }: Plan): GcReport {
  return {
    bytesBefore: survey.bytes,
    bytesAfter: survey.bytes - bytesFreed,
    entriesKept,
    entriesRemoved: [...doomed.values()].reduce((sum, gone) => sum + gone.length, 0),
    blobsRemoved: blobs.length,
    leftOversRemoved: 0,
  };
}

function identityOf({ strong, record, recordedAt }: RecordEntry): string {
  return `${strong}${record}${recordedAt}`;
}
