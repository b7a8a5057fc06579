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

export class Paths {
  readonly #memory: RemoteMemory;
  readonly #world: World;

  constructor(memory: RemoteMemory, world: World) {
    this.#memory = memory;
    this.#world = world;
  }

  /** @returns undefined: the kernel looks at no path (null, too long, empty, or the descriptor itself is meant) */
  of(asked: Asked, by: Process, argument: number, dirfdArgument?: number, emptyIsFd = false): PathRef | undefined {
    const string = this.#memory.string(asked.tid, asked.wide[argument] ?? 0);
    if (string === undefined) return undefined;
    if (string === "") {
      if (!emptyIsFd || dirfdArgument === undefined) return undefined;
      const itself = this.descriptor(asked, asked.int[dirfdArgument] ?? AT_FDCWD);
      return itself === undefined ? undefined : { string: itself, base: undefined, baseAbsolute: ROOT };
    }
    if (string.charCodeAt(0) === SLASH) {
      const absolute = maybeMagic(string) ? this.#magic(by, asked.tid, string) : string;
      const base = by.foreign ? (this.#world.readlink(`/proc/${asked.tid}/root`) ?? ROOT) : ROOT;
      return { string: absolute, base: undefined, baseAbsolute: base };
    }
    const dirfd = dirfdArgument === undefined ? AT_FDCWD : (asked.int[dirfdArgument] ?? AT_FDCWD);
    const baseAbsolute = this.descriptor(asked, dirfd);
    // A bad descriptor is EBADF: nothing is looked at. Any other reason not to know is a fault, counted by the caller.
    if (baseAbsolute === undefined) {
      if (dirfd !== AT_FDCWD && this.#world.statx(`/proc/${asked.tid}/fd/${dirfd}`, true) === undefined)
        return undefined;
      throw new Unread("directory");
    }
    return { string, base: undefined, baseAbsolute };
  }

  descriptor(asked: Asked, fd: number): Bytes | undefined {
    return this.#world.readlink(fd === AT_FDCWD ? `/proc/${asked.tid}/cwd` : `/proc/${asked.tid}/fd/${fd}`);
  }

  /**
   * "/proc/self/..." and "/dev/fd/..." name something else for whoever reads the event: told as what they lead to.
   * A last component is followed too, except by name: its link is the process's own business and no input.
   */
  #magic(by: Process, tid: number, string: Bytes): Bytes {
    let path = string.replace(/^\/dev\/fd(?=\/|$)/, "/proc/self/fd");
    path = path.replace(
      /^\/dev\/std(in|out|err)$/,
      (_, name: string) => `/proc/self/fd/${["in", "out", "err"].indexOf(name)}`,
    );
    path = path.replace(/^\/proc\/(?:self|thread-self)(?=\/|$)/, `/proc/${by.pid}`);
    for (let hops = 0; hops < MAX_LINK; hops++) {
      const found = /^(\/proc\/\d+(?:\/task\/\d+)?\/(?:cwd|root|exe|fd\/\d+))(\/.*)?$/s.exec(path);
      const link = found?.[1];
      if (link === undefined) break;
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
