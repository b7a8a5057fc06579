import fs from "node:fs";
import { expect, test } from "vitest";
import { hexOf } from "../core/digest.ts";
import { nodeDeflate } from "../node/store-files.ts";
import type { EpochMs } from "../ports.ts";
import { diskFolder } from "../testing/disk-folder.ts";
import { recordInto } from "../testing/record-into.ts";
import { diskStore } from "./disk.ts";
import { MARKS } from "./disk-records.ts";
import { disowningMark } from "./entries.ts";
import { pathOf, type StoreFolder } from "./folder.ts";
import { type Problem, repairStore, verifyStore } from "./verify.ts";
import { writeWitness } from "./witness.ts";

const kinds = (problems: readonly Problem[]): string[] => [...new Set(problems.map(({ kind }) => kind))];

async function filled() {
  const folder = diskFolder();
  const store = diskStore(folder);
  const made = await recordInto(store, { name: "a" });
  await recordInto(store, { name: "b" });
  await writeWitness(folder, made.record, [], 1 as EpochMs);
  await store.records.append(made.weak, disowningMark(0 as EpochMs));
  return { folder, store, ...made };
}

test("verify finds nothing wrong with what was written, and counts it", async () => {
  const { folder } = await filled();
  expect(verifyStore(folder, nodeDeflate)).toMatchObject({
    blobs: 6,
    logs: 2,
    entries: 2,
    marks: 1,
    problems: [],
    leftOvers: 0,
    tornLines: 0,
    strangers: [],
  });
});

const flip = (path: string, at: number): void => {
  const bytes = fs.readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  fs.writeFileSync(path, bytes);
};
type Filled = Awaited<ReturnType<typeof filled>>;
const damages: Record<string, readonly [damage: (made: Filled) => void, kinds: readonly string[]]> = {
  "a flipped bit in an output": [({ folder, output }) => flip(pathOf(folder, "blobs", output), 0), ["wrong-bytes"]],
  "an output that is gone": [({ folder, output }) => fs.rmSync(pathOf(folder, "blobs", output)), ["missing-blob"]],
  "a record that is gone": [({ folder, record }) => fs.rmSync(pathOf(folder, "blobs", record)), ["missing-record"]],
  "a forged line": [({ folder, weak }) => flip(pathOf(folder, "records", weak), 20), ["forged-lines"]],
  "a forged witness": [({ folder, record }) => flip(pathOf(folder, "witness", record), 3), ["forged-witness"]],
  "a damaged mark": [({ folder, weak }) => flip(pathOf(folder, "records", weak) + MARKS, 127), ["damaged-marks"]],
  "a cut mark": [
    ({ folder, weak }) => fs.truncateSync(pathOf(folder, "records", weak) + MARKS, 100),
    ["damaged-marks"],
  ],
};
test.each(Object.keys(damages))("verify finds %s; repair leaves a clean store and the other record", async (name) => {
  const made = await filled();
  const [damage, expected] = damages[name] ?? [() => undefined, []];
  damage(made);
  const found = verifyStore(made.folder, nodeDeflate);
  expect(kinds(found.problems)).toEqual(expected);
  const mended = await repairStore(made.folder, nodeDeflate, found);
  expect(mended.problems).toEqual([]);
  expect(mended.entries).toBeGreaterThanOrEqual(1);
});

test("damage to a mark disowns everything: it may have been the one that counts", async () => {
  const { folder, store, weak } = await filled();
  expect(await store.records.lookup(weak)).toHaveLength(2);
  flip(pathOf(folder, "records", weak) + MARKS, 50);
  expect(await store.records.lookup(weak)).toEqual([]);
});

test("torn lines, left-overs and files of others are no damage", async () => {
  const { folder, weak } = await filled();
  fs.appendFileSync(pathOf(folder, "records", weak), "half a line");
  const shard = pathOf(folder, "blobs", weak).slice(0, -63);
  fs.mkdirSync(shard, { recursive: true });
  fs.writeFileSync(`${shard}/tmp-123`, "half a blob");
  fs.writeFileSync(`${shard}/README`, "mine");
  fs.writeFileSync(`${folder.path}/blobs/stray`, "mine too");
  expect(verifyStore(folder, nodeDeflate)).toMatchObject({
    problems: [],
    leftOvers: 1,
    tornLines: 1,
    strangers: [`${shard}/README`],
  });
});

test("a record of a newer version is not ours to judge", async () => {
  const folder = diskFolder();
  const store = diskStore(folder);
  const { weak } = await recordInto(store, { name: "a", version: 2 });
  expect(hexOf(weak)).toHaveLength(64);
  expect(verifyStore(folder, nodeDeflate)).toMatchObject({ newer: 1, problems: [] });
});

function unreadable(folder: StoreFolder, path: string): StoreFolder {
  const read: StoreFolder["files"]["read"] = (name, max) => {
    if (name === path) throw Object.assign(new Error("EIO"), { code: "EIO" });
    return folder.files.read(name, max);
  };
  return { ...folder, files: { ...folder.files, read } };
}

test("a blob that the disk cannot read is a problem, not the end of the verification", async () => {
  const { folder, output } = await filled();
  const { problems, entries } = verifyStore(unreadable(folder, pathOf(folder, "blobs", output)), nodeDeflate);
  expect(kinds(problems)).toEqual(["unreadable"]);
  expect(entries).toBe(2);
});
