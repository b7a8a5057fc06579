import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { CounterReader, Counters } from "./counters.ts";
import { openFolder, type StoreFolder } from "./folder.ts";
import { appendTo, type SegmentLog } from "./segments.ts";

const folderIn = (root = temporaryFolder()): StoreFolder =>
  openFolder({ files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom }, root);
const logOf = ({ files, path }: StoreFolder): SegmentLog => ({ files, path: `${path}/counters`, maxBytes: 1e12 });
/** Fills a segment with lines that count one `n` each. @returns how many */
function fill(folder: StoreFolder): number {
  const line = JSON.stringify({ n: 1, [`pad-${"x".repeat(20_000)}`]: 1 });
  for (let i = 0; i < 55; i++) appendTo(logOf(folder), line);
  return 55;
}

test("what processes add is summed, and survives them", async () => {
  const folder = folderIn();
  const [a, b] = [new Counters(folder), new Counters(folder)];
  a.add("x");
  a.add("x", 2);
  b.add("x", 4);
  b.add("y", 0.5);
  await Promise.all([a.flush(), b.flush(), a.flush()]);
  expect(new CounterReader(folder).read()).toEqual({ x: 7, y: 0.5 });
});

test("what is no growth is not counted", async () => {
  const folder = folderIn();
  const counters = new Counters(folder);
  for (const delta of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) counters.add("x", delta);
  await counters.flush();
  appendTo(logOf(folder), '{"x": -5, "y": "many", "z": 1}');
  expect(new CounterReader(folder).read()).toEqual({ z: 1 });
});

test("a reader that goes on sees each line once, also across folding", async () => {
  const folder = folderIn();
  const reader = new CounterReader(folder);
  const counters = new Counters(folder);
  let n = 0;
  for (let round = 0; round < 8; round++) {
    n += fill(folder);
    counters.add("n");
    n++;
    await counters.flush();
    expect(reader.read()["n"]).toBe(n);
    expect(new CounterReader(folder).read()["n"]).toBe(n);
  }
  expect(readdirSync(join(folder.path, "counters")).filter((name) => name.endsWith(".jsonl")).length).toBeLessThan(6);
});

test("a reader that fell behind the folding begins again from the sums", async () => {
  const folder = folderIn();
  const reader = new CounterReader(folder);
  fill(folder);
  reader.read();
  let n = 55;
  const counters = new Counters(folder);
  for (let round = 0; round < 8; round++) {
    n += fill(folder) + 1;
    counters.add("n");
    await counters.flush();
  }
  expect(reader.read()["n"]).toBe(n);
});

test("segments that a crash left beside the sums are not counted again", async () => {
  const folder = folderIn();
  const counters = new Counters(folder);
  let n = 0;
  const kept = new Map<string, Buffer>();
  for (let round = 0; round < 6; round++) {
    n += fill(folder) + 1;
    for (const name of readdirSync(join(folder.path, "counters")).filter((each) => each.endsWith(".jsonl"))) {
      const read = nodeStoreFiles.read(join(folder.path, "counters", name), 1e8);
      if (read !== undefined) kept.set(name, Buffer.from(read.bytes));
    }
    counters.add("n");
    await counters.flush();
  }
  const there = readdirSync(join(folder.path, "counters"));
  for (const [name, bytes] of kept)
    if (!there.includes(name)) writeFileSync(join(folder.path, "counters", name), bytes);
  expect(new CounterReader(folder).read()["n"]).toBe(n);
});

test("damaged sums cost the folded counts, never the reading", async () => {
  const folder = folderIn();
  const counters = new Counters(folder);
  counters.add("x");
  await counters.flush();
  writeFileSync(join(folder.path, "counters/sums.json"), "{torn");
  expect(new CounterReader(folder).read()).toEqual({ x: 1 });
});

test("a disk that cannot be written keeps the counts for the next time", async () => {
  const folder = folderIn();
  let full = true;
  const failing = {
    ...folder,
    files: {
      ...nodeStoreFiles,
      openAppend: (path: string) => (full ? fail("ENOSPC") : nodeStoreFiles.openAppend(path)),
    },
  };
  const counters = new Counters(failing);
  counters.add("x", 3);
  expect(await counters.flush()).toBe(false);
  full = false;
  expect(await counters.flush()).toBe(true);
  expect(new CounterReader(folder).read()).toEqual({ x: 3 });
});

function fail(code: string): never {
  throw Object.assign(new Error(code), { code });
}
