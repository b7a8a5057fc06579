// The store's folder on disk: who owns it, its key, where things lie, and the two ways to write: whole files, which appear
// at once or not at all, and logs (append-log.ts). Layout: docs/format.md.
import type { Clock, Hasher, Random, StoreFiles } from "../ports.ts";
import { type Digest, hexOf } from "../core/digest.ts";
import { StoreError } from "./store.ts";

export interface StoreEffects {
  readonly files: StoreFiles;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly random: Random;
}

export type FileKind = "blobs" | "records" | "witness";

export interface StoreFolder extends StoreEffects {
  /** Absolute, ends in the layout version: a later layout lives beside this one. */
  readonly path: string;
  /** 32 bytes that authenticate what this machine wrote. */
  readonly key: Uint8Array;
}

export const LAYOUT = "v1";
const KEY_BYTES = 32;
const LAYER = "disk";

/**
 * Opens the store below `root`, making it if it is not there.
 * @throws StoreError EOWNER, EMODE: somebody else owns the folder or may read it; EKEY: its key is broken; or an errno
 */
export function openFolder(effects: StoreEffects, root: string): StoreFolder {
  return guarded(`open the store ${root}`, () => {
    const { files } = effects;
    const path = `${root}/${LAYOUT}`;
    if (files.stat(path) === undefined) files.mkdir(path);
    refuseStrangers(files, path, "dir");
    const key = readKey(files, path) ?? makeKey(effects, path);
    return { ...effects, path, key };
  });
}

/** "blobs/3f/a1c2...": 256 folders keep each small at a million files. */
export function pathOf(folder: StoreFolder, kind: FileKind, digest: Digest): string {
  const hex = hexOf(digest);
  return `${folder.path}/${kind}/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

/** Runs one piece of disk work; an errno becomes a StoreError that says what we wanted to do. */
export function guarded<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asStoreError(what, error);
  }
}

export async function guardedAsync<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asStoreError(what, error);
  }
}

function asStoreError(what: string, error: unknown): unknown {
  const code = (error as { code?: unknown }).code;
  if (error instanceof StoreError || typeof code !== "string") return error;
  return new StoreError(LAYER, code, `cannot ${what}: ${code}`);
}

/** Temporary files start so; what a killed process leaves behind is told by it, and removed by gc. */
export const TEMPORARY = "tmp-";

/**
 * Writes a whole file: it appears complete or not at all.
 * @param how "durable": also after a power cut. "quick": for what may as well be lost
 */
export async function writeWhole(
  folder: StoreFolder,
  path: string,
  bytes: Uint8Array,
  how: "durable" | "quick",
): Promise<void> {
  const { files } = folder;
  const parent = path.slice(0, path.lastIndexOf("/"));
  const temporary = `${parent}/${TEMPORARY}${randomName(folder)}`;
  const fd = createIn(files, parent, temporary);
  try {
    try {
      writeAll(files, fd, bytes);
      if (how === "durable") await files.fsync(fd);
    } finally {
      files.close(fd);
    }
    files.rename(temporary, path);
  } catch (error) {
    removeQuietly(files, temporary);
    throw error;
  }
}

function writeAll(files: StoreFiles, fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += files.write(fd, at === 0 ? bytes : bytes.subarray(at));
}

export function randomName(effects: Pick<StoreEffects, "random">): string {
  return Buffer.from(effects.random.bytes(8)).toString("hex");
}

export function removeQuietly(files: StoreFiles, path: string): void {
  try {
    files.unlink(path);
  } catch {
    // Already failing for a better reason; gc removes it.
  }
}

/** Makes the parent folder only when it turns out to be missing: 256 times in a store's life. */
export function createIn(files: StoreFiles, parent: string, path: string): number {
  try {
    return files.create(path);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    files.mkdir(parent);
    return files.create(path);
  }
}

function readKey(files: StoreFiles, path: string): Uint8Array | undefined {
  const read = files.read(`${path}/key`, 4096);
  if (read === undefined) return undefined;
  refuseStrangers(files, `${path}/key`, "file");
  if (read.bytes.length === 0) {
    // A power cut right after the store was made: nothing is authenticated with it yet.
    files.unlink(`${path}/key`);
    return undefined;
  }
  if (read.bytes.length !== KEY_BYTES)
    throw new StoreError(LAYER, "EKEY", `the store's key ${path}/key is broken`, `rm -r ${path}`);
  return read.bytes;
}

/** Of several processes that open a new store at once, one key wins: link(2) does not replace. */
function makeKey(effects: StoreEffects, path: string): Uint8Array {
  const { files, random } = effects;
  const temporary = `${path}/${TEMPORARY}${randomName(effects)}`;
  const fd = files.create(temporary);
  try {
    writeAll(files, fd, random.bytes(KEY_BYTES));
  } finally {
    files.close(fd);
  }
  try {
    files.link(temporary, `${path}/key`);
  } catch {
    // No hard links on this file system. Of two renames the later wins; the loser's first lines are then not authentic,
    // which is a miss.
    files.rename(temporary, `${path}/key`);
  }
  removeQuietly(files, temporary);
  const key = readKey(files, path);
  if (key === undefined) throw new StoreError(LAYER, "EKEY", `the store's key ${path}/key vanished`);
  return key;
}

function refuseStrangers(files: StoreFiles, path: string, type: "dir" | "file"): void {
  const stat = files.stat(path);
  if (stat === undefined || stat.type !== type) throw new StoreError(LAYER, "ENOTDIR", `${path} is not a ${type}`);
  if (files.uid === undefined) return;
  if (stat.uid !== files.uid)
    throw new StoreError(
      LAYER,
      "EOWNER",
      `${path} belongs to user ${stat.uid}, and this is user ${files.uid}`,
      "set FOREGONE_CACHE_DIR to a folder of your own",
    );
  if ((stat.mode & 0o077) !== 0)
    throw new StoreError(
      LAYER,
      "EMODE",
      `others may read or write ${path} (mode ${stat.mode.toString(8)})`,
      type === "dir" ? `chmod 700 ${path}` : `rm -r ${path.slice(0, path.lastIndexOf("/"))}`,
    );
}
