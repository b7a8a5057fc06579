// Private files: 0700 folder, 0600 files, ours, no links. All changes of the credential folder go through `Disk`, one
// method an effect, so that a test can stop or fail the n-th of them.
import fs from "node:fs";
import { dirname } from "node:path";
import { ForegoneError } from "../core/errors.ts";

export interface Disk {
  /** A new file, 0600; EEXIST if the name is taken, by a link too. @returns its descriptor */
  create(path: string): number;
  /** An existing private file for appending or writing in place. */
  open(path: string, how: "append" | "write"): number;
  /** All of the bytes, at `position` or at the end. */
  write(fd: number, bytes: Uint8Array, position?: number): void;
  /** Data and size are on the medium when this returns. */
  sync(fd: number): void;
  truncate(fd: number, sizeBytes: number): void;
  close(fd: number): void;
  link(from: string, to: string): void;
  rename(from: string, to: string): void;
  /** No error if it is not there. */
  remove(path: string): void;
  /** Makes new names in the folder durable. */
  syncFolder(path: string): void;
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;

export const nodeDisk: Disk = {
  create: (path) => fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600),
  open(path, how) {
    const fd = fs.openSync(path, (how === "append" ? O_WRONLY | O_APPEND : O_RDWR) | O_NOFOLLOW);
    try {
      assertPrivate(fd, path);
      return fd;
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  },
  write(fd, bytes, position) {
    for (let done = 0; done < bytes.length;)
      done += fs.writeSync(fd, bytes, done, bytes.length - done, position === undefined ? null : position + done);
  },
  sync: (fd) => fs.fdatasyncSync(fd),
  truncate: (fd, sizeBytes) => fs.ftruncateSync(fd, sizeBytes),
  close: (fd) => fs.closeSync(fd),
  link: (from, to) => fs.linkSync(from, to),
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.rmSync(path, { force: true }),
  syncFolder(path) {
    const fd = fs.openSync(path, O_RDONLY);
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
};

/** A new private file, whole and durable, or an exception and no name that anybody reads. */
export function writeNew(disk: Disk, path: string, bytes: Uint8Array): void {
  const fd = disk.create(path);
  try {
    disk.write(fd, bytes);
    disk.sync(fd);
  } finally {
    disk.close(fd);
  }
}

/** Replaces a private file by way of `<path>.new`: readers see the old bytes or the new ones. */
export function replace(disk: Disk, path: string, bytes: Uint8Array): void {
  const fresh = `${path}.new`;
  disk.remove(fresh);
  writeNew(disk, fresh, bytes);
  disk.rename(fresh, path);
  disk.syncFolder(dirname(path));
}

/**
 * @returns undefined if there is no such file
 * @throws ForegoneError E_UNSAFE if it is a link, not a file, not ours, or open to others; E_DAMAGED above `maxBytes`
 */
export function readPrivate(path: string, maxBytes: number, from = 0): Buffer | undefined {
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw unsafe(path, "is a symbolic link", `rm ${path}`);
    throw error;
  }
  try {
    assertPrivate(fd, path);
    const size = fs.fstatSync(fd).size - from;
    if (size > maxBytes) throw new ForegoneError("E_DAMAGED", `${path} has ${size} bytes, more than ${maxBytes}`);
    const bytes = Buffer.alloc(Math.max(0, size));
    for (let done = 0; done < bytes.length;) {
      const count = fs.readSync(fd, bytes, done, bytes.length - done, from + done);
      if (count === 0) return bytes.subarray(0, done);
      done += count;
    }
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}

/** @throws ForegoneError E_UNSAFE unless the folder is ours alone. @returns false if there is none */
export function isPrivateFolder(path: string): boolean {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (!stat.isDirectory()) throw unsafe(path, "is not a folder", `mv ${path} ${path}.old`);
  assertMode(stat, path, "700");
  return true;
}

function assertPrivate(fd: number, path: string): void {
  const stat = fs.fstatSync(fd);
  if (!stat.isFile()) throw unsafe(path, "is not a file", `mv ${path} ${path}.old`);
  assertMode(stat, path, "600");
}

function assertMode(stat: fs.Stats, path: string, wanted: string): void {
  const uid = process.geteuid?.();
  if (uid !== undefined && stat.uid !== uid)
    throw unsafe(
      path,
      `belongs to uid ${stat.uid}, not to uid ${uid}`,
      `run as its owner: sudo -u '#${stat.uid}' foregone ...`,
    );
  const mode = (stat.mode & 0o777).toString(8).padStart(3, "0");
  if ((stat.mode & 0o077) !== 0) throw unsafe(path, `is open to others (mode ${mode})`, `chmod ${wanted} ${path}`);
}

function unsafe(path: string, what: string, hint: string): ForegoneError {
  return new ForegoneError("E_UNSAFE", `${path} ${what}`, { hint });
}
