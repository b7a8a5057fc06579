import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { EpochMs } from "../ports.ts";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import { digestOf, entryOf, storeContract } from "../testing/store.contract.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { diskStore } from "./disk.ts";
import { disowningMark } from "./entries.ts";
import { openFolder, pathOf, type StoreEffects } from "./folder.ts";

const effects: StoreEffects = { files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom };

storeContract("disk", async () => diskStore(openFolder(effects, temporaryFolder())));

describe("a disk store", () => {
  test("lets nobody else in: folder 0700, files 0600", async () => {
    const folder = openFolder(effects, temporaryFolder());
    const store = diskStore(folder);
    const blob = pathOf(folder, "blobs", await store.blobs.put(Buffer.from("x")));
    await store.records.append(digestOf("action"), entryOf("set", "s", 1));
    const mode = (path: string): string => (fs.statSync(path).mode & 0o777).toString(8);
    expect([folder.path, `${folder.path}/blobs`].map(mode)).toEqual(["700", "700"]);
    expect([blob, `${folder.path}/key`, pathOf(folder, "records", digestOf("action"))].map(mode)).toEqual(
      Array.from({ length: 3 }, () => "600"),
    );
  });

  test("refuses a folder or key that others may read, and says how to mend it", () => {
    const root = temporaryFolder();
    const { path } = openFolder(effects, root);
    fs.chmodSync(path, 0o755);
    expect(() => openFolder(effects, root)).toThrow(
      expect.objectContaining({ code: "EMODE", hint: `chmod 700 ${path}` }),
    );
    fs.chmodSync(path, 0o700);
    fs.chmodSync(join(path, "key"), 0o640);
    expect(() => openFolder(effects, root)).toThrow(expect.objectContaining({ code: "EMODE" }));
  });

  test("refuses a folder of another user", () => {
    const root = temporaryFolder();
    openFolder(effects, root);
    const stranger = { ...effects, files: { ...nodeStoreFiles, uid: 4711 } };
    expect(() => openFolder(stranger, root)).toThrow(expect.objectContaining({ code: "EOWNER" }));
  });

  test("refuses a key of the wrong length", () => {
    const root = temporaryFolder();
    const { path } = openFolder(effects, root);
    fs.truncateSync(join(path, "key"), 31);
    expect(() => openFolder(effects, root)).toThrow(expect.objectContaining({ code: "EKEY" }));
  });

  test("makes a new key where a power cut left an empty one", async () => {
    const root = temporaryFolder();
    const { path } = openFolder(effects, root);
    fs.truncateSync(join(path, "key"), 0);
    expect(openFolder(effects, root).key).toHaveLength(32);
    expect(openFolder(effects, root).key).toEqual(openFolder(effects, root).key);
  });

  test("that can only be read still serves what it has", async () => {
    const folder = openFolder(effects, temporaryFolder());
    const digest = await diskStore(folder).blobs.put(Buffer.from("x"));
    fs.utimesSync(pathOf(folder, "blobs", digest), 1, 1);
    const refuse = (): never => {
      throw Object.assign(new Error("EROFS"), { code: "EROFS" });
    };
    const readOnly = { ...folder, files: { ...nodeStoreFiles, touch: refuse, create: refuse, openAppend: refuse } };
    expect(await diskStore(readOnly).blobs.get(digest)).toEqual(Buffer.from("x"));
    await expect(diskStore(readOnly).blobs.put(Buffer.from("y"))).rejects.toMatchObject({
      layer: "disk",
      code: "EROFS",
    });
    const append = diskStore(readOnly).records.append(digestOf("action"), entryOf("set", "s", 1));
    await expect(append).rejects.toMatchObject({ layer: "disk", code: "EROFS" });
  });

  test("with a log of 5 MB of noise gives what its start has, and is compacted by the next appends", async () => {
    const folder = openFolder(effects, temporaryFolder());
    const { records } = diskStore(folder);
    const weak = digestOf("action");
    await records.append(weak, entryOf("set", "s", 1));
    fs.appendFileSync(pathOf(folder, "records", weak), Buffer.alloc(5_000_000, "noise "));
    expect(await records.lookup(weak)).toEqual([entryOf("set", "s", 1)]);
    for (let at = 2; at < 5; at++) await records.append(weak, entryOf("set", `s${at}`, at));
    expect(fs.statSync(pathOf(folder, "records", weak)).size).toBeLessThan(10_000);
    expect(await records.lookup(weak)).toHaveLength(4);
  });

  test("answers a flipped bit with a miss, and a later put mends it", async () => {
    const folder = openFolder(effects, temporaryFolder());
    const { blobs } = diskStore(folder);
    const digest = await blobs.put(Buffer.from("precious"));
    fs.writeFileSync(pathOf(folder, "blobs", digest), "preciouz");
    expect(await blobs.get(digest)).toBeUndefined();
    await blobs.put(Buffer.from("precious"));
    expect(await blobs.get(digest)).toEqual(Buffer.from("precious"));
  });

  test("does not take a line from another Action's log, nor from another store", async () => {
    const folder = openFolder(effects, temporaryFolder());
    const { records } = diskStore(folder);
    const [mine, other] = [digestOf("mine"), digestOf("other")];
    await records.append(mine, entryOf("set", "s", 1));
    fs.mkdirSync(join(pathOf(folder, "records", other), ".."), { recursive: true });
    fs.copyFileSync(pathOf(folder, "records", mine), pathOf(folder, "records", other));
    expect(await records.lookup(other)).toEqual([]);

    const elsewhere = openFolder(effects, temporaryFolder());
    fs.mkdirSync(join(pathOf(elsewhere, "records", mine), ".."), { recursive: true });
    fs.copyFileSync(pathOf(folder, "records", mine), pathOf(elsewhere, "records", mine));
    expect(await diskStore(elsewhere).records.lookup(mine)).toEqual([]);
  });

  test("keeps a log short, and a mark for ever, over 500 appends", async () => {
    const folder = openFolder(effects, temporaryFolder());
    const { records } = diskStore(folder);
    const weak = digestOf("action");
    await records.append(weak, disowningMark(0 as EpochMs));
    for (let at = 1; at <= 500; at++) await records.append(weak, entryOf(`set ${at % 3}`, `s${at}`, at));
    const kept = await records.lookup(weak);
    expect(kept.filter((entry) => entry.disowned)).toHaveLength(1);
    expect(kept).toHaveLength(151);
    expect(kept[0]).toEqual(entryOf("set 2", "s500", 500));
    expect(fs.statSync(pathOf(folder, "records", weak)).size).toBeLessThan(48 + 150 * 112 + 66 * 128);
    expect(fs.readdirSync(join(pathOf(folder, "records", weak), ".."))).toHaveLength(2);
  });
});
