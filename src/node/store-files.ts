// Implements the StoreFiles and Deflate ports with node:fs and node:zlib.
import fs from "node:fs";
import zlib from "node:zlib";
import type { Deflate, StoreFiles, StoredFile } from "../ports.ts";
import { typeOf } from "./ports.ts";

export const nodeDeflate: Deflate = {
  deflate: (bytes) => zlib.deflateRawSync(bytes, { level: 9 }),
  inflate(bytes, maxBytes) {
    try {
      return zlib.inflateRawSync(bytes, { maxOutputLength: Math.max(1, maxBytes) });
    } catch {
      return undefined;
    }
  },
};

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export const nodeStoreFiles: StoreFiles = {
  uid: process.getuid?.(),
  stat(path) {
    return missing(() => toStored(fs.statSync(path, { bigint: true })));
  },
  read(path, maxBytes) {
    return missing(() => {
      const fd = fs.openSync(path, "r");
      try {
        const { size, mtimeMs } = fs.fstatSync(fd);
        if (size > maxBytes)
          throw Object.assign(new Error(`${path} is larger than ${maxBytes} bytes`), { code: "EFBIG" });
        return { bytes: fs.readFileSync(fd), mtimeMs };
      } finally {
        fs.closeSync(fd);
      }
    });
  },
  list: (folder) => missing(() => fs.readdirSync(folder)),
  mkdir(folder) {
    fs.mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  },
  create: (path) => fs.openSync(path, "wx", FILE_MODE),
  openAppend: (path) => fs.openSync(path, "a+", FILE_MODE),
  write: (fd, bytes) => fs.writeSync(fd, bytes),
  readFrom(fd, position, maxBytes) {
    const { size } = fs.fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(maxBytes, Math.max(0, size - position)));
    let filled = 0;
    while (filled < bytes.length) {
      const count = fs.readSync(fd, bytes, filled, bytes.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  },
  fstat: (fd) => toStored(fs.fstatSync(fd, { bigint: true })),
  fsync: (fd) =>
    new Promise((resolve, reject) => {
      fs.fsync(fd, (error) => (error === null ? resolve() : reject(error)));
    }),
  close: (fd) => fs.closeSync(fd),
  rename: (from, to) =>
    missing(() => {
      fs.renameSync(from, to);
      return true;
    }) ?? false,
  link(from, to) {
    try {
      fs.linkSync(from, to);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  },
  unlink: (path) =>
    missing(() => {
      fs.unlinkSync(path);
      return true;
    }) ?? false,
  touch: (path, at) =>
    missing(() => {
      fs.utimesSync(path, at / 1000, at / 1000);
      return true;
    }) ?? false,
};

/** ENOENT is an answer here; everything else is thrown. */
function missing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function toStored(s: fs.BigIntStats): StoredFile {
  return {
    sizeBytes: Number(s.size),
    mtimeMs: Number(s.mtimeMs),
    ino: s.ino,
    uid: Number(s.uid),
    mode: Number(s.mode & 0o7777n),
    type: typeOf(s),
  };
}
