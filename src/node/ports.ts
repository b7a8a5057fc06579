// The only implementations of the ports. Imported by the shells' wiring and by tests, nowhere else.
import { spawn, spawnSync } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import fs from "node:fs";
import {
  type Clock,
  type EntryType,
  type EpochMs,
  type Files,
  type FileWriter,
  type Hasher,
  type Random,
  type Runner,
  type Stat,
  Unreadable,
} from "../ports.ts";

export const systemClock: Clock = {
  now: () => Date.now() as EpochMs,
  monotonicMs: () => performance.now(),
};

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};

export const nodeHasher: Hasher = {
  sha256: (data) => createHash("sha256").update(data).digest("hex"),
  gitBlob: (data) => createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex"),
  hmac: (key, data) => createHmac("sha256", key).update(data).digest("hex"),
};

/** 256 MiB: larger inputs are not hashed in one piece; callers see EFBIG and say `too-large`. */
const MAX_READ_BYTES = 256 * 1024 * 1024;

export const nodeFiles: Files = {
  lstat(path) {
    return guard(() => {
      const s = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
      return s === undefined ? undefined : toStat(s);
    });
  },
  read(path, maxBytes = MAX_READ_BYTES) {
    return guard(() => {
      // O_NONBLOCK: opening a FIFO must not hang the decision.
      const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
      try {
        const stat = fs.fstatSync(fd);
        if (!stat.isFile()) return new Unreadable("EINVAL");
        if (stat.size > maxBytes) return new Unreadable("EFBIG");
        return fs.readFileSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  },
  readPart(path, offset, length) {
    return guard(() => {
      const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
      try {
        if (!fs.fstatSync(fd).isFile()) return new Unreadable("EINVAL");
        const bytes = Buffer.alloc(length);
        return bytes.subarray(0, fs.readSync(fd, bytes, 0, length, offset));
      } finally {
        fs.closeSync(fd);
      }
    });
  },
  readlink: (path) => guard(() => fs.readlinkSync(path)),
  list(path) {
    return guard(() =>
      fs.readdirSync(path, { withFileTypes: true }).map((entry) => [entry.name, typeOf(entry)] as const),
    );
  },
  fileSystem: (path) => guard(() => fs.statfsSync(path).type),
};

export const nodeFileWriter: FileWriter = {
  makeDirectory(path) {
    const code = attempt(() => fs.mkdirSync(path));
    if (code !== "EEXIST") return code;
    return fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? undefined : code;
  },
  writeNew(path, bytes, mode) {
    return attempt(() => {
      fs.writeFileSync(path, bytes, { flag: "wx", mode });
      // The umask took bits away from the mode just given.
      fs.chmodSync(path, mode);
    });
  },
  makeSymlink: (target, path) => attempt(() => fs.symlinkSync(target, path)),
  rename: (from, to) => attempt(() => fs.renameSync(from, to)),
  remove(path) {
    const code = attempt(() => fs.unlinkSync(path));
    if (code === "EISDIR" || code === "EPERM") return attempt(() => fs.rmdirSync(path));
    return code === "ENOENT" ? undefined : code;
  },
};

export const nodeRunner: Runner = {
  run(argv, { cwd, env, stdin }) {
    const [command, ...args] = argv;
    if (command === undefined) throw new TypeError("run: empty argv");
    const done = spawnSync(command, args, {
      cwd,
      ...(env && { env }),
      ...(stdin && { input: stdin }),
      maxBuffer: 1024 * 1024 * 1024,
    });
    return { status: done.status, stdout: done.stdout ?? Buffer.alloc(0), stderr: (done.stderr ?? "").toString() };
  },
  start(argv, { cwd, env, stdin }) {
    const [command, ...args] = argv;
    if (command === undefined) throw new TypeError("start: empty argv");
    return new Promise((resolve) => {
      const child = spawn(command, args, { cwd, ...(env && { env }), stdio: ["pipe", "pipe", "pipe"] });
      const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes));
      child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes));
      // It may end without reading.
      child.stdin.on("error", () => undefined).end(stdin);
      const done = (status: number | null): void =>
        resolve({ status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
      child.on("error", () => child.pid === undefined && done(null));
      child.on("close", (status) => done(status));
    });
  },
};

function attempt(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "EIO";
  }
}

function guard<T>(look: () => T | Unreadable): T | undefined | Unreadable {
  try {
    return look();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "EIO";
    return code === "ENOENT" || code === "ENOTDIR" ? undefined : new Unreadable(code);
  }
}

interface Typed {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

export function typeOf(entry: Typed): EntryType {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "dir";
  return entry.isSymbolicLink() ? "symlink" : "other";
}

function toStat(s: fs.BigIntStats): Stat {
  return {
    type: typeOf(s),
    mode: Number(s.mode & 0o7777n),
    sizeBytes: Number(s.size),
    dev: s.dev,
    ino: s.ino,
    mtimeNs: s.mtimeNs,
    ctimeNs: s.ctimeNs,
  };
}
