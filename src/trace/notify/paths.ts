// The paths of a stopped call: the string it passed, and what that is relative to. Where a process stands is read each
// time: remembering it is unsound (a thread may be between chdir and its return), and reading costs 1 µs.
import type { Bytes, PathRef } from "../event.ts";
import type { Asked } from "./asked.ts";
import type { Process } from "./processes.ts";
import { type RemoteMemory, Unread } from "./remote.ts";
import type { World } from "./world.ts";

const AT_FDCWD = -100;
const SLASH = 47;
/** Links below /proc that lead through each other. */
const MAX_LINK = 8;
const ROOT = "/" as Bytes;
const EMPTY = "" as Bytes;

/** How a path argument is meant. */
export const HOW = {
  /** AT_EMPTY_PATH: an empty string is the directory that it would be relative to; */
  emptyIsSelf: 1,
  /** and this matters even if that is a descriptor. */
  emptyIsDescriptor: 2,
  /** The last component is not followed. */
  noFollow: 4,
} as const;

export class Paths {
  readonly #memory: RemoteMemory;
  readonly #world: World;

  constructor(memory: RemoteMemory, world: World) {
    this.#memory = memory;
    this.#world = world;
  }

  /**
   * @param how bits of HOW
   * @returns undefined: the kernel looks at no path (null, too long, empty, a closed descriptor)
   * @throws Unread
   */
  of(asked: Asked, by: Process, argument: number, dirfdArgument?: number, how = 0): PathRef | undefined {
    const address = asked.wide[argument] ?? 0;
    const string = address === 0 ? EMPTY : this.#memory.string(asked.tid, address);
    if (string === undefined) return undefined;
    const dirfd = dirfdArgument === undefined ? AT_FDCWD : (asked.int[dirfdArgument] ?? AT_FDCWD);
    if (string === "") {
      // A descriptor's object was named when it was opened; the working directory was not.
      if ((how & HOW.emptyIsSelf) === 0 || (dirfd !== AT_FDCWD && (how & HOW.emptyIsDescriptor) === 0))
        return undefined;
    } else if (string.charCodeAt(0) === SLASH) {
      const absolute = maybeMagic(string) ? this.#magic(by, asked.tid, string, (how & HOW.noFollow) === 0) : string;
      return { string: absolute, base: undefined, baseAbsolute: by.foreign ? this.#root(asked.tid) : ROOT };
    }
    const baseAbsolute = this.descriptor(asked, dirfd);
    if (baseAbsolute !== undefined)
      return string === "" && dirfd !== AT_FDCWD
        ? { string: baseAbsolute, base: undefined, baseAbsolute: ROOT }
        : { string, base: undefined, baseAbsolute };
    // A closed descriptor is EBADF: nothing is looked at. Any other reason not to know is a fault.
    if (dirfd !== AT_FDCWD && this.#world.statx(`/proc/${asked.tid}/fd/${dirfd}`, true) === undefined) return undefined;
    throw new Unread("directory");
  }

  #root(tid: number): Bytes {
    const root = this.#world.readlink(`/proc/${tid}/root`);
    if (root === undefined) throw new Unread("root");
    return root;
  }

  workingDirectory(asked: Asked): Bytes | undefined {
    return this.descriptor(asked, AT_FDCWD);
  }

  descriptor(asked: Asked, fd: number): Bytes | undefined {
    return this.#world.readlink(fd === AT_FDCWD ? `/proc/${asked.tid}/cwd` : `/proc/${asked.tid}/fd/${fd}`);
  }

  /**
   * "/proc/self/..." and "/dev/fd/..." name something else for whoever reads the event: told as what they lead to.
   */
  #magic(by: Process, tid: number, string: Bytes, follow: boolean): Bytes {
    let path = string.replace(/^\/dev\/fd(?=\/|$)/, "/proc/self/fd");
    path = path.replace(
      /^\/dev\/std(in|out|err)$/,
      (_, name: string) => `/proc/self/fd/${["in", "out", "err"].indexOf(name)}`,
    );
    path = path.replace(/^\/proc\/(?:self|thread-self)(?=\/|$)/, `/proc/${by.pid}`);
    for (let hops = 0; hops < MAX_LINK; hops++) {
      const found = /^(\/proc\/\d+(?:\/task\/\d+)?\/(?:cwd|root|exe|fd\/\d+))(\/.*)?$/s.exec(path);
      const link = found?.[1];
      if (link === undefined || (found?.[2] === undefined && !follow)) break;
      const target = this.#world.readlink(link.replace(`/proc/${by.pid}/`, `/proc/${tid}/`));
      // Pipes, sockets and closed descriptors stay what they are: names below /proc.
      if (target === undefined || !target.startsWith("/")) break;
      path = target + (found?.[2] ?? "");
    }
    return path as Bytes;
  }
}

export function joined(path: PathRef): string {
  if (path.baseAbsolute === undefined) return path.string;
  if (path.string === "") return path.baseAbsolute;
  return path.string.charCodeAt(0) === SLASH
    ? path.baseAbsolute === "/"
      ? path.string
      : path.baseAbsolute + path.string
    : `${path.baseAbsolute}/${path.string}`;
}

/** "/proc/..." and "/dev/fd", "/dev/std*"; cheap, as each absolute path is asked. */
function maybeMagic(path: string): boolean {
  return path.startsWith("/proc/") || path.startsWith("/dev/fd") || path.startsWith("/dev/std");
}
