// A model of the file systems as the run saw them: what was there before, and what the run has made, moved and removed so
// far. A Slot is a name in a folder; a Thing is what is in it. Renaming moves Things between Slots, and what is in a folder
// moves along. Things from before the run have an `origin`; asking about anything else is no question about the world before.
import { type EntryType, type Files, type Stat, Unreadable } from "../../ports.ts";
import type { Bytes } from "../event.ts";
import type { Ask } from "./log.ts";
import { toBytes, toText } from "./text.ts";

export type ThingType = EntryType | "unknown";

export class Thing {
  type: ThingType;
  /** Where it was before the run; `undefined`: the run made it. */
  readonly origin: Slot | undefined;
  /** Where it is; a hard link has several places, of which this is one. */
  at: Slot | undefined;
  /** Of a symlink, once asked. */
  target: Bytes | undefined;
  slots: Map<Bytes, Slot> | undefined;
  /** Content from before the run: read, and no longer there because the run cut or overwrote it. */
  read = false;
  overwritten = false;
  /** Replaced by the run in a way that does not tell whether it was there at all. */
  maybe = false;

  constructor(type: ThingType, at: Slot | undefined, origin: Slot | undefined) {
    this.type = type;
    this.at = at;
    this.origin = origin;
  }
}

/** What the run did to a Slot: see Change in interpreted.ts. */
export interface Touch {
  readBefore: boolean;
  written: boolean;
  removed: boolean;
  placed: boolean;
  mode: boolean;
  linked: boolean;
}

export class Slot {
  /** `undefined` for the top of a file system. */
  readonly folder: Thing | undefined;
  readonly name: Bytes;
  readonly system: FileSystem;
  /** Before the run; `null`: nothing; `undefined`: not known yet. */
  before: Thing | null | undefined;
  /** An event of the run says so: the world of now would tell something else. */
  isKnown = false;
  /** Now; `undefined`: as before. */
  now: Thing | null | undefined;
  /** May be here still: a back end that is blind to outcomes reported its removal. */
  ghost: Thing | undefined;
  touch: Touch | undefined;
  /** The run changes it at some time. */
  changes = false;
  /** The run puts something here that leads elsewhere: a symlink, a folder, something from before the run. */
  redirects = false;
  /** Its symlink of before was followed while the changes were collected. */
  followed = false;
  removals = 0;
  /** Folders that the run makes here, in order. */
  made: Thing[] | undefined;
  /** Text of its path before the run, in the caller's mount namespace; `null`: it has none there. */
  path: string | null | undefined;
  /** Asks whose walk came through here: to be asked again when it leads elsewhere. */
  asks: Set<Ask> | undefined;

  constructor(folder: Thing | undefined, name: Bytes, system: FileSystem) {
    this.folder = folder;
    this.name = name;
    this.system = system;
  }
}

export class FileSystem {
  readonly dev: number;
  /** procfs: its contents are no files that could be asked again. */
  readonly type: string;
  readonly top: Slot;
  constructor(dev: number, type: string, made: boolean) {
    this.dev = dev;
    this.type = type;
    this.top = new Slot(undefined, "" as Bytes, this);
    this.top.before = new Thing("dir", this.top, made ? undefined : this.top);
  }
}

/** Nobody can look: the path has no name in the caller's mount namespace, or no permission. */
export const NOWHERE = Symbol("nowhere");

export class Model {
  readonly #files: Files;
  readonly #systems = new Map<number, FileSystem>();
  /** Of a Slot from before the run; set by the caller, who knows the mounts. */
  readonly #pathOf: (slot: Slot) => string | null;
  /** Bumped when a folder moves: then places that were looked up by path must be looked up again. */
  version = 0;

  constructor(files: Files, pathOf: (slot: Slot) => string | null) {
    this.#files = files;
    this.#pathOf = pathOf;
  }

  /** @param made true for a file system that began empty during the run, such as a tmpfs that it mounted */
  system(dev: number, type = "", made = false): FileSystem {
    let system = this.#systems.get(dev);
    if (system === undefined) this.#systems.set(dev, (system = new FileSystem(dev, type, made)));
    return system;
  }

  knows(dev: number): boolean {
    return this.#systems.has(dev);
  }

  child(folder: Thing, name: Bytes, system: FileSystem): Slot {
    folder.slots ??= new Map();
    let slot = folder.slots.get(name);
    if (slot === undefined) {
      slot = new Slot(folder, name, system);
      if (folder.origin === undefined) slot.before = null;
      folder.slots.set(name, slot);
    }
    return slot;
  }

  /** The Slot that a path inside a file system names just now. The kernel has resolved it: no symlinks, all folders. */
  locate(dev: number, path: Bytes): Slot {
    const system = this.system(dev);
    let slot = system.top;
    for (let start = 1; start < path.length;) {
      let end = path.indexOf("/", start);
      if (end < 0) end = path.length;
      if (end > start) slot = this.child(this.folder(slot), path.slice(start, end) as Bytes, system);
      start = end + 1;
    }
    return slot;
  }

  /** The folder that is, or must be, in a Slot: somebody who knows has been inside. */
  folder(slot: Slot): Thing {
    if (slot.now !== undefined) {
      const now = slot.now ?? slot.ghost;
      if (now !== undefined && (now.type === "dir" || now.type === "unknown")) return now;
      // Gone, but still somebody's working directory: whatever is in there now, the run put there.
      return (slot.now = new Thing("dir", slot, undefined));
    }
    if (slot.before === undefined || slot.before === null || slot.before.type !== "dir")
      slot.before = new Thing("dir", slot, this.#isMade(slot) ? undefined : slot);
    return slot.before;
  }

  /** What is in a Slot now. */
  current(slot: Slot): Thing | null | typeof NOWHERE {
    if (slot.now === undefined) return this.before(slot);
    return slot.now ?? slot.ghost ?? null;
  }

  before(slot: Slot): Thing | null | typeof NOWHERE {
    if (slot.before !== undefined) return slot.before;
    if (this.#isMade(slot)) return (slot.before = null);
    const stat = this.stat(slot);
    if (stat === NOWHERE) return NOWHERE;
    return (slot.before = stat === undefined ? null : new Thing(stat.type, slot, slot));
  }

  /** lstat of the world as it is at the end of the run, at the place that a Slot had before. */
  stat(slot: Slot): Stat | undefined | typeof NOWHERE {
    const path = this.path(slot);
    if (path === null) return NOWHERE;
    const stat = this.#files.lstat(path);
    return stat instanceof Unreadable ? NOWHERE : stat;
  }

  target(symlink: Thing): Bytes | typeof NOWHERE {
    if (symlink.target !== undefined) return symlink.target;
    const path = symlink.origin === undefined ? null : this.path(symlink.origin);
    const target = path === null ? undefined : this.#files.readlink(path);
    // What is not UTF-8 comes back with U+FFFD in it: not the bytes that are there.
    if (typeof target !== "string" || target.includes("\ufffd")) return NOWHERE;
    return (symlink.target = toBytes(target));
  }

  /** Text of the path that a Slot had before the run. */
  path(slot: Slot): string | null {
    if (slot.path === undefined) slot.path = this.#pathOf(slot);
    return slot.path;
  }

  /** Text of the path that a Slot has now; `null`: its folder is gone, or not in the caller's mount namespace. */
  pathNow(slot: Slot): string | null {
    const { folder } = slot;
    if (folder === undefined || (folder.origin !== undefined && folder.at === folder.origin)) return this.path(slot);
    if (folder.at === undefined) return null;
    const above = this.pathNow(folder.at);
    const name = toText(slot.name);
    return above === null || name === undefined ? null : above === "/" ? `/${name}` : `${above}/${name}`;
  }

  /** Is this the Slot that a path inside its file system names now? */
  isAt(slot: Slot, path: Bytes): boolean {
    let end = path.length;
    for (let s: Slot | undefined = slot; ; s = s.folder.at) {
      if (s === undefined) return false;
      if (s.folder === undefined) return end === 0 || (end === 1 && path === "/");
      const start = end - s.name.length;
      if (start < 1 || path.charCodeAt(start - 1) !== 47 || path.slice(start, end) !== s.name) return false;
      end = start - 1;
    }
  }

  #isMade(slot: Slot): boolean {
    return slot.folder !== undefined && slot.folder.origin === undefined;
  }
}
