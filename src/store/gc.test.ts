import fs from "node:fs";
import { describe, expect, test } from "vitest";
import type { Digest } from "../core/digest.ts";
import { systemClock } from "../node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../node/store-files.ts";
import type { EpochMs } from "../ports.ts";
import { diskFolder } from "../testing/disk-folder.ts";
import { recordInto } from "../testing/record-into.ts";
import { digestOf } from "../testing/store.contract.ts";
import { diskStore } from "./disk.ts";
import { MARKS } from "./disk-records.ts";
import { disowningMark } from "./entries.ts";
import { pathOf, type StoreFolder } from "./folder.ts";
import { gc, gcIfDue, type GcLimits, type GcReport } from "./gc.ts";
import { survey } from "./survey.ts";
import { verifyStore } from "./verify.ts";
import { writeWitness } from "./witness.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ample: GcLimits = { maxBytes: 1e12, maxAgeMs: 30 * DAY };

/** A store, and its clock as a hand that the test turns; files bear the real time. */
function clockedFolder() {
  let ahead = 0;
  const now = (): EpochMs => (systemClock.now() + ahead) as EpochMs;
  const folder = diskFolder({ clock: { now, monotonicMs: () => systemClock.monotonicMs() } });
  return { folder, store: diskStore(folder), now, later: (ms: number) => void (ahead += ms) };
}

async function run(folder: StoreFolder, limits: GcLimits): Promise<GcReport> {
  const report = await gc(folder, nodeDeflate, limits, false);
  if (report === "locked") throw new Error("locked");
  expect(verifyStore(folder, nodeDeflate).problems).toEqual([]);
  return report;
}

/** Makes a blob look as if it was used last at this time. */
function age(folder: StoreFolder, digest: Digest, at: number): void {
  fs.utimesSync(pathOf(folder, "blobs", digest), at / 1000, at / 1000);
}

describe("gc by age", () => {
  test("removes records that nobody used for so long, with all that only they need", async () => {
    const { folder, store, now, later } = clockedFolder();
    const old = await recordInto(store, { name: "old", recordedAt: now() });
    await writeWitness(folder, old.record, [], now());
    later(31 * DAY);
    const young = await recordInto(store, { name: "young", recordedAt: now() });
    for (const digest of [young.record, young.output, young.content]) age(folder, digest, now());
    const report = await run(folder, ample);
    expect(report).toMatchObject({ entriesRemoved: 1, entriesKept: 1, blobsRemoved: 3 });
    expect(await store.records.lookup(old.weak)).toEqual([]);
    expect(await store.blobs.findMissing([old.record, old.output, old.content])).toHaveLength(3);
    expect(survey(folder).witnesses).toEqual([]);
    expect(await store.blobs.findMissing([young.record, young.output, young.content])).toEqual([]);
  });

  test("keeps an old record that was used lately, and a blob that two records need", async () => {
    const { folder, store, now, later } = clockedFolder();
    const used = await recordInto(store, { name: "same", recordedAt: now() });
    const other = await recordInto(store, { name: "same", weak: digestOf("other"), recordedAt: now() });
    later(31 * DAY);
    await store.blobs.get(used.record);
    const report = await run(folder, ample);
    expect(report).toMatchObject({ entriesRemoved: 1, entriesKept: 1 });
    expect(await store.records.lookup(other.weak)).toEqual([]);
    expect(await store.blobs.findMissing([used.record, used.output, used.content])).toEqual([]);
  });

  test("never removes a mark that disowns", async () => {
    const { folder, store, now, later } = clockedFolder();
    const { weak } = await recordInto(store, { name: "a", recordedAt: now() });
    await store.records.append(weak, disowningMark(now()));
    later(365 * DAY);
    await run(folder, ample);
    expect(await store.records.lookup(weak)).toHaveLength(1);
    expect(fs.existsSync(pathOf(folder, "records", weak) + MARKS)).toBe(true);
    expect(fs.existsSync(pathOf(folder, "records", weak))).toBe(false);
  });

  test("keeps blobs without a record for a day: their run may be going on", async () => {
    const { folder, store, later } = clockedFolder();
    const orphan = await store.blobs.put(Buffer.from("of a run"));
    later(23 * HOUR);
    expect((await run(folder, ample)).blobsRemoved).toBe(0);
    later(2 * HOUR);
    expect((await run(folder, ample)).blobsRemoved).toBe(1);
    expect(await store.blobs.findMissing([orphan])).toEqual([orphan]);
  });
});

describe("gc by size", () => {
  test("removes what was used longest ago, until the rest fits, and keeps the newest", async () => {
    const { folder, store, now, later } = clockedFolder();
    const made = [];
    for (const name of ["a", "b", "c"]) {
      const record = await recordInto(store, { name, recordedAt: now(), contentBytes: 100_000 });
      for (const digest of [record.record, record.output, record.content]) age(folder, digest, now());
      made.push(record);
      later(2 * HOUR);
    }
    expect(await run(folder, { ...ample, maxBytes: 250_000 })).toMatchObject({ entriesRemoved: 1, entriesKept: 2 });
    expect(await store.records.lookup(made[0]?.weak ?? digestOf(""))).toEqual([]);
    const report = await run(folder, { ...ample, maxBytes: 1 });
    expect(report).toMatchObject({ entriesRemoved: 1, entriesKept: 1 });
    expect(await store.records.lookup(made[2]?.weak ?? digestOf(""))).toHaveLength(1);
  });

  test("removes blobs without a record first", async () => {
    const { folder, store, now, later } = clockedFolder();
    await store.blobs.put(Buffer.alloc(100_000));
    later(2 * HOUR);
    await recordInto(store, { name: "a", recordedAt: now(), contentBytes: 100_000 });
    later(2 * HOUR);
    const report = await run(folder, { ...ample, maxBytes: 150_000 });
    expect(report).toMatchObject({ entriesRemoved: 0, blobsRemoved: 1 });
  });

  test("does not touch what was used within the hour, however small the store should be", async () => {
    const { folder, store, now } = clockedFolder();
    await recordInto(store, { name: "a", recordedAt: now() });
    await recordInto(store, { name: "b", recordedAt: now() });
    await store.blobs.put(Buffer.from("just put"));
    expect(await run(folder, { maxBytes: 1, maxAgeMs: 30 * DAY })).toMatchObject({ entriesKept: 2, blobsRemoved: 0 });
  });
});

describe("gc", () => {
  test("on a dry run says what it would do, and does nothing", async () => {
    const { folder, store, now, later } = clockedFolder();
    await recordInto(store, { name: "a", recordedAt: now() });
    later(31 * DAY);
    const before = survey(folder);
    const report = await gc(folder, nodeDeflate, ample, true);
    expect(survey(folder)).toEqual(before);
    expect(report).toMatchObject({ entriesRemoved: 1, blobsRemoved: 3, bytesBefore: before.bytes });
  });

  test("gives way to another gc, but not to one that died", async () => {
    const { folder, later } = clockedFolder();
    fs.writeFileSync(`${folder.path}/gc.lock`, "");
    expect(await gc(folder, nodeDeflate, ample, false)).toBe("locked");
    later(61_000);
    expect(await gc(folder, nodeDeflate, ample, false)).not.toBe("locked");
    expect(fs.existsSync(`${folder.path}/gc.lock`)).toBe(false);
  });

  test("removes what killed processes left behind, after an hour, and puts back a blob on its way out", async () => {
    const { folder, store, later } = clockedFolder();
    const digest = await store.blobs.put(Buffer.from("x"));
    const path = pathOf(folder, "blobs", digest);
    fs.renameSync(path, `${path}.gone`);
    fs.writeFileSync(path.replace(/[^/]+$/, "tmp-1"), "half");
    expect((await run(folder, ample)).leftOversRemoved).toBe(1);
    expect(await store.blobs.get(digest)).toEqual(Buffer.from("x"));
    later(2 * HOUR);
    expect((await run(folder, ample)).leftOversRemoved).toBe(1);
  });

  test("drops an entry whose record is gone, and one that a mark disowns", async () => {
    const { folder, store, now, later } = clockedFolder();
    const [gone, wrong] = [
      await recordInto(store, { name: "gone", recordedAt: now() }),
      await recordInto(store, { name: "wrong", recordedAt: now() }),
    ];
    fs.rmSync(pathOf(folder, "blobs", gone.record));
    await store.records.append(wrong.weak, disowningMark((now() + 1) as EpochMs));
    later(2 * DAY);
    expect(await run(folder, ample)).toMatchObject({ entriesKept: 0, blobsRemoved: 5 });
    expect(survey(folder).logs).toEqual([]);
  });

  test("does not delete a blob that a writer puts between the look and the deletion", async () => {
    const { folder, store, later } = clockedFolder();
    const bytes = Buffer.from("wanted again");
    const digest = await store.blobs.put(bytes);
    later(2 * DAY);
    let armed = true;
    const rename: StoreFolder["files"]["rename"] = (from, to) => {
      // The last moment at which a writer can find the blob under its name.
      if (armed && to.endsWith(".gone")) {
        armed = false;
        fs.utimesSync(from, folder.clock.now() / 1000, folder.clock.now() / 1000);
      }
      return nodeStoreFiles.rename(from, to);
    };
    await run({ ...folder, files: { ...folder.files, rename } }, ample);
    expect(armed).toBe(false);
    expect(await store.blobs.get(digest)).toEqual(bytes);
  });

  test("spares the blobs of a log that somebody else is compacting", async () => {
    const { folder, store, now, later } = clockedFolder();
    const { weak, record } = await recordInto(store, { name: "a", recordedAt: now() });
    later(31 * DAY);
    const lock = `${pathOf(folder, "records", weak)}.lock`;
    fs.writeFileSync(lock, "");
    fs.utimesSync(lock, now() / 1000, now() / 1000);
    expect(await run(folder, ample)).toMatchObject({ entriesRemoved: 0, blobsRemoved: 0 });
    expect(await store.blobs.findMissing([record])).toEqual([]);
  });

  test("at the end of a run is due once a day, and only then lists the store", async () => {
    const { folder, store, now, later } = clockedFolder();
    let lists = 0;
    const list: StoreFolder["files"]["list"] = (path) => {
      lists++;
      return nodeStoreFiles.list(path);
    };
    const counted = { ...folder, files: { ...folder.files, list } };
    const { weak } = await recordInto(store, { name: "a", recordedAt: now() });
    await gcIfDue(counted, nodeDeflate, ample);
    expect(lists).toBeGreaterThan(0);
    lists = 0;
    later(DAY - HOUR);
    await gcIfDue(counted, nodeDeflate, ample);
    expect(lists).toBe(0);
    later(31 * DAY);
    await gcIfDue(counted, nodeDeflate, ample);
    expect(await store.records.lookup(weak)).toEqual([]);
  });
});
