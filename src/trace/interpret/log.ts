// Collects the events of a run and drops repeats as they come, so that a million events cost what their distinct questions
// cost. A repeat is the same call with the same string from the same folder and the same outcome: the kernel side drops such
// repeats too, so whoever reads the log must take it that each of them may have come again at any later time.
import type { Bytes, FileObject, LookClass, Outcome, PathRef, TraceEvent } from "../event.ts";
import type { Header } from "./executed.ts";
import type { Image } from "./image.ts";

export type AskClass = LookClass | "read" | "exec";

/** A question about a path. */
export interface Ask {
  readonly kind: "ask";
  readonly seq: number;
  readonly image: Image;
  readonly mountNs: number;
  readonly path: PathRef;
  readonly class: AskClass;
  readonly noFollow: boolean;
  readonly outcome: Outcome;
  /** open(2) flags. */
  readonly flags: number;
  /** What an open or exec got. */
  readonly object?: FileObject | undefined;
  /** Of an exec: the last interpreter. */
  readonly interpreter?: PathRef | undefined;
  /** Of an exec: what the file said when it was run. */
  readonly header?: Header | undefined;
}

export type EffectEvent = Extract<TraceEvent, { type: "open" | "change" | "pair" }>;

/** Something that the run did to the world. */
export interface Effect {
  readonly kind: "effect";
  readonly image: Image;
  readonly event: EffectEvent;
}

/** A descriptor was listed, or came from elsewhere. */
export interface Handle {
  readonly kind: "list" | "receive";
  readonly seq: number;
  readonly image: Image;
  readonly mountNs: number;
  readonly object: FileObject | undefined;
  readonly absolute: PathRef["baseAbsolute"];
}

export type Entry = Ask | Effect | Handle;

/** x 200 B of an Ask and its keys = 400 MB, the most this may take. */
export const MAX_ENTRIES = 2_000_000;

interface Seen {
  /** One bit for each class, kind of failure, and noFollow. */
  low: number;
  high: number;
  /** Results of opens: another object behind the same name is another event. */
  opened: { readonly how: number; readonly dev: number; readonly ino: bigint }[] | undefined;
}

/** A folder, as one program sees it. */
interface Base {
  readonly mountNs: number;
  readonly root: FileObject | undefined;
  readonly seen: Map<string, Seen>;
}

const CLASSES: Readonly<Record<AskClass | "list" | "receive", number>> = {
  stat: 0,
  access: 1,
  readlink: 2,
  xattr: 3,
  watch: 4,
  handle: 5,
  chdir: 6,
  chroot: 7,
  read: 8,
  exec: 9,
  list: 10,
  receive: 11,
};
const ENOENT = 2;
const ENOTDIR = 20;
/** Of one name; beyond that repeats are kept instead of searched for. */
const MAX_OPENED = 64;

/** What git looks at is judged by other rules, so its looks are no repeats of another program's, nor the reverse. */
class Bases {
  readonly #byKey = new Map<string, Base>();
  /** Back ends hand out the same object for the same folder: then its key need not be built. */
  readonly #byObject = new WeakMap<FileObject, Base>();

  seen(mountNs: number, { string, base, baseAbsolute, root }: PathRef): Seen {
    let known = base === undefined ? undefined : this.#byObject.get(base);
    if (known === undefined || known.mountNs !== mountNs || known.root !== root) {
      const key = `${mountNs} ${objectKey(root)} ${objectKey(base)} ${baseAbsolute ?? ""}`;
      known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, (known = { mountNs, root, seen: new Map() }));
      if (base !== undefined) this.#byObject.set(base, known);
    }
    let seen = known.seen.get(string);
    if (seen === undefined) known.seen.set(string, (seen = { low: 0, high: 0, opened: undefined }));
    return seen;
  }
}

export class Log {
  readonly entries: Entry[] = [];
  /** More distinct events than MAX_ENTRIES: the rest is lost. */
  dropped = 0;
  readonly #git = new Bases();
  readonly #others = new Bases();

  ask(ask: Omit<Ask, "kind">): void {
    const { class: cls, noFollow, outcome, image, object, flags, mountNs, path, header, interpreter } = ask;
    // The same file may have been written anew, for another interpreter.
    const opens = `${header?.interpreter ?? ""}\0${interpreter?.string ?? ""}`;
    const string = cls === "exec" ? (`${path.string}\0${opens}` as Bytes) : path.string;
    const seen = this.#seen(image, mountNs, string === path.string ? path : { ...path, string });
    const failed = outcome === undefined || outcome === 0 ? 0 : outcome === ENOENT || outcome === ENOTDIR ? 1 : 2;
    const isNew =
      cls === "read" || object !== undefined
        ? !isRepeat(seen, flags * 8 + failed * 2 + (cls === "read" ? 0 : 1), object)
        : setBit(seen, (CLASSES[cls] * 2 + (noFollow ? 1 : 0)) * 3 + failed);
    if (isNew) this.#push({ kind: "ask", ...ask });
  }

  effect(image: Image, event: EffectEvent): void {
    // Opening the same file for writing again changes nothing more, unless it had to be made again.
    if (event.type === "open" && !event.created) {
      const seen = this.#seen(image, event.mountNs, event.path);
      if (isRepeat(seen, event.flags * 8 + 7, event.object)) return;
    }
    this.#push({ kind: "effect", image, event });
  }

  handle(handle: Handle): void {
    const { kind, image, mountNs, object, absolute } = handle;
    const path = { string: "" as Bytes, base: object, ...(absolute !== undefined && { baseAbsolute: absolute }) };
    if (setBit(this.#seen(image, mountNs, path), CLASSES[kind] * 6)) this.#push(handle);
  }

  #seen(image: Image, mountNs: number, path: PathRef): Seen {
    return (image.isGit ? this.#git : this.#others).seen(mountNs, path);
  }

  #push(entry: Entry): void {
    if (this.entries.length < MAX_ENTRIES) this.entries.push(entry);
    else this.dropped++;
  }
}

function objectKey(object: FileObject | undefined): string {
  return object === undefined ? "-" : `${object.dev}:${object.mountId ?? ""}:${object.ino}:${object.path}`;
}

/** @param bit 0..71 @returns false if it was set already */
function setBit(seen: Seen, bit: number): boolean {
  // Three words would do for any bit; two of 36 bits need no third field.
  const word = bit < 36 ? "low" : "high";
  const value = 2 ** (bit % 36);
  if (Math.floor(seen[word] / value) % 2 === 1) return false;
  seen[word] += value;
  return true;
}

function isRepeat(seen: Seen, how: number, object: FileObject | undefined): boolean {
  const dev = object?.dev ?? 0;
  const ino = object?.ino ?? 0n;
  seen.opened ??= [];
  if (seen.opened.some((o) => o.how === how && o.ino === ino && o.dev === dev)) return true;
  if (seen.opened.length < MAX_OPENED) seen.opened.push({ how, dev, ino });
  return false;
}
