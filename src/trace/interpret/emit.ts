// From "this call met that thing" to looks and gaps: which question a call asks about what it met (docs/soundness.md, 2.5).
import type { FileObject } from "../event.ts";
import type { GitLedger } from "./git-ledger.ts";
import type { Image, Images } from "./image.ts";
import type { LookKind } from "./interpreted.ts";
import type { AskClass } from "./log.ts";
import type { Looks } from "./looks.ts";
import { NOWHERE, type Slot, Thing } from "./model.ts";
import { isHarmlessDevice, isMachineFact, isPseudo, procRule } from "./pseudo.ts";
import type { Scene } from "./scene.ts";
import { toMessage, toText } from "./text.ts";

/** Who asks, when, and how. */
export interface Asker {
  readonly image: Image;
  readonly seq: number;
  readonly class: AskClass;
  /** The call failed for another reason than that nothing was there: it saw no content. */
  readonly refused: boolean;
}

const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

export function fileType(mode: number): number {
  return mode & S_IFMT;
}

export class Emitter {
  readonly #scene: Scene;
  readonly #looks: Looks;
  readonly #git: GitLedger;
  readonly #images: Images;
  readonly #tempRoots: readonly string[];

  constructor(scene: Scene, looks: Looks, git: GitLedger, images: Images, tempRoots: readonly string[]) {
    this.#scene = scene;
    this.#looks = looks;
    this.#git = git;
    this.#images = images;
    this.#tempRoots = tempRoots;
  }

  /** A look at what a Slot held before the run. */
  look(kind: LookKind, slot: Slot, asker: Asker): void {
    const path = this.#scene.model.path(slot);
    if (path === null) return this.#scene.unresolved(slot);
    this.#lookAt(kind, path, asker);
  }

  #lookAt(kind: LookKind, path: string, { image, seq }: Asker): void {
    if (isMachineFact(path)) return;
    if (isHarmlessDevice(path) && kind !== "absent") return;
    if (this.#git.look(kind, path, image)) return;
    this.#looks.add(kind, path, image.by, seq);
  }

  /** Nothing is there. */
  absent(slot: Slot, asker: Asker): void {
    // Removed by the run, or never in a folder from before it.
    if (slot.now !== undefined || (slot.folder !== undefined && slot.folder.origin === undefined)) return;
    if (slot.changes && this.#isTemporary(slot)) return;
    this.look("absent", slot, asker);
  }

  /** A name was made in the folder of this Slot, which must be there the next time too: that the name is free says less. */
  room(slot: Slot, asker: Asker): void {
    if (slot.folder === undefined || this.#isTemporary(slot)) return;
    this.present(slot.folder, { ...asker, class: "access" });
  }

  /** Random names below temporary folders would make a new path set on every run. */
  #isTemporary(slot: Slot): boolean {
    const path = this.#scene.model.path(slot);
    return path !== null && this.#tempRoots.some((root) => path === root || path.startsWith(`${root}/`));
  }

  /** Something is there. @returns the Slot it had before the run, if it is from before and its content was shown */
  present(thing: Thing, asker: Asker): Slot | undefined {
    const { origin } = thing;
    if (origin === undefined) return undefined;
    const kind = questionOf(thing, asker);
    if (kind === "device") this.#device(origin);
    else if (kind === "file" && thing.overwritten) this.look("probe", origin, asker);
    else if (kind === "stat" && thing.overwritten) this.look("probe", origin, asker);
    else {
      this.look(kind, origin, asker);
      if (kind === "file") thing.read = true;
    }
    return kind === "file" ? origin : undefined;
  }

  /** A descriptor's file, by identity: no path need have led there. */
  object(object: FileObject, asker: Asker): void {
    const type = fileType(object.mode);
    // Pipes, sockets, anonymous inodes.
    if (object.path === "" || (type !== 0 && type !== S_IFREG && type !== S_IFDIR && type !== S_IFLNK)) {
      if (type === S_IFCHR || type === S_IFBLK) this.#device(this.#scene.model.locate(object.dev, object.path));
      return;
    }
    const { model } = this.#scene;
    const slot = model.locate(object.dev, object.path);
    if (slot.system.type === "proc") return this.proc(toMessage(object.path).slice(1), asker, undefined);
    const thing = model.current(slot);
    if (thing === NOWHERE) return this.#scene.unresolved(slot);
    if (thing !== null) {
      this.present(thing.type === "unknown" ? typed(thing, type) : thing, asker);
      return;
    }
    // It is gone, and the run has not removed it.
    if (slot.now === undefined && !slot.changes) this.modified(slot);
  }

  /** The world is not as the run saw it, and the run did not change it. */
  modified(slot: Slot): void {
    const path = this.#scene.model.path(slot);
    if (path !== null && isPseudo(path)) return;
    this.#scene.gap({ kind: "input-modified", path: path ?? toMessage(slot.name) });
  }

  /** @param rest path below /proc */
  proc(rest: string, asker: Asker, object: FileObject | undefined): void {
    // A link that leads out of procfs: what it led to.
    if (object !== undefined && this.#scene.model.system(object.dev).type !== "proc") return this.object(object, asker);
    const path = `/proc/${rest}`;
    switch (procRule(rest, (pid) => this.#images.knows(pid))) {
      case "none":
      case "descriptor":
        return;
      case "file":
        return this.#lookAt(
          asker.class === "readlink" ? "symlink" : asker.class === "read" ? "file" : "probe",
          path,
          asker,
        );
      case "processes":
        return this.#scene.gap({ kind: "opaque-service", service: "/proc (other processes)" });
      case "elsewhere":
        if (object === undefined) this.#scene.gap({ kind: "unresolved-path", path });
    }
  }

  #device(slot: Slot): void {
    const path = this.#scene.model.path(slot);
    if (path === null) {
      const name = toText(slot.name);
      // Namespaces bring their own /dev with the same few nodes.
      if (name === undefined || !isHarmlessDevice(`/dev/${name}`)) this.#scene.unresolved(slot);
    } else if (!isHarmlessDevice(path)) this.#scene.gap({ kind: "opaque-service", service: path });
  }
}

function typed(thing: Thing, type: number): Thing {
  thing.type = type === S_IFDIR ? "dir" : type === S_IFLNK ? "symlink" : "file";
  return thing;
}

function questionOf(thing: Thing, { class: cls, refused }: Asker): LookKind | "device" {
  switch (thing.type) {
    case "dir":
      return cls === "watch" ? "directory" : "probe";
    case "symlink":
      // Its size is the length of its target.
      return "symlink";
    case "other":
      return cls === "read" && !refused ? "device" : "probe";
    case "file":
    case "unknown":
      break;
    default:
      return thing.type satisfies never;
  }
  switch (cls) {
    case "stat":
      return "stat";
    case "read":
    case "exec":
    case "watch":
    // The values of extended attributes are not compared; content at least changes when the file is replaced.
    case "xattr":
      return refused ? "probe" : "file";
    case "access":
    case "readlink":
    case "handle":
    case "chdir":
    case "chroot":
      return "probe";
    default:
      return cls satisfies never;
  }
}
