// Mount tables: from (device, path inside the file system) to absolute paths and back, as proc_pid_mountinfo(5) gives them.
import type { Bytes, FileObject } from "../event.ts";
import type { Model, Slot, Thing } from "./model.ts";
import { toText } from "./text.ts";

export interface MountLine {
  readonly id: number;
  readonly parent: number;
  /** As in FileObject: (major << 20) | minor. */
  readonly dev: number;
  /** Which folder (or file) of the file system is mounted. */
  readonly root: Bytes;
  /** Where: an absolute path in that namespace. */
  readonly point: Bytes;
  readonly type: string;
}

/** @param text latin1. Lines that do not hold together are left out: what was reached through them is unresolved. */
export function parseMountinfo(text: string): MountLine[] {
  const lines: MountLine[] = [];
  for (const line of text.split("\n")) {
    const [id = "", parent = "", device = "", root = "", point = ""] = line.split(" ", 5);
    const [major, minor] = device.split(":").map(Number);
    const type = line.slice(line.indexOf(" - ") + 3).split(" ", 1)[0];
    if (!/^\d+$/.test(id) || major === undefined || minor === undefined || !point.startsWith("/")) continue;
    lines.push({
      id: Number(id),
      parent: Number(parent),
      dev: major * 2 ** 20 + minor,
      root: unescaped(root),
      point: unescaped(point),
      type: type ?? "",
    });
  }
  return lines;
}

/** Space, tab, newline and backslash are written as octal. */
function unescaped(text: string): Bytes {
  if (!text.includes("\\")) return text as Bytes;
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))) as Bytes;
}

export interface Mount {
  readonly line: MountLine;
  /** Where it lies; `undefined` for the first. */
  above: { readonly mount: Mount; readonly slot: Slot } | undefined;
  readonly top: Slot;
  /** What is mounted on it. */
  readonly over: Map<Slot, Mount>;
}

/** A folder as it was reached: `..` of a mount's top depends on the mount. */
export interface Place {
  readonly mount: Mount | undefined;
  readonly slot: Slot;
}

export class MountTable {
  readonly #byId = new Map<number, Mount>();
  readonly #mounts: Mount[] = [];
  readonly #model: Model;
  readonly root: Mount | undefined;

  /** @param made file systems that began empty during the run */
  constructor(lines: readonly MountLine[], model: Model, made: (line: MountLine) => boolean) {
    this.#model = model;
    for (const line of lines) {
      model.system(line.dev, line.type, made(line));
      const mount: Mount = { line, above: undefined, top: model.locate(line.dev, line.root), over: new Map() };
      this.#byId.set(line.id, mount);
      this.#mounts.push(mount);
    }
    let root: Mount | undefined;
    for (const mount of this.#mounts) {
      const parent = mount.line.id === mount.line.parent ? undefined : this.#byId.get(mount.line.parent);
      if (parent === undefined) {
        if (mount.line.point === "/") root = mount;
        continue;
      }
      const slot = this.#below(parent, mount.line.point);
      if (slot === undefined) continue;
      mount.above = { mount: parent, slot };
      parent.over.set(slot, mount);
    }
    this.root = root === undefined ? undefined : entered(root);
  }

  byId(id: number): Mount | undefined {
    return this.#byId.get(id);
  }

  /** Where the back end says a process stands. */
  place(object: FileObject): Place | undefined {
    const mount = object.mountId === undefined ? undefined : this.#byId.get(object.mountId);
    // "The top of that mount, wherever that is."
    if (object.dev === 0 && mount !== undefined) return { mount, slot: mount.top };
    if (object.dev === 0 && object.mountId !== undefined) return undefined;
    const slot = this.#model.locate(object.dev, object.path);
    if (mount !== undefined && mount.line.dev === object.dev) return { mount, slot };
    return { mount: this.#mounts.find((m) => m.line.dev === object.dev && contains(m.line.root, object.path)), slot };
  }

  /** An absolute path without symlinks in it. */
  absolute(path: Bytes): Place | undefined {
    if (this.root === undefined) return undefined;
    let place: Place = { mount: this.root, slot: this.root.top };
    for (const name of path.split("/")) {
      if (name === "") continue;
      const slot: Slot = this.#model.child(this.#model.folder(place.slot), name as Bytes, place.slot.system);
      place = crossed({ mount: place.mount, slot });
    }
    return place;
  }

  /** The absolute path of a Slot as it was before the run; `null`: this namespace does not show it. */
  pathOf(slot: Slot): string | null {
    const folder = slot.folder?.origin;
    if (folder !== undefined) {
      const above = this.#model.path(folder);
      const name = toText(slot.name);
      if (name === undefined) return null;
      const path = above === null ? null : above === "/" ? `/${name}` : `${above}/${name}`;
      if (path !== null && !this.#isPoint(path)) return path;
    }
    const inside = insidePath(slot);
    if (inside === undefined) return null;
    for (const mount of this.#mounts) {
      if (mount.line.dev !== slot.system.dev || !contains(mount.line.root, inside)) continue;
      const rest = mount.line.root === "/" ? inside : inside.slice(mount.line.root.length);
      const path =
        rest === "/" || rest === "" ? mount.line.point : (mount.line.point === "/" ? "" : mount.line.point) + rest;
      if (this.#topmost(path as Bytes) === mount) return toText(path) ?? null;
    }
    return null;
  }

  #points: Set<string> | undefined;
  #isPoint(path: string): boolean {
    this.#points ??= new Set(this.#mounts.map((m) => toText(m.line.point) ?? ""));
    return this.#points.has(path);
  }

  /** Which mount an absolute path ends in. */
  #topmost(path: Bytes): Mount | undefined {
    let best: Mount | undefined;
    for (const mount of this.#mounts) {
      if (!contains(mount.line.point, path)) continue;
      if (best === undefined || mount.line.point.length >= best.line.point.length) best = mount;
    }
    return best;
  }

  #below(parent: Mount, point: Bytes): Slot | undefined {
    if (!contains(parent.line.point, point)) return undefined;
    const rest = parent.line.point === "/" ? point : point.slice(parent.line.point.length);
    const root = parent.line.root === "/" ? "" : parent.line.root;
    return rest === "" || rest === "/" ? parent.top : this.#model.locate(parent.line.dev, (root + rest) as Bytes);
  }
}

/** Through whatever is mounted on a place. */
export function crossed(place: Place): Place {
  const over = place.mount?.over.get(place.slot);
  if (over === undefined) return place;
  const mount = entered(over);
  return { mount, slot: mount.top };
}

function entered(mount: Mount): Mount {
  for (let m = mount; ;) {
    const over = m.over.get(m.top);
    if (over === undefined || over === m) return m;
    m = over;
  }
}

/** One up; `undefined` at the top of everything. */
export function above(place: Place): Place | undefined {
  let { mount, slot } = place;
  while (mount !== undefined && slot === mount.top) {
    if (mount.above === undefined) return undefined;
    ({ mount, slot } = mount.above);
  }
  const folder: Thing | undefined = slot.folder;
  return folder?.at === undefined ? undefined : { mount, slot: folder.at };
}

/** Path inside the file system before the run. */
export function insidePath(slot: Slot): Bytes | undefined {
  const names: Bytes[] = [];
  let at: Slot = slot;
  while (at.folder !== undefined) {
    names.push(at.name);
    const origin = at.folder.origin;
    if (origin === undefined) return undefined;
    at = origin;
  }
  return `/${names.reverse().join("/")}` as Bytes;
}

function contains(folder: string, path: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}
