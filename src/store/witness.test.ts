import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { systemClock } from "../node/ports.ts";
import type { EpochMs } from "../ports.ts";
import { diskFolder } from "../testing/disk-folder.ts";
import { digestOf } from "../testing/store.contract.ts";
import { pathOf } from "./folder.ts";
import { readWitness, type Witnessed, writeWitness } from "./witness.ts";

const record = digestOf("record");
const takenAt = 2_000_000 as EpochMs;
const takenNs = 2_000_000_000_000n;
const row: Witnessed = {
  dev: 2n ** 63n - 1n,
  ino: 7n,
  sizeBytes: 2 ** 40,
  mtimeNs: 1_999_123_456_789n,
  ctimeNs: 1_999_123_456_790n,
};

describe("a witness", () => {
  test("holds for exactly the stat it saw", async () => {
    const folder = diskFolder();
    await writeWitness(folder, record, [undefined, row], takenAt);
    const witness = readWitness(folder, record);
    expect(witness?.holds(1, row)).toBe(true);
    expect(witness?.holds(0, row)).toBe(false);
    expect(witness?.holds(2, row)).toBe(false);
    const others: Partial<Witnessed>[] = [{ dev: 1n }, { ino: 8n }, { sizeBytes: 1 }, { mtimeNs: 1n }, { ctimeNs: 1n }];
    for (const other of others) expect(witness?.holds(1, { ...row, ...other })).toBe(false);
  });

  test("forgets a row whose times are too near to the look: a later change could bear the same ones", async () => {
    const folder = diskFolder();
    const settled = { ...row, mtimeNs: takenNs - 20_000_001n, ctimeNs: takenNs - 20_000_001n };
    const racy = [{ ctimeNs: takenNs - 20_000_000n }, { mtimeNs: takenNs }].map((times) => ({ ...settled, ...times }));
    await writeWitness(folder, record, [settled, ...racy], takenAt);
    const witness = readWitness(folder, record);
    expect([settled, ...racy].map((each, i) => witness?.holds(i, each))).toEqual([true, false, false]);
  });

  test("holds for a real file, until it is touched, rewritten or replaced", async () => {
    const folder = diskFolder();
    const path = `${folder.path}/input`;
    const look = (): Witnessed => {
      const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(path, { bigint: true });
      return { dev, ino, sizeBytes: Number(size), mtimeNs, ctimeNs };
    };
    fs.writeFileSync(path, "a");
    await writeWitness(folder, record, [look()], (systemClock.now() + 60_000) as EpochMs);
    expect(readWitness(folder, record)?.holds(0, look())).toBe(true);
    fs.renameSync(path, `${path}.old`);
    fs.writeFileSync(path, "a");
    expect(readWitness(folder, record)?.holds(0, look())).toBe(false);
  });

  test("of another record or store, or with any one byte changed is none", async () => {
    const folder = diskFolder();
    await writeWitness(folder, record, [row], takenAt);
    const path = pathOf(folder, "witness", record);
    const other = digestOf("other");
    const whole = fs.readFileSync(path);
    for (const [target, digest] of [
      [folder, other],
      [diskFolder(), record],
    ] as const) {
      const copy = pathOf(target, "witness", digest);
      fs.mkdirSync(copy.slice(0, copy.lastIndexOf("/")), { recursive: true });
      fs.copyFileSync(path, copy);
      expect(readWitness(target, digest)).toBeUndefined();
    }
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      fs.writeFileSync(path, bytes);
      expect(readWitness(folder, record), `byte ${at}`).toBeUndefined();
    }
  });
});
