// What each system call lets a program see or change, by name: argument positions are the same on every architecture,
// except the few in `calls32`. Sources: man-pages 6.x section 2, kernel Documentation and syscall tables up to 6.19.
// A name that is neither here nor in harmless.ts is unknown, and a traced process that calls it leaves a gap.
import type { ChangeOp, LookClass, PairOp } from "../event.ts";

/** Whether the last component is followed when it is a symlink: always unless said otherwise. */
export type NoFollow =
  | true
  /** Not followed if the flags argument has this bit. */
  | { readonly ifFlag: number }
  /** Not followed unless the flags argument has this bit. */
  | { readonly unlessFlag: number };

/** Argument positions count from 0. `dirfd` absent: relative to the working directory. */
interface PathArgs {
  readonly path: number;
  readonly dirfd?: number;
  readonly flags?: number;
  readonly noFollow?: NoFollow;
}

export type Call =
  /** Returns a descriptor. `how`: the flags are behind a pointer to struct open_how. `implied`: flags of creat. */
  | ({ readonly kind: "open"; readonly how?: number; readonly implied?: number } & PathArgs)
  | ({ readonly kind: "look"; readonly class: LookClass } & PathArgs)
  | ({ readonly kind: "change"; readonly op: ChangeOp } & PathArgs)
  /** Changes what descriptor argument 0 refers to. */
  | { readonly kind: "change-fd"; readonly op: ChangeOp }
  /** Makes descriptor argument 0 the working directory: nothing is looked at, but later relative paths start there. */
  | { readonly kind: "chdir-fd" }
  | ({ readonly kind: "pair"; readonly op: PairOp; readonly path2: number; readonly dirfd2?: number } & PathArgs)
  | ({ readonly kind: "exec" } & PathArgs)
  /** Lists the directory behind descriptor argument 0. */
  | { readonly kind: "list" }
  /** A sockaddr in the arguments; argument 0 is the socket. A null address is none. */
  | { readonly kind: "connect" | "bind"; readonly address: number; readonly length: number }
  | { readonly kind: "listen" | "accept" }
  /** Sends msghdr(s) with addresses, or receives msghdr(s) that may carry descriptors; `vector`: mmsghdr[ret]. */
  | { readonly kind: "send-message" | "receive-message"; readonly message: number; readonly vector: boolean }
  /** Returns a descriptor for something no path names. */
  | { readonly kind: "receive-fd" }
  | { readonly kind: "socket" }
  /** System V objects by key: a private or exclusively created one is the run's own. */
  | { readonly kind: "ipc-get"; readonly key: number; readonly flags: number }
  | { readonly kind: "ipc-attach" }
  | { readonly kind: "uring" }
  /** i386: argument 0 says which socket call, argument 1 points to its arguments. */
  | { readonly kind: "socketcall" }
  /** Reaches what no other rule covers: a gap if it succeeds, and `when` holds. `target`: argument naming whom. */
  | {
      readonly kind: "forbidden";
      readonly target?: number;
      readonly when?: { readonly argument: number; readonly values: readonly [number] | readonly [number, number] };
    }
  | { readonly kind: "harmless" };

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_SYMLINK_FOLLOW = 0x400;
const atFlag = { ifFlag: AT_SYMLINK_NOFOLLOW } as const;
const O_CREAT_WRONLY_TRUNC = 0o1101;

const look = (cls: LookClass, path: number, more: Partial<PathArgs> = {}): Call => ({
  kind: "look",
  class: cls,
  path,
  ...more,
});
const lookAt = (cls: LookClass, more: Partial<PathArgs> = {}): Call => look(cls, 1, { dirfd: 0, ...more });
const change = (op: ChangeOp, more: Partial<PathArgs> = {}): Call => ({ kind: "change", op, path: 0, ...more });
const changeAt = (op: ChangeOp, more: Partial<PathArgs> = {}): Call => change(op, { dirfd: 0, path: 1, ...more });
const pair = (op: PairOp, path: number, path2: number, more: Partial<PathArgs> & { dirfd2?: number } = {}): Call => ({
  kind: "pair",
  op,
  path,
  path2,
  ...more,
});
const noFollow = true;
const forbidden: Call = { kind: "forbidden" };

export const calls: Readonly<Record<string, Call>> = {
  open: { kind: "open", path: 0, flags: 1 },
  creat: { kind: "open", path: 0, implied: O_CREAT_WRONLY_TRUNC },
  openat: { kind: "open", dirfd: 0, path: 1, flags: 2 },
  openat2: { kind: "open", dirfd: 0, path: 1, how: 2 },

  stat: look("stat", 0),
  lstat: look("stat", 0, { noFollow }),
  newfstatat: lookAt("stat", { flags: 3, noFollow: atFlag }),
  statx: lookAt("stat", { flags: 2, noFollow: atFlag }),
  file_getattr: lookAt("stat", { flags: 4, noFollow: atFlag }),
  access: look("access", 0),
  faccessat: lookAt("access"),
  faccessat2: lookAt("access", { flags: 3, noFollow: atFlag }),
  statfs: look("access", 0),
  mount_setattr: lookAt("access", { flags: 2, noFollow: atFlag }),
  quotactl: look("access", 1),
  readlink: look("readlink", 0, { noFollow }),
  readlinkat: lookAt("readlink", { noFollow }),
  getxattr: look("xattr", 0),
  lgetxattr: look("xattr", 0, { noFollow }),
  listxattr: look("xattr", 0),
  llistxattr: look("xattr", 0, { noFollow }),
  getxattrat: lookAt("xattr", { flags: 2, noFollow: atFlag }),
  listxattrat: lookAt("xattr", { flags: 2, noFollow: atFlag }),
  inotify_add_watch: look("watch", 1, { flags: 2, noFollow: { ifFlag: 0x0200_0000 } }),
  fanotify_mark: look("watch", 4, { dirfd: 3, flags: 1, noFollow: { ifFlag: 0x4 } }),
  name_to_handle_at: lookAt("handle", { flags: 4, noFollow: { unlessFlag: AT_SYMLINK_FOLLOW } }),
  open_tree: lookAt("handle", { flags: 2, noFollow: atFlag }),
  open_tree_attr: lookAt("handle", { flags: 2, noFollow: atFlag }),
  fspick: lookAt("handle", { flags: 2, noFollow: { ifFlag: 0x2 } }),
  chdir: look("chdir", 0),
  chroot: look("chroot", 0),
  fchdir: { kind: "chdir-fd" },

  unlink: change("unlink", { noFollow }),
  unlinkat: changeAt("unlink", { flags: 2, noFollow }),
  rmdir: change("rmdir", { noFollow }),
  mkdir: change("mkdir", { noFollow }),
  mkdirat: changeAt("mkdir", { noFollow }),
  mknod: change("mknod", { noFollow }),
  mknodat: changeAt("mknod", { noFollow }),
  chmod: change("chmod"),
  fchmodat: changeAt("chmod"),
  fchmodat2: changeAt("chmod", { flags: 3, noFollow: atFlag }),
  chown: change("chown"),
  lchown: change("chown", { noFollow }),
  fchownat: changeAt("chown", { flags: 4, noFollow: atFlag }),
  utime: change("utime"),
  utimes: change("utime"),
  futimesat: changeAt("utime"),
  utimensat: changeAt("utime", { flags: 3, noFollow: atFlag }),
  truncate: change("truncate"),
  setxattr: change("setxattr"),
  lsetxattr: change("setxattr", { noFollow }),
  removexattr: change("setxattr"),
  lremovexattr: change("setxattr", { noFollow }),
  setxattrat: changeAt("setxattr", { flags: 2, noFollow: atFlag }),
  removexattrat: changeAt("setxattr", { flags: 2, noFollow: atFlag }),
  file_setattr: changeAt("setxattr", { flags: 4, noFollow: atFlag }),
  umount2: change("umount", { flags: 1, noFollow: { ifFlag: 0x8 } }),
  fchmod: { kind: "change-fd", op: "chmod" },
  fchown: { kind: "change-fd", op: "chown" },
  fsetxattr: { kind: "change-fd", op: "setxattr" },
  fremovexattr: { kind: "change-fd", op: "setxattr" },

  rename: pair("rename", 0, 1),
  renameat: pair("rename", 1, 3, { dirfd: 0, dirfd2: 2 }),
  renameat2: pair("rename", 1, 3, { dirfd: 0, dirfd2: 2, flags: 4 }),
  link: pair("link", 0, 1, { noFollow }),
  linkat: pair("link", 1, 3, { dirfd: 0, dirfd2: 2, flags: 4, noFollow: { unlessFlag: AT_SYMLINK_FOLLOW } }),
  // `from` of a symlink is its target: text, not a path that is looked at.
  symlink: pair("symlink", 0, 1),
  symlinkat: pair("symlink", 0, 2, { dirfd2: 1 }),
  mount: pair("mount", 0, 1, { flags: 3 }),
  pivot_root: pair("pivot_root", 0, 1),
  move_mount: pair("move_mount", 1, 3, { dirfd: 0, dirfd2: 2, flags: 4, noFollow: { unlessFlag: 0x1 } }),

  execve: { kind: "exec", path: 0 },
  execveat: { kind: "exec", dirfd: 0, path: 1, flags: 4, noFollow: atFlag },
  getdents: { kind: "list" },
  getdents64: { kind: "list" },

  connect: { kind: "connect", address: 1, length: 2 },
  sendto: { kind: "connect", address: 4, length: 5 },
  bind: { kind: "bind", address: 1, length: 2 },
  listen: { kind: "listen" },
  accept: { kind: "accept" },
  accept4: { kind: "accept" },
  sendmsg: { kind: "send-message", message: 1, vector: false },
  sendmmsg: { kind: "send-message", message: 1, vector: true },
  recvmsg: { kind: "receive-message", message: 1, vector: false },
  recvmmsg: { kind: "receive-message", message: 1, vector: true },
  socket: { kind: "socket" },
  pidfd_getfd: { kind: "receive-fd" },
  open_by_handle_at: { kind: "receive-fd" },
  shmget: { kind: "ipc-get", key: 0, flags: 2 },
  semget: { kind: "ipc-get", key: 0, flags: 2 },
  msgget: { kind: "ipc-get", key: 0, flags: 1 },
  shmat: { kind: "ipc-attach" },
  io_uring_setup: { kind: "uring" },

  // PTRACE_ATTACH, PTRACE_SEIZE: TRACEME and the rest act on our own children.
  ptrace: { kind: "forbidden", target: 1, when: { argument: 0, values: [16, 0x4206] } },
  process_vm_readv: { kind: "forbidden", target: 0 },
  process_vm_writev: { kind: "forbidden", target: 0 },
  // BPF_OBJ_GET opens a pinned object by path, BPF_MAP_GET_FD_BY_ID one of another tracer. Other commands must stay allowed: a nested
  // tracer uses them.
  bpf: { kind: "forbidden", when: { argument: 0, values: [7, 14] } },
  // F_NOTIFY watches a directory.
  fcntl: { kind: "forbidden", when: { argument: 1, values: [1026] } },
  // KEYCTL_READ: key payloads come from outside the run.
  keyctl: { kind: "forbidden", when: { argument: 0, values: [11] } },
  // Hands out descriptors of files that others open, by read(2).
  fanotify_init: forbidden,
  request_key: forbidden,
  mq_open: forbidden,
  uselib: forbidden,
  lookup_dcookie: forbidden,
  nfsservctl: forbidden,
  acct: forbidden,
  swapon: forbidden,
  swapoff: forbidden,
  init_module: forbidden,
  finit_module: forbidden,
  delete_module: forbidden,
  kexec_load: forbidden,
  kexec_file_load: forbidden,
};

/** Names that only 32-bit ABIs have, and names whose arguments differ there. */
export const calls32: Readonly<Record<string, Call>> = {
  oldstat: look("stat", 0),
  oldlstat: look("stat", 0, { noFollow }),
  stat64: look("stat", 0),
  lstat64: look("stat", 0, { noFollow }),
  fstatat64: lookAt("stat", { flags: 3, noFollow: atFlag }),
  statfs64: look("access", 0),
  // The 64-bit mask takes two registers, so directory and path come one later.
  fanotify_mark: look("watch", 5, { dirfd: 4, flags: 1, noFollow: { ifFlag: 0x4 } }),
  lchown32: change("chown", { noFollow }),
  chown32: change("chown"),
  fchown32: { kind: "change-fd", op: "chown" },
  truncate64: change("truncate"),
  utimensat_time64: changeAt("utime", { flags: 3, noFollow: atFlag }),
  umount: change("umount"),
  readdir: { kind: "list" },
  fcntl64: { kind: "forbidden", when: { argument: 1, values: [1026] } },
  recvmmsg_time64: { kind: "receive-message", message: 1, vector: true },
  socketcall: { kind: "socketcall" },
  // Multiplexes all System V calls; its users are 32-bit programs older than Linux 5.1.
  ipc: forbidden,
};
