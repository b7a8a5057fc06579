// The self-test's expectations: what the operations of native/canary.c must look like as events. A tracer that misses one
// is not used, and `doctor` names it.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { spawnSync } from "node:child_process";
import type { FileObject, PathRef, TraceEvent } from "../event.ts";
import type { Libc } from "../ffi.ts";

const ENOENT = 2;

interface Operation {
  readonly name: string;
  matches(event: TraceEvent, n: string): boolean;
}

const at = (path: PathRef, base: string, string: string): boolean => path.string === string && path.base?.path === base;
const is = (object: FileObject | undefined, path: string): boolean => object?.path === path;
const looked = (event: TraceEvent, cls: string, path: string, outcome: number, n: string): boolean =>
  event.type === "look" && event.class === cls && at(event.path, `/${n}`, path) && event.outcome === outcome;
const changed = (event: TraceEvent, op: string): event is TraceEvent & { type: "change" } =>
  event.type === "change" && event.op === op && event.outcome === 0;
const text = (address: Uint8Array): string => Buffer.from(address.subarray(2)).toString("latin1");

/** By bit of the mask that the child writes. */
export const operations: readonly Operation[] = [
  { name: "mount", matches: (e, n) => e.type === "pair" && e.op === "mount" && e.from.string === `canary-${n}` },
  { name: "mkdirat", matches: (e, n) => changed(e, "mkdir") && e.path.string === `/dev/${n}` },
  {
    name: "openat creating",
    matches: (e, n) =>
      e.type === "open" && e.created === true && e.path.string === `/dev/${n}/made` && is(e.object, `/${n}/made`),
  },
  {
    name: "openat absolute",
    matches: (e, n) =>
      e.type === "open" && e.created !== true && e.path.string === `/dev/${n}/made` && is(e.object, `/${n}/made`),
  },
  { name: "chdir", matches: (e, n) => e.type === "look" && e.class === "chdir" && e.path.string === `/dev/${n}` },
  {
    name: "openat relative",
    matches: (e, n) => e.type === "open" && at(e.path, `/${n}`, "made") && is(e.object, `/${n}/made`),
  },
  {
    name: "openat2",
    matches: (e, n) => e.type === "open" && at(e.path, `/${n}`, `openat2-${n}`) && e.outcome === ENOENT,
  },
  { name: "newfstatat", matches: (e, n) => looked(e, "stat", `stat-${n}`, ENOENT, n) },
  {
    name: "statx",
    matches: (e, n) => e.type === "look" && e.class === "stat" && at(e.path, "/", `/dev/${n}/made`) && e.outcome === 0,
  },
  { name: "faccessat", matches: (e, n) => looked(e, "access", `access-${n}`, ENOENT, n) },
  {
    name: "symlinkat",
    matches: (e, n) =>
      e.type === "pair" && e.op === "symlink" && e.from.string === `target-${n}` && at(e.to, `/${n}`, `symlink-${n}`),
  },
  { name: "readlinkat", matches: (e, n) => looked(e, "readlink", `symlink-${n}`, 0, n) },
  { name: "getxattr", matches: (e, n) => looked(e, "xattr", `xattr-${n}`, ENOENT, n) },
  { name: "inotify_add_watch", matches: (e, n) => looked(e, "watch", `watch-${n}`, ENOENT, n) },
  { name: "getdents64", matches: (e, n) => e.type === "list" && is(e.object, `/${n}`) },
  {
    name: "linkat",
    matches: (e, n) =>
      e.type === "pair" && e.op === "link" && at(e.from, `/${n}`, "made") && at(e.to, `/${n}`, `link-${n}`),
  },
  {
    name: "renameat2",
    matches: (e, n) =>
      e.type === "pair" && e.op === "rename" && at(e.from, `/${n}`, `link-${n}`) && at(e.to, `/${n}`, `renamed-${n}`),
  },
  { name: "descriptor by socket", matches: (e, n) => e.type === "receive" && is(e.object, `/${n}/made`) },
  { name: "unlinkat", matches: (e, n) => changed(e, "unlink") && at(e.path, `/${n}`, `renamed-${n}`) },
  { name: "fchmod", matches: (e, n) => changed(e, "chmod") && at(e.path, `/${n}/made`, "") },
  {
    name: "connect",
    matches: (e, n) => e.type === "connect" && text(e.address) === `connect-${n}\0` && e.outcome === ENOENT,
  },
  { name: "bind", matches: (e, n) => changed(e, "mknod") && at(e.path, `/${n}`, `bind-${n}`) },
  {
    name: "failed execve",
    matches: (e, n) => e.type === "exec" && at(e.file, `/${n}`, `exec-${n}`) && e.outcome === ENOENT,
  },
  {
    name: "script execve",
    matches: (e, n) =>
      e.type === "exec" && e.outcome === 0 && at(e.file, `/${n}`, "made") && e.interpreter === "/proc/self/exe",
  },
  {
    name: "io_uring openat",
    matches: (e, n) => e.type === "uring" || (e.type === "open" && at(e.path, `/${n}`, `uring-${n}`)),
  },
  {
    name: "i386 open",
    matches: (e, n) => e.type === "open" && at(e.path, `/${n}`, `i386-${n}`) && e.outcome === ENOENT,
  },
  {
    name: "chroot",
    matches: (e, n) =>
      e.type === "open" && e.path.string === `/chroot-${n}` && is(e.path.base, `/${n}`) && is(e.path.root, `/${n}`),
  },
];

/** Without these no tracer is believed; the others may be impossible on a machine (io_uring, i386). */
const OPTIONAL = new Set(["io_uring openat", "i386 open"]);

export interface SelfTest {
  /** Operations that could be done here. */
  readonly done: number;
  readonly missed: readonly string[];
  /** Operations that this machine refuses. */
  readonly impossible: readonly string[];
  readonly passed: boolean;
  /** Why the child did not run, if it did not. */
  readonly why?: string;
}

/** @param mask what the child said it could do */
export function judge(events: readonly TraceEvent[], nonce: string, mask: bigint): SelfTest {
  const missed: string[] = [];
  const impossible: string[] = [];
  let done = 0;
  for (const [i, operation] of operations.entries()) {
    if (((mask >> BigInt(i)) & 1n) === 0n) impossible.push(operation.name);
    else {
      done++;
      if (!events.some((event) => operation.matches(event, nonce))) missed.push(operation.name);
    }
  }
  return { done, missed, impossible, passed: missed.length === 0 && impossible.every((name) => OPTIONAL.has(name)) };
}

export const newNonce = (): string => randomBytes(8).toString("hex");

/** Runs the child from memory: root writes no file. @returns its mask, or why it did not run */
export function runChild(libc: Libc, elf: Buffer, nonce: string): bigint | string {
  const memfdCreate = libc.func("int memfd_create(const char*, uint)");
  const [CLOEXEC, EXEC] = [1, 0x10];
  // Without MFD_EXEC newer kernels complain in their log; older ones do not know it.
  let writer = memfdCreate("foregone-canary", CLOEXEC | EXEC) as number;
  if (writer < 0) writer = memfdCreate("foregone-canary", CLOEXEC) as number;
  if (writer < 0) return "memfd_create failed";
  let reader: number | undefined;
  try {
    fs.writeSync(writer, elf);
    reader = fs.openSync(`/proc/self/fd/${writer}`, "r");
    fs.closeSync(writer); // a file open for writing cannot be executed
    writer = -1;
    const child = spawnSync(`/proc/self/fd/${reader}`, [nonce], { stdio: ["ignore", "pipe", "ignore"], timeout: 5000 });
    if (child.error !== undefined) return (child.error as NodeJS.ErrnoException).code ?? child.error.message;
    if (child.stdout.length !== 8) return `ended with ${child.signal ?? child.status}`;
    return child.stdout.readBigUInt64LE();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    if (writer >= 0) fs.closeSync(writer);
    if (reader !== undefined) fs.closeSync(reader);
  }
}
