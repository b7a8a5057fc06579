// Which entries of an Action count: the bound and the disowning rule, the same in every layer.
import { type Digest, parseDigest } from "../core/digest.ts";
import type { EpochMs } from "../ports.ts";
import type { RecordEntry } from "./store.ts";

/** Chosen, not measured: enough for the branches and reverts of a busy repository; each path set costs one evaluation. */
export const MAX_PATH_SETS = 20;
export const MAX_PER_PATH_SET = 50;

/** No bytes have this digest: what equals it names nothing. */
const NOTHING = parseDigest(`sha256:${"0".repeat(64)}`) as Digest;

/**
 * Disowns every entry of its Action that was recorded at `at` or before. A record that is to live on, such as that of the
 * audit which found the false skip, must be recorded at `at + 1` or later.
 */
export function disowningMark(at: EpochMs): RecordEntry {
  return { pathSet: NOTHING, strong: NOTHING, record: NOTHING, recordedAt: at, disowned: true };
}

/**
 * The entries that count, newest first, without doubles; the newest disowning mark, if any, comes last, so that whoever
 * merges several layers can apply it to the others.
 * @param entries in any order; of two equally old, the later one is taken for newer
 */
export function retain(entries: readonly RecordEntry[]): readonly RecordEntry[] {
  const newestFirst = entries.toReversed().sort((a, b) => b.recordedAt - a.recordedAt);
  const mark = newestFirst.find((entry) => entry.disowned === true);
  const mixed = entries.some(({ via }) => via !== undefined);
  const own = new Set(mixed ? newestFirst.filter(({ via }) => via === undefined).map(identityOf) : []);
  const perPathSet = new Map<Digest, number>();
  const seen = new Map<Digest, Digest[]>();
  const kept: RecordEntry[] = [];
  for (const entry of newestFirst) {
    if (mark !== undefined && entry.recordedAt <= mark.recordedAt) break;
    // Of two layers that have the same entry, the one that vouches for it is believed, whatever time the other claims.
    if (entry.via !== undefined && own.has(identityOf(entry))) continue;
    const records = seen.get(entry.strong);
    if (records === undefined) seen.set(entry.strong, [entry.record]);
    else if (records.includes(entry.record)) continue;
    else records.push(entry.record);
    const count = perPathSet.get(entry.pathSet) ?? 0;
    if (count === MAX_PER_PATH_SET || (count === 0 && perPathSet.size === MAX_PATH_SETS)) continue;
    perPathSet.set(entry.pathSet, count + 1);
    kept.push(entry);
  }
  if (mark !== undefined) kept.push(mark);
  return kept;
}

function identityOf({ strong, record }: RecordEntry): string {
  return strong + record;
}
