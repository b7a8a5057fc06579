// What one stopped call is about to look at or change, as events. The call has not happened yet: its outcome is unknown,
// but what is there just before can be seen, which is what decides whether it is an input (docs/soundness.md 2.6).
import type { Bytes, LookClass, PathRef, TraceEvent } from "../event.ts";
import type { NoFollow } from "../tables/calls.ts";
import { type Asked, type CallOf, unfoldSocketcall } from "./asked.ts";
import { ConnectionLooker } from "./connections.ts";
import { argvOf, gainsRights } from "./exec.ts";
import { HOW, joined, Paths } from "./paths.ts";
import type { Process, Processes } from "./processes.ts";
import { type RemoteMemory, Unread } from "./remote.ts";
import type { World } from "./world.ts";

const AT_EMPTY_PATH = 0x1000;
const AT_REMOVEDIR = 0x200;
const RESOLVE_IN_ROOT = 0x10;
const OPEN_TREE_CLONE = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NOFOLLOW = 0o400_000;
const O_TMPFILE = 0o20_200_000;
const ENOENT = 2;
/** CLONE_NEWNS | NEWUSER | NEWNET */
const NEW_WORLD = 0x2_0000 | 0x1000_0000 | 0x4000_0000;
const NOBODY_KNOWS = { mode: 0, uid: 0 };
const ROOT = "/" as Bytes;
const EMPTY = "" as Bytes;

/** An event before it has its place: `seq`, `pid` and `mountNs` are added when its notification has been answered. */
export type Seen = TraceEvent extends infer E
  ? E extends TraceEvent
    ? Omit<E, "seq" | "pid" | "mountNs">
    : never
  : never;

export type ExecSeen = Extract<Seen, { type: "exec" }>;

/** Counters of the seal: anything that is not zero is a gap. */
export type Counter = "fault" | "decoder" | "unknown" | "namespace" | "setuid";

export interface LookerParts {
  readonly memory: RemoteMemory;
  readonly world: World;
  readonly processes: Processes;
  /** NO_NEW_PRIVS is in force. */
  readonly frozen: () => boolean;
  readonly count: (counter: Counter) => void;
  readonly onSetuid: (path: string) => void;
  /** @param key what makes two of them the same; undefined: each one matters */
  readonly see: (key: string | undefined, event: Seen) => void;
  /** An exec of a file that is there: told once it has happened or failed. */
  readonly execute: (tid: number, by: Process, program: string, event: ExecSeen) => void;
  /** Something may be under another name now: what was told before must be told again. */
  readonly forget: () => void;
}

export class Looker {
  readonly #parts: LookerParts;
  readonly #paths: Paths;
  readonly #connections: ConnectionLooker;
  #mountsChanged = false;

  constructor(parts: LookerParts) {
    this.#parts = parts;
    this.#paths = new Paths(parts.memory, parts.world);
    this.#connections = new ConnectionLooker(parts);
  }

  /** @throws Unread */
  look(asked: Asked, by: Process): void {
    const { syscall } = asked;
    if (syscall === undefined) {
      this.#parts.count("unknown");
      this.#parts.see(`${asked.nr}`, { type: "forbidden", call: `syscall ${asked.nr}`, target: 0 });
      return;
    }
    if (by.foreign) this.#parts.count("namespace");
    const { call, name } = syscall;
    switch (call.kind) {
      case "open":
        return this.#open(asked, by, call);
      case "look":
        return this.#look(asked, by, call);
      case "change":
        return this.#change(asked, by, call);
      case "change-fd": {
        const path = this.#paths.descriptor(asked, asked.int[0] ?? -1);
        if (path?.startsWith("/") === true) {
          const ref = { string: path, base: undefined, baseAbsolute: ROOT };
          this.#parts.see(undefined, {
            type: "change",
            op: call.op,
            path: ref,
            noFollow: true,
            outcome: undefined,
            existed: true,
          });
        }
        return;
      }
      case "pair":
        return this.#pair(asked, by, call);
      case "exec":
        return this.#exec(asked, by, call);
      case "list": {
        const absolute = this.#paths.descriptor(asked, asked.int[0] ?? -1);
        if (absolute === undefined) throw new Unread("directory");
        this.#parts.see(`l${by.program}\0${absolute}`, { type: "list", absolute });
        return;
      }
      case "connect":
      case "bind":
      case "listen":
      case "accept":
      case "send-message":
      case "receive-message":
        return this.#connections.look(asked, by, call);
      case "socketcall":
        unfoldSocketcall(asked, this.#parts.memory.bytes(asked.tid, asked.wide[1] ?? 0, 24));
        if (asked.syscall !== undefined && asked.syscall.call.kind !== "socketcall") this.look(asked, by);
        return;
      case "receive-fd":
        return this.#parts.see(undefined, { type: "receive" });
      case "forbidden":
      case "socket":
      case "ipc-get":
      case "ipc-attach": {
        const target = call.kind === "forbidden" && call.target !== undefined ? (asked.int[call.target] ?? 0) : 0;
        return this.#parts.see(`f${name}\0${target}`, { type: "forbidden", call: name, target });
      }
      case "harmless":
        return this.#watched(asked, by, name);
      case "uring":
      // Each call says where its process stands.
      case "chdir-fd":
        return;
      default:
        return call satisfies never;
    }
  }

  #watched(asked: Asked, by: Process, name: string): void {
    if (name === "exit") this.#parts.processes.threadEnding(asked.tid, by);
    else if (name === "exit_group") {
      this.#parts.see(undefined, { type: "exit", status: ((asked.int[0] ?? 0) & 0xff) << 8 });
    } else if (name === "fsmount") this.#remounted();
    else if (name === "setns" || ((asked.int[0] ?? 0) & NEW_WORLD) !== 0) {
      this.#parts.processes.moved = true;
      this.#parts.count("namespace");
    }
  }

  #open(asked: Asked, by: Process, call: CallOf<"open">): void {
    let flags = call.implied ?? asked.int[call.flags ?? 0] ?? 0;
    if (call.how !== undefined) {
      const how = this.#parts.memory.bytes(asked.tid, asked.wide[call.how] ?? 0, 24);
      flags = how.readInt32LE(0);
      if ((how.readUInt32LE(16) & RESOLVE_IN_ROOT) !== 0) {
        this.#parts.see(undefined, { type: "forbidden", call: "openat2 RESOLVE_IN_ROOT", target: 0 });
        return;
      }
    }
    const path = this.#paths.of(asked, by, call.path, call.dirfd);
    if (path === undefined) return;
    const created =
      (flags & O_TMPFILE) === O_TMPFILE ||
      ((flags & O_CREAT) !== 0 &&
        (this.#canLook(by) ? this.#absent(path, (flags & (O_EXCL | O_NOFOLLOW)) !== 0) : undefined));
    // An open that can change something is never left out.
    const key = (flags & ~O_UNCHANGING) === 0 ? `o${flags}${keyOf(by, path)}` : undefined;
    this.#parts.see(key, { type: "open", path, flags, outcome: undefined, created });
  }

  #look(asked: Asked, by: Process, call: CallOf<"look">): void {
    const flags = flagsOf(asked, call.flags);
    const noFollow = notFollowed(call.noFollow, flags);
    // fanotify_mark watches the descriptor itself when there is no path.
    const how = call.class === "watch" ? ITSELF : emptyHow(flags) & ~HOW.emptyIsDescriptor;
    const path = this.#paths.of(asked, by, call.path, call.dirfd, noFollow ? how | HOW.noFollow : how);
    if (path === undefined) return;
    if (call.class === "chroot") this.#parts.processes.moved = true;
    // A copy of a mount that hangs nowhere: procfs names what is in it as if it lay at the root.
    if (asked.syscall?.name.startsWith("open_tree") === true && (flags & OPEN_TREE_CLONE) !== 0) this.#remounted();
    const key = `${CLASS_KEY[call.class]}${noFollow ? 1 : 0}${keyOf(by, path)}`;
    this.#parts.see(key, { type: "look", class: call.class, path, noFollow, outcome: undefined });
  }

  #change(asked: Asked, by: Process, call: CallOf<"change">): void {
    const flags = flagsOf(asked, call.flags);
    if (call.op === "umount") this.#remounted();
    const noFollow = notFollowed(call.noFollow, flags);
    const how = emptyHow(flags) | (noFollow ? HOW.noFollow : 0);
    const path = this.#paths.of(asked, by, call.path, call.dirfd, how);
    if (path === undefined) return;
    const op = call.op === "unlink" && call.flags !== undefined && (flags & AT_REMOVEDIR) !== 0 ? "rmdir" : call.op;
    this.#parts.see(undefined, {
      type: "change",
      op,
      path,
      noFollow,
      outcome: undefined,
      ...(this.#canLook(by) && { existed: !this.#absent(path, noFollow) }),
    });
  }

  #pair(asked: Asked, by: Process, call: CallOf<"pair">): void {
    if (call.op === "mount" || call.op === "move_mount" || call.op === "pivot_root") this.#remounted();
    const to = this.#paths.of(asked, by, call.path2, call.dirfd2, HOW.noFollow);
    const flags = flagsOf(asked, call.flags);
    const text = call.op === "symlink" || call.op === "mount";
    const from = text
      ? { string: this.#parts.memory.string(asked.tid, asked.wide[call.path] ?? 0) ?? EMPTY, base: undefined }
      : this.#paths.of(asked, by, call.path, call.dirfd, emptyHow(flags) | HOW.noFollow);
    if (from === undefined || to === undefined) return;
    this.#parts.forget();
    this.#parts.see(undefined, {
      type: "pair",
      op: call.op,
      from,
      to,
      flags,
      outcome: undefined,
      ...(this.#canLook(by) && {
        ...(!text && { fromExisted: !this.#absent(from, true) }),
        toExisted: !this.#absent(to, true),
      }),
    });
  }

  /** From here on paths mean something else; and looking at them could wait for a file system that waits for us. */
  #remounted(): void {
    this.#mountsChanged = true;
    this.#parts.processes.moved = true;
    this.#parts.count("namespace");
    this.#parts.forget();
  }

  #exec(asked: Asked, by: Process, call: CallOf<"exec">): void {
    const { memory, world, frozen, count, onSetuid, see, execute } = this.#parts;
    const file = this.#paths.of(asked, by, call.path, call.dirfd, emptyHow(flagsOf(asked, call.flags)));
    if (file === undefined) return;
    const path = joined(file);
    const here = this.#canLook(by) ? world.statx(path, false) : NOBODY_KNOWS;
    // A search along PATH asks for each folder: those that are empty-handed need no arguments.
    // But what has no name any more, a memfd above all, is run by its descriptor.
    if (here === undefined && !file.string.endsWith(" (deleted)"))
      return see(undefined, { type: "exec", file, outcome: ENOENT });
    if (frozen() && here !== undefined && gainsRights(world, path, here)) {
      count("setuid");
      onSetuid(path);
    }
    const cwdAbsolute = this.#paths.workingDirectory(asked);
    const argv = argvOf(memory, asked, call.path + 1);
    const where = cwdAbsolute === undefined ? {} : { cwdAbsolute };
    execute(asked.tid, by, path, { type: "exec", file, argv, outcome: undefined, ...where });
  }

  #canLook(by: Process): boolean {
    return !by.foreign && !this.#mountsChanged;
  }

  #absent(path: PathRef, noFollow: boolean): boolean {
    return this.#parts.world.statx(joined(path), noFollow) === undefined;
  }
}

/** O_RDONLY with O_NOCTTY, NONBLOCK, DIRECTORY, NOFOLLOW, CLOEXEC, NOATIME, LARGEFILE, PATH: it leaves no trace. */
const O_UNCHANGING = 0o400 | 0o4000 | 0o200_000 | 0o400_000 | 0o2_000_000 | 0o1_000_000 | 0o100_000 | 0o10_000_000;
const CLASS_KEY: Readonly<Record<LookClass, string>> = {
  stat: "s",
  access: "a",
  readlink: "r",
  xattr: "x",
  watch: "w",
  handle: "h",
  chdir: "c",
  chroot: "C",
};

const ITSELF = HOW.emptyIsSelf | HOW.emptyIsDescriptor;
const emptyHow = (flags: number): number => ((flags & AT_EMPTY_PATH) === 0 ? 0 : ITSELF);

const keyOf = (by: Process, path: PathRef): string => `${by.program}\0${path.baseAbsolute}\0${path.string}`;

const flagsOf = (asked: Asked, argument: number | undefined): number =>
  argument === undefined ? 0 : (asked.int[argument] ?? 0);

function notFollowed(rule: NoFollow | undefined, flags: number): boolean {
  if (rule === undefined) return false;
  if (rule === true) return true;
  return "ifFlag" in rule ? (flags & rule.ifFlag) !== 0 : (flags & rule.unlessFlag) === 0;
}
