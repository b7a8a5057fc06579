import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeStoreFiles } from "../node/store-files.ts";
import { diskFolder } from "../testing/disk-folder.ts";
import { appendLine, compactLog } from "./append-log.ts";
import type { StoreFolder } from "./folder.ts";

/** Runs `meanwhile` once, just before the given step of `folder`. */
function interrupted(
  folder: StoreFolder,
  step: "fsync" | "stat" | "rename",
  meanwhile: () => Promise<unknown>,
): StoreFolder {
  let pending: Promise<unknown> | undefined;
  const files = {
    ...nodeStoreFiles,
    [step]: (...args: never[]) => {
      pending ??= meanwhile();
      return (nodeStoreFiles[step] as (...all: never[]) => unknown)(...args);
    },
    fsync: async (fd: number) => {
      if (step === "fsync") await (pending ??= meanwhile());
      await nodeStoreFiles.fsync(fd);
    },
  };
  return { ...folder, files };
}

const keepAll = (old: Uint8Array) => ({ bytes: Buffer.from(old), consumed: old.length });
const read = (path: string): string => fs.readFileSync(path, "utf8");

describe("a log that is compacted at the same time", () => {
  test("has the line of an append that wrote to the file which the compaction replaced", async () => {
    const folder = diskFolder();
    const path = `${folder.path}/log`;
    await appendLine(folder, path, Buffer.from("a\n"));
    let seen = "";
    // The compactor is through before the append looks where it wrote; it did not see the line.
    const append = interrupted(folder, "fsync", async () => {
      fs.writeFileSync(`${path}.new`, "a\n");
      fs.renameSync(`${path}.new`, path);
      seen = read(path);
    });
    await appendLine(append, path, Buffer.from("b\n"));
    expect(seen).toBe("a\n");
    expect(read(path)).toBe("a\nb\n");
  });

  test("has the line of an append that came between reading and renaming", async () => {
    const folder = diskFolder();
    const path = `${folder.path}/log`;
    await appendLine(folder, path, Buffer.from("a\n"));
    const compactor = interrupted(folder, "rename", async () => fs.appendFileSync(path, "b\n"));
    expect(await compactLog(compactor, path, keepAll)).toBe(true);
    expect(read(path)).toBe("a\nb\n");
  });

  test("has a line that was half written when it was read", async () => {
    const folder = diskFolder();
    const path = `${folder.path}/log`;
    fs.writeFileSync(path, "a\nb");
    const compactor = interrupted(folder, "rename", async () => fs.appendFileSync(path, "c\n"));
    await compactLog(compactor, path, () => ({ bytes: Buffer.from("a\n"), consumed: 2 }));
    expect(read(path)).toBe("a\nbc\n");
  });

  test("is not compacted by two at once", async () => {
    const folder = diskFolder();
    const path = `${folder.path}/log`;
    await appendLine(folder, path, Buffer.from("a\n"));
    const results: boolean[] = [];
    const first = interrupted(folder, "fsync", async () => results.push(await compactLog(folder, path, keepAll)));
    results.push(await compactLog(first, path, keepAll));
    expect(results).toEqual([false, true]);
    expect(fs.readdirSync(folder.path).sort()).toEqual(["key", "log"]);
  });
});

test("a compaction that leaves nothing removes the log, and an append makes it again", async () => {
  const folder = diskFolder();
  const path = `${folder.path}/log`;
  await appendLine(folder, path, Buffer.from("a\n"));
  expect(await compactLog(folder, path, (old) => ({ bytes: Buffer.alloc(0), consumed: old.length }))).toBe(true);
  expect(fs.existsSync(path)).toBe(false);
  expect(await compactLog(folder, path, keepAll)).toBe(false);
  await appendLine(folder, path, Buffer.from("b\n"));
  expect(read(path)).toBe("b\n");
});

test("a log that is replaced all the time is a StoreError, not an endless loop", async () => {
  const folder = diskFolder();
  const path = `${folder.path}/log`;
  const fsync = async (): Promise<void> => {
    fs.writeFileSync(`${path}.new`, "");
    fs.renameSync(`${path}.new`, path);
  };
  const append = appendLine({ ...folder, files: { ...nodeStoreFiles, fsync } }, path, Buffer.from("a\n"));
  await expect(append).rejects.toMatchObject({ layer: "disk", code: "EBUSY" });
});
