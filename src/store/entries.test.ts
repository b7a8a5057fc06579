import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EpochMs } from "../ports.ts";
import { entryOf } from "../testing/store.contract.ts";
import { disowningMark, MAX_PATH_SETS, MAX_PER_PATH_SET, retain } from "./entries.ts";
import type { RecordEntry } from "./store.ts";

const entry = fc
  .record({
    set: fc.nat(25),
    strong: fc.nat(30),
    at: fc.nat(40),
    far: fc.boolean(),
    mark: fc.integer({ min: 0, max: 30 }),
  })
  .map(({ set, strong, at, far, mark }): RecordEntry => {
    if (mark === 0) return disowningMark(at as EpochMs);
    const made = entryOf(`set ${set}`, `strong ${strong}`, at);
    return far ? { ...made, via: "redis" } : made;
  });
const entries = fc.array(entry, { maxLength: 120 });

describe("retain()", () => {
  test("keeps the bounds, newest first, each entry once, and nothing that a mark disowns", () => {
    fc.assert(
      fc.property(entries, (all) => {
        const kept = retain(all);
        const live = kept.filter(({ disowned }) => disowned !== true);
        const times = live.map(({ recordedAt }) => recordedAt);
        expect(times).toEqual([...times].sort((a, b) => b - a));
        expect(new Set(live.map(({ strong, record }) => strong + record)).size).toBe(live.length);
        const sets = new Map<string, RecordEntry[]>();
        for (const each of live) sets.set(each.pathSet, [...(sets.get(each.pathSet) ?? []), each]);
        expect(sets.size).toBeLessThanOrEqual(MAX_PATH_SETS);
        for (const set of sets.values()) expect(set.length).toBeLessThanOrEqual(MAX_PER_PATH_SET);
        const marks = all.filter(({ disowned }) => disowned === true).map(({ recordedAt }) => recordedAt);
        expect(kept.filter(({ disowned }) => disowned === true)).toHaveLength(Math.min(1, marks.length));
        for (const time of times) expect(time).toBeGreaterThan(Math.max(-1, ...marks));
      }),
    );
  });

  test("says the same of what it kept, and of two parts of our own first retained apart", () => {
    fc.assert(
      fc.property(entries, entries, (a, b) => {
        const once = retain(a);
        expect(retain(once.toReversed())).toEqual(once);
        // Below the bounds a merge loses nothing: a layer may retain before another does.
        const few = (list: readonly RecordEntry[]): RecordEntry[] =>
          list.flatMap((each, i) =>
            i < 15 && each.via === undefined ? { ...each, recordedAt: (each.recordedAt * 100 + i) as EpochMs } : [],
          );
        const times = (list: readonly RecordEntry[]): Set<number> => new Set(list.map(({ recordedAt }) => recordedAt));
        const apart = retain([...retain(few(a)), ...retain(few(b))]);
        expect(times(apart)).toEqual(times(retain([...few(a), ...few(b)])));
      }),
    );
  });

  test("keeps two records with one fingerprint: the blobs of the newer may be gone", () => {
    const [a, b] = [entryOf("set", "s", 1), { ...entryOf("set", "s", 2), record: entryOf("set", "other", 0).record }];
    expect(retain([a, b])).toEqual([b, a]);
  });
});
