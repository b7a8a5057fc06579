// Whatever happens to a process or a disk: the store verifies, what was there is still found, and work goes on.
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { nodeDeflate, nodeStoreFiles } from "../../src/node/store-files.ts";
import { diskStore } from "../../src/store/disk.ts";
import { MARKS, MAX_LINES_BEHIND_BLOCK } from "../../src/store/disk-records.ts";
import { disowningMark } from "../../src/store/entries.ts";
import { openFolder, pathOf, type StoreFolder } from "../../src/store/folder.ts";
import { gc } from "../../src/store/gc.ts";
import { type RecordEntry, StoreError } from "../../src/store/store.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { readWitness, writeWitness } from "../../src/store/witness.ts";
import { diskEffects, diskFolder } from "../../src/testing/disk-folder.ts";
import { faultyFiles } from "../../src/testing/faulty.ts";
import { recordInto } from "../../src/testing/record-into.ts";
import { digestOf, entryOf } from "../../src/testing/store.contract.ts";
import { temporaryFolder } from "../../src/testing/temporary-folder.ts";
import type { EpochMs } from "../../src/ports.ts";

const DAY = 86_400_000;
/** The first compaction comes one line after the bound; one more append, and the second follows. */
const ENTRIES = 2 * MAX_LINES_BEHIND_BLOCK + 1;
/** `npm run test:long` tries every place; else a share, which the four error codes divide among them. */
const LONG = process.env["FOREGONE_TEST_LONG"] === "1";
const busy = digestOf("busy action");

/** A store with a record in use, one that gc will drop, and a log one line short of compaction. */
async function filledRoot() {
  const root = temporaryFolder();
  const folder = openFolder(diskEffects, root);
  const store = diskStore(folder);
  const now = diskEffects.clock.now();
  const young = await recordInto(store, { name: "young", recordedAt: now });
  const old = await recordInto(store, { name: "old", recordedAt: 1 });
  for (const digest of [old.record, old.output, old.content]) fs.utimesSync(pathOf(folder, "blobs", digest), 1, 1);
  await writeWitness(folder, old.record, [], now);
  await store.blobs.put(Buffer.from("already there"));
  for (let i = 0; i < ENTRIES; i++)
    await store.records.append(busy, { ...entryOf(`set ${i % 3}`, `s${i}`, now - i), record: young.record });
  return { root, folder, young, old };
}

/** Clean, the young record whole, the busy log complete, and open for more. */
async function expectSound(root: string, young: { readonly weak: RecordEntry["record"] }): Promise<void> {
  const folder = openFolder(diskEffects, root);
  expect(verifyStore(folder, nodeDeflate).problems).toEqual([]);
  const { blobs, records } = diskStore(folder);
  expect(await records.lookup(young.weak)).toHaveLength(1);
  expect((await records.lookup(busy)).length).toBeGreaterThanOrEqual(ENTRIES);
  await records.append(busy, entryOf("set 0", "after", diskEffects.clock.now() + DAY));
  expect((await records.lookup(busy))[0]?.strong).toBe(digestOf("after"));
  expect(await blobs.get(await blobs.put(Buffer.from("after")))).toEqual(Buffer.from("after"));
}

describe("a failing disk operation", { timeout: 120_000 }, () => {
  async function work(folder: StoreFolder): Promise<void> {
    const store = diskStore(folder);
    const { record } = await recordInto(store, { name: "new", recordedAt: diskEffects.clock.now() });
    await writeWitness(folder, record, [], diskEffects.clock.now());
    readWitness(folder, record);
    await store.blobs.get(record);
    await store.blobs.findMissing([record]);
    await store.records.append(busy, { ...entryOf("set", "new", diskEffects.clock.now()), record });
    await store.records.lookup(busy);
    await store.records.append(digestOf("wrong"), disowningMark(diskEffects.clock.now()));
    await gc(folder, nodeDeflate, { maxBytes: 1e12, maxAgeMs: 30 * DAY }, false);
  }

  const codes = ["EIO", "ENOSPC", "EACCES", "EMFILE"];
  test.each(codes)("with %s is a StoreError and leaves a sound store, at each step", async (code) => {
    const template = await filledRoot();
    const dry = faultyFiles(nodeStoreFiles, 0, code);
    await work(openFolder({ ...diskEffects, files: dry }, copyOf(template.root)));
    expect(dry.steps()).toBeGreaterThan(80);
    for (let nth = LONG ? 1 : 1 + codes.indexOf(code); nth <= dry.steps(); nth += LONG ? 1 : codes.length) {
      const root = copyOf(template.root);
      const files = faultyFiles(nodeStoreFiles, nth, code);
      const failure = await failureOf(async () => work(openFolder({ ...diskEffects, files }, root)));
      // Undefined: the step was one that need not succeed.
      expect(failure === undefined || failure instanceof StoreError, `step ${nth}: ${String(failure)}`).toBe(true);
      await expectSound(root, template.young);
    }
  });

  test("while a store is made leaves nothing that keeps the next process from making it", async () => {
    const dry = faultyFiles(nodeStoreFiles, 0, "EIO");
    openFolder({ ...diskEffects, files: dry }, temporaryFolder());
    for (let nth = 1; nth <= dry.steps(); nth++) {
      const root = temporaryFolder();
      const files = faultyFiles(nodeStoreFiles, nth, "EIO");
      const failure = await failureOf(async () => openFolder({ ...diskEffects, files }, root));
      expect(failure === undefined || failure instanceof StoreError, `step ${nth}: ${String(failure)}`).toBe(true);
      const { blobs } = diskStore(openFolder(diskEffects, root));
      expect(await blobs.get(await blobs.put(Buffer.from("x")))).toEqual(Buffer.from("x"));
    }
  });

  test("does not save a false skip: a mark that cannot be written takes the entries with it", async () => {
    const folder = diskFolder();
    const { weak } = await recordInto(diskStore(folder), { name: "wrong" });
    const full: StoreFolder = { ...folder, files: { ...nodeStoreFiles, write: () => 0 } };
    await diskStore(full).records.append(weak, disowningMark(diskEffects.clock.now()));
    expect(await diskStore(folder).records.lookup(weak)).toEqual([]);
  });
});

/** All offsets, or those of both ends and every 29th between. */
function offsets(length: number): number[] {
  return Array.from({ length }, (_, at) => at).filter((at) => LONG || at < 150 || at > length - 300 || at % 29 === 0);
}

describe("a log", { timeout: 120_000 }, () => {
  async function logWithBlock() {
    const folder = diskFolder();
    const { records } = diskStore(folder);
    for (let at = 1; at <= 70; at++) await records.append(busy, entryOf(`set ${at % 2}`, `s${at}`, at));
    const path = pathOf(folder, "records", busy);
    const all = await records.lookup(busy);
    const known = new Set(all.map((entry) => JSON.stringify(entry)));
    return { records, path, whole: fs.readFileSync(path), all, known };
  }

  test("cut at every byte gives fewer and fewer entries, never a wrong one", async () => {
    const { records, path, whole, all, known } = await logWithBlock();
    let last = all.length;
    for (const length of offsets(whole.length + 1).reverse()) {
      fs.writeFileSync(path, whole.subarray(0, length));
      const entries = await records.lookup(busy);
      expect(entries.length, `cut at ${length}`).toBeLessThanOrEqual(last);
      expect(entries.every((entry) => known.has(JSON.stringify(entry)))).toBe(true);
      last = entries.length;
    }
    expect(last).toBe(0);
  });

  test("cut at every byte of its last line takes the next append whole", async () => {
    const { records, path, whole } = await logWithBlock();
    for (let cut = 1; cut <= 128; cut++) {
      fs.writeFileSync(path, whole.subarray(0, whole.length - cut));
      await records.append(busy, entryOf("set 0", "next", 1000));
      expect((await records.lookup(busy))[0], `cut by ${cut}`).toEqual(entryOf("set 0", "next", 1000));
    }
  });

  test("with any one bit flipped never gives an entry that was not written", async () => {
    const { records, path, whole, all, known } = await logWithBlock();
    for (const at of offsets(whole.length)) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      fs.writeFileSync(path, bytes);
      const entries = await records.lookup(busy);
      expect(entries.length, `byte ${at}`).toBeLessThan(all.length);
      expect(entries.every((entry) => known.has(JSON.stringify(entry)))).toBe(true);
    }
  });
});

test("a mark cut at every byte still disowns", async () => {
  const folder = diskFolder();
  const { records } = diskStore(folder);
  const { weak } = await recordInto(diskStore(folder), { name: "wrong", recordedAt: 1 });
  await records.append(weak, disowningMark(2 as EpochMs));
  const path = pathOf(folder, "records", weak) + MARKS;
  const whole = fs.readFileSync(path);
  for (let length = 1; length <= whole.length; length++) {
    fs.writeFileSync(path, whole.subarray(0, length));
    expect((await records.lookup(weak)).filter((entry) => entry.disowned !== true)).toEqual([]);
  }
});

test("a blob with any bit flipped, or cut anywhere, is a miss", async () => {
  const folder = diskFolder();
  const { blobs } = diskStore(folder);
  const bytes = Buffer.from("a small but precious output");
  const digest = await blobs.put(bytes);
  const path = pathOf(folder, "blobs", digest);
  const wrong = [
    ...Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return flipped;
    }),
    ...Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length)),
  ];
  for (const other of wrong) {
    fs.writeFileSync(path, other);
    expect(await blobs.get(digest)).toBeUndefined();
  }
});

describe("real processes", () => {
  let child = "";
  beforeAll(async () => {
    child = join(fs.mkdtempSync(join("node_modules", ".faults-")), "child.mjs");
    await build({
      entryPoints: ["test/faults/store-child.ts"],
      outfile: child,
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "error",
      banner: { js: 'import{createRequire as r}from"node:module";const require=r(import.meta.url);' },
    });
    return () => fs.rmSync(join(child, ".."), { recursive: true });
  });
  const start = (mode: string, root: string, n: number): ChildProcess =>
    spawn(process.execPath, [child, mode, root, String(n)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = (process: ChildProcess): Promise<{ signal: string | null; code: number | null; stdout: string }> =>
    new Promise((resolve) => {
      let stdout = "";
      process.stdout?.on("data", (bytes: Buffer) => (stdout += bytes.toString()));
      process.on("close", (code, signal) => resolve({ code, signal, stdout }));
    });

  test("killed with SIGKILL before each change of the disk leave a sound store", { timeout: 120_000 }, async () => {
    const template = await filledRoot();
    const whole = await ended(start("work", copyOf(template.root), 0));
    const steps = Number(whole.stdout);
    expect(steps).toBeGreaterThan(40);
    for (let first = 1; first <= steps; first += 2)
      await Promise.all(
        [first, first + 1].map(async (nth) => {
          const root = copyOf(template.root);
          const { signal } = await ended(start("work", root, nth));
          expect(signal, `step ${nth} of ${steps}`).toBe(nth <= steps ? "SIGKILL" : null);
          await expectSound(root, template.young);
        }),
      );
  });

  test("killed while they make a new store do not keep the next from making it", async () => {
    for (let nth = 1; nth <= 12; nth++) {
      const root = temporaryFolder();
      await ended(start("work", root, nth));
      const { blobs } = diskStore(openFolder(diskEffects, root));
      expect(await blobs.get(await blobs.put(Buffer.from("x")))).toEqual(Buffer.from("x"));
    }
  });

  test("eight that make a store at once and append to one Action agree on its key and lose nothing", async () => {
    const root = temporaryFolder();
    const ends = await Promise.all(Array.from({ length: 8 }, (_, n) => ended(start("append", root, n))));
    expect(ends.map(({ code }) => code)).toEqual(Array.from({ length: 8 }, () => 0));
    const folder = openFolder(diskEffects, root);
    const entries = await diskStore(folder).records.lookup(digestOf("contended"));
    expect(entries).toHaveLength(800);
    expect(verifyStore(folder, nodeDeflate)).toMatchObject({ problems: [], tornLines: 0 });
    expect(fs.statSync(pathOf(folder, "records", digestOf("contended"))).size).toBeLessThan(48 + 800 * 112 + 80 * 128);
  });
});

async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return undefined;
}

function copyOf(root: string): string {
  const copy = temporaryFolder();
  fs.cpSync(root, copy, { recursive: true, preserveTimestamps: true });
  fs.chmodSync(join(copy, "v1"), 0o700);
  return copy;
}
