// What a back end reports: raw facts, before any path is resolved. Both back ends speak this; `interpret` turns it into
// Observations and Gaps. Paths are byte strings: latin1, one character a byte, so nothing is lost before the end.

/** A byte string: each UTF-16 unit is one byte (latin1). */
export type Bytes = string & { readonly __brand: "Bytes" };

/** A file by identity: device and path inside that file system, independent of mounts, chroots and containers. */
export interface FileObject {
  /** st_dev as the kernel encodes it internally: (major << 20) | minor. */
  readonly dev: number;
  readonly ino: bigint;
  /** From the root of that file system, "/"-first. `undefined`: a back end that only knows the absolute path. */
  readonly path: Bytes;
  /** st_mode, type bits included; 0 if unknown. */
  readonly mode: number;
  /** The mount it was reached through: first field of mountinfo. Absent: unknown. */
  readonly mountId?: number;
}

/** A path as the process said it, with what it was relative to. */
export interface PathRef {
  /** As passed to the kernel. */
  readonly string: Bytes;
  /** Directory it starts from: root directory of the process for absolute strings, else cwd or the dirfd's directory. */
  readonly base: FileObject | undefined;
  /** The absolute path of `base` where the back end can only say that (`notify`): "/proc/PID/cwd" and the like, read at once. */
  readonly baseAbsolute?: Bytes;
  /** Root directory of the process where it is not the root of its mount namespace (chroot): absolute links start here. */
  readonly root?: FileObject;
}

interface Common {
  /** Position in the order of events. */
  readonly seq: number;
  /** Process (thread group) id in the initial pid namespace of the tracer. */
  readonly pid: number;
  /** Mount namespace (inode number), 0 if unknown. */
  readonly mountNs: number;
}

/** Which kind of look: access-class calls do not show the size, stat-class calls do. */
export type LookClass = "stat" | "access" | "readlink" | "xattr" | "watch" | "handle" | "chdir" | "chroot";

export type ChangeOp =
  | "unlink"
  | "rmdir"
  | "mkdir"
  | "mknod"
  | "chmod"
  | "chown"
  | "utime"
  | "truncate"
  | "setxattr"
  | "umount";

export type PairOp = "rename" | "link" | "symlink" | "mount" | "pivot_root" | "move_mount";

/** errno > 0; 0 = success; undefined = the back end is blind to outcomes (`notify`). */
export type Outcome = number | undefined;

export type TraceEvent =
  | (Common & { readonly type: "fork"; readonly child: number })
  | (Common & {
      readonly type: "exec";
      /** File name as given, and the last interpreter's path (equal for binaries). */
      readonly file: PathRef;
      readonly interpreter?: Bytes;
      /** The binary that finally runs. */
      readonly object?: FileObject;
      /** Working directory: which repository a git command means. `cwdAbsolute` where the back end can only say that. */
      readonly cwd?: FileObject;
      readonly cwdAbsolute?: Bytes;
      /** The first 4 KiB of it; the last one may be cut. */
      readonly argv?: readonly Bytes[];
      readonly outcome: Outcome;
    })
  | (Common & { readonly type: "exit"; readonly status: number })
  | (Common & {
      readonly type: "look";
      readonly class: LookClass;
      readonly path: PathRef;
      readonly noFollow: boolean;
      readonly outcome: Outcome;
    })
  | (Common & {
      readonly type: "open";
      readonly path: PathRef;
      /** open(2) flags, numbered as on x86-64 (arm64 swaps O_DIRECTORY, O_NOFOLLOW, O_DIRECT, O_LARGEFILE). */
      readonly flags: number;
      readonly outcome: Outcome;
      /** What the descriptor is, if the back end knows. */
      readonly object?: FileObject;
      /** FMODE_CREATED, or a look before the call found nothing (`notify`; `undefined` where it could not look). */
      readonly created: boolean | undefined;
    })
  | (Common & { readonly type: "list"; readonly object?: FileObject; readonly absolute?: Bytes })
  /** A descriptor for a file that no path of this process named: SCM_RIGHTS, pidfd_getfd, open_by_handle_at, inherited. */
  | (Common & { readonly type: "receive"; readonly object?: FileObject; readonly absolute?: Bytes })
  | (Common & {
      readonly type: "change";
      readonly op: ChangeOp;
      readonly path: PathRef;
      readonly noFollow: boolean;
      readonly outcome: Outcome;
      /** `notify`: was something there just before? */
      readonly existed?: boolean;
    })
  | (Common & {
      readonly type: "pair";
      readonly op: PairOp;
      readonly from: PathRef;
      readonly to: PathRef;
      /** Flags of renameat2 (RENAME_EXCHANGE = 2 swaps the two). */
      readonly flags?: number;
      readonly outcome: Outcome;
      /** `notify`: was something at `from`, at `to`, just before? */
      readonly fromExisted?: boolean;
      readonly toExisted?: boolean;
    })
  | (Common & {
      readonly type: "connect";
      /** sockaddr bytes, at most 128. */
      readonly address: Uint8Array;
      /** AF_UNIX: pid of the peer (who called listen), 0 if unknown. */
      readonly peerPid: number;
      /** Own port after the call, 0 if unknown. With `netNs` it matches the peer of an `accept`. */
      readonly localPort?: number;
      /** Network namespace (inode number), 0 or absent if unknown. */
      readonly netNs?: number;
      readonly outcome: Outcome;
    })
  /**
   * A socket of the run can now be reached. A loopback `connect` whose port (and netNs) no `bind` of the run names has a
   * listener outside. Judge at the end: a listener's event may come after the first connect to it.
   * A path of AF_UNIX is also a `change` of op `mknod`.
   */
  | (Common & {
      readonly type: "bind";
      /** sockaddr as passed; where the back end knows the port that the kernel chose, it is filled in. */
      readonly address: Uint8Array;
      readonly netNs?: number;
    })
  /** Somebody connected to the run. `address`: the peer's sockaddr, empty if unknown. */
  | (Common & {
      readonly type: "accept";
      readonly address: Uint8Array;
      readonly peerPid: number;
      readonly netNs?: number;
    })
  /** An operation that the back end could not decode. */
  | (Common & { readonly type: "uring"; readonly opcode: number })
  /** A call that reaches what no observation covers ("ptrace", "shmget", "socket", ...), or of an unknown number ("syscall 471"). */
  | (Common & { readonly type: "forbidden"; readonly call: string; readonly target: number });

/** What the back end says of itself when it stops. Anything that is not zero becomes a Gap (docs/soundness.md). */
export interface Seal {
  readonly backend: "ebpf" | "notify";
  readonly kernel: string;
  readonly events: number;
  /** Counter name -> count: lost, recursion, nostore, nested, fault, deep, unknown, uring, decoder, canary, overflow. */
  readonly lost: Readonly<Record<string, number>>;
  /** Processes of the tree still alive when it was sealed: pid and comm. */
  readonly alive: readonly { readonly pid: number; readonly comm: string }[];
  /** Mount tables by mount namespace, as text of /proc/<tid>/mountinfo, in the order they were taken. */
  readonly mounts: readonly { readonly mountNs: number; readonly seq: number; readonly mountinfo: string }[];
  /** Address -> names seen in DNS answers by this process tree. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}
