// io_uring operations (enum io_uring_op, Linux 6.18): what the tracer decodes, and a positive list of those that work on
// descriptors it already knows. Everything else, known or not, is counted and leaves a gap: xattr by path, CONNECT,
// ACCEPT, BIND, LISTEN, SEND (may carry an address), SENDMSG, RECVMSG, SOCKET, URING_CMD, MSG_RING.
import type { Call } from "./calls.ts";

const decoded: readonly (readonly [opcode: number, name: string, call: Call])[] = [
  [18, "OPENAT", { kind: "open", path: 1 }],
  [21, "STATX", { kind: "look", class: "stat", path: 1, flags: 2, noFollow: { ifFlag: 0x100 } }],
  [28, "OPENAT2", { kind: "open", path: 1 }],
  [35, "RENAMEAT", { kind: "pair", op: "rename", path: 1, path2: 3 }],
  [36, "UNLINKAT", { kind: "change", op: "unlink", path: 1, noFollow: true }],
  [37, "MKDIRAT", { kind: "change", op: "mkdir", path: 1, noFollow: true }],
  [38, "SYMLINKAT", { kind: "pair", op: "symlink", path: 0, path2: 2 }],
  [39, "LINKAT", { kind: "pair", op: "link", path: 1, path2: 3, noFollow: true }],
];

const harmless: readonly number[] = [
  0 /* NOP */, 1 /* READV */, 2 /* WRITEV */, 3 /* FSYNC */, 4 /* READ_FIXED */, 5 /* WRITE_FIXED */, 6 /* POLL_ADD */,
  7 /* POLL_REMOVE */, 8 /* SYNC_FILE_RANGE */, 11 /* TIMEOUT */, 12 /* TIMEOUT_REMOVE */, 14 /* ASYNC_CANCEL */,
  15 /* LINK_TIMEOUT */, 17 /* FALLOCATE */, 19 /* CLOSE */, 20 /* FILES_UPDATE */, 22 /* READ */, 23 /* WRITE */,
  24 /* FADVISE */, 25 /* MADVISE */, 27 /* RECV */, 29 /* EPOLL_CTL */, 30 /* SPLICE */, 31 /* PROVIDE_BUFFERS */,
  32 /* REMOVE_BUFFERS */, 33 /* TEE */, 34 /* SHUTDOWN */, 43 /* FGETXATTR */, 49 /* READ_MULTISHOT */,
  50 /* WAITID */, 51 /* FUTEX_WAIT */, 52 /* FUTEX_WAKE */, 53 /* FUTEX_WAITV */, 54 /* FIXED_FD_INSTALL */,
  55 /* FTRUNCATE */, 59 /* EPOLL_WAIT */, 60 /* READV_FIXED */, 61 /* WRITEV_FIXED */, 62 /* PIPE */,
];

/** By opcode; absent = not decoded. */
export const uringOperations: ReadonlyMap<number, { readonly name: string; readonly call: Call }> = new Map([
  ...harmless.map((opcode) => [opcode, { name: `uring ${opcode}`, call: { kind: "harmless" } as Call }] as const),
  ...decoded.map(([opcode, name, call]) => [opcode, { name, call }] as const),
]);
