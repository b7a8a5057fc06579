// Goes through the log of a run as it happened: resolves each path in the world as it was at that moment, and says what was
// asked of the world before the run. See docs/decisions/0025.
import type { Bytes, FileObject, PathRef } from "../event.ts";
import type { Asker, Emitter } from "./emit.ts";
import type { Ask, Handle } from "./log.ts";
import { NOWHERE, type Slot, type Thing } from "./model.ts";
import type { Place } from "./mounts.ts";
import { readHeader, USUAL_LOADERS } from "./executed.ts";
import type { Scene } from "./scene.ts";
import { toMessage } from "./text.ts";
import { type End, type Visitor, walk } from "./walk.ts";
import type { Files } from "../../ports.ts";

const ENOENT = 2;
const ENOTDIR = 20;
/** Kernel limit of nested interpreters. */
const MAX_INTERPRETERS = 5;
/** Walks repeated because a name leads elsewhere: x 2 µs = 4 s, far beyond any build seen. */
const MAX_AGAIN = 2_000_000;

/** Nothing is known but the path. */
const PLAIN = { object: undefined, interpreter: undefined, header: undefined };

/** What one walk met, for judging its outcome. */
interface Met {
  /** A name that the run changes at some time: then events and model may disagree by a moment. */
  changing: boolean;
}

export class Retrace {
  readonly #scene: Scene;
  readonly #emit: Emitter;
  readonly #files: Files;
  readonly #met: Met = { changing: false };
  #asker: Asker | undefined;
  #ask: Ask | undefined;
  #again = 0;
  readonly #visitor: Visitor;

  constructor(scene: Scene, emit: Emitter, files: Files) {
    this.#scene = scene;
    this.#emit = emit;
    this.#files = files;
    this.#visitor = {
      link: (slot, symlink) => {
        if (this.#asker === undefined) slot.followed ||= slot.now === undefined && !slot.isKnown;
        else if (symlink.origin !== undefined) this.#emit.look("symlink", symlink.origin, this.#asker);
      },
      left: (slot) => this.#leaves(slot),
      name: (slot) => {
        if (slot.changes) this.#met.changing = true;
        if (slot.redirects && this.#ask !== undefined) (slot.asks ??= new Set()).add(this.#ask);
      },
      unsure: (slot) => {
        if (this.#asker !== undefined) this.#emit.modified(slot);
      },
    };
  }

  #leaves(slot: Slot): void {
    const thing = this.#scene.model.current(slot);
    if (this.#asker !== undefined && thing !== null && thing !== NOWHERE && thing.origin !== undefined)
      this.#emit.look("probe", thing.origin, this.#asker);
  }

  /** @param asker `undefined` while learning: then nothing is looked at */
  walk(
    ref: PathRef,
    event: { readonly mountNs: number; readonly seq: number },
    how: { readonly follow: boolean; readonly assume?: boolean },
    asker: Asker | undefined,
  ): End | undefined {
    this.#met.changing = false;
    const start = this.#scene.start(ref, event.mountNs, event.seq);
    if (start === undefined) return undefined;
    this.#asker = asker;
    if (ref.string === "") return this.#itself(start.from);
    return walk(this.#scene.model, { ...start, string: ref.string, ...how }, this.#visitor);
  }

  /** What a descriptor refers to. */
  #itself(place: Place): End {
    const thing = this.#scene.model.current(place.slot);
    if (thing === NOWHERE) return { kind: "nowhere", place };
    if (thing === null) return { kind: "absent", place, last: true };
    return { kind: "found", place, thing, mustBeFolder: false };
  }

  ask(ask: Ask, depth = 0, again?: number): void {
    const { image, path, outcome, object } = ask;
    const refused = outcome !== undefined && outcome !== 0;
    // execve reads what it then refuses (docs: execve(2), ENOEXEC): its content is an input all the same.
    const sawNothing = refused && ask.class !== "exec";
    const asker: Asker = { image, seq: again ?? ask.seq, class: ask.class, refused: sawNothing };
    this.#ask = ask;
    const end = this.walk(path, { mountNs: ask.mountNs, seq: asker.seq }, { follow: !ask.noFollow }, asker);
    this.#ask = undefined;
    if (end === undefined) {
      if (object === undefined) this.#scene.unresolvedText(path, image.by);
      else this.#emit.object(object, asker);
      return;
    }
    this.#judge(end, ask, asker, again !== undefined);
    // A refused one too: its first bytes, or a missing interpreter, may be why (ENOEXEC, ENOENT).
    if (ask.class === "exec" && (!refused || end.kind === "found")) this.#executed(ask, end, depth);
  }

  #judge(end: End, ask: Ask, asker: Asker, again: boolean): void {
    const { object, outcome } = ask;
    // An empty string is refused whatever is there; an exec also if an interpreter is missing.
    const strange = !again && !this.#met.changing && ask.class !== "exec" && ask.path.string !== "";
    switch (end.kind) {
      case "loop":
        return;
      case "proc":
        return this.#emit.proc(toMessage(end.rest), asker, object);
      case "nowhere":
        if (object === undefined) return this.#scene.unresolved(end.place.slot);
        return this.#emit.object(object, asker);
      case "absent":
        this.#emit.absent(end.place.slot, asker);
        if (object !== undefined) return this.#emit.object(object, asker);
        // It was there, and nobody of the run took it away.
        if (strange && outcome === 0) this.#emit.modified(end.place.slot);
        return;
      case "no-folder":
        this.#emit.present(end.thing, { ...asker, class: "access" });
        return;
      case "found":
        return this.#found(end.place, end.thing, end.mustBeFolder, ask, asker, strange);
      default:
        return end satisfies never;
    }
  }

  #found(place: Place, thing: Thing, mustBeFolder: boolean, ask: Ask, asker: Asker, strange: boolean): void {
    const { object, outcome } = ask;
    if (thing.maybe) {
      // The first one to look says whether it was there at all.
      thing.maybe = false;
      if (outcome === ENOENT) {
        place.slot.before = null;
        return this.#emit.absent(place.slot, asker);
      }
    }
    const noFolder = mustBeFolder && thing.type !== "dir" && thing.type !== "unknown";
    this.#emit.present(thing, noFolder ? { ...asker, class: "access" } : asker);
    const missing = outcome === ENOENT || (outcome === ENOTDIR && thing.type === "dir");
    if (strange && missing && thing.origin !== undefined && thing.type !== "other") this.#emit.modified(place.slot);
    if (object === undefined || object.path === "" || ask.class === "exec") return;
    if (place.slot.system.dev === object.dev && this.#scene.model.isAt(place.slot, object.path)) return;
    // The name led elsewhere when it was opened.
    this.#emit.object(object, asker);
    if (strange && thing.type !== "other") this.#emit.modified(place.slot);
  }

  /** The kernel opens interpreters and loaders by itself. */
  #executed(ask: Ask, end: End, depth: number): void {
    const { object, interpreter } = ask;
    if (object !== undefined)
      this.#emit.object(object, { image: ask.image, seq: ask.seq, class: "exec", refused: false });
    if (depth >= MAX_INTERPRETERS) return;
    if (interpreter !== undefined && interpreter.string !== ask.path.string)
      this.ask({ ...ask, path: interpreter, ...PLAIN }, depth + 1);
    const header = ask.header ?? this.#header(end);
    const nested = (string: Bytes, isScript: boolean): void =>
      this.ask(
        {
          ...ask,
          class: isScript ? "exec" : "read",
          path: string.startsWith("/") ? { string, base: undefined, ...rootOf(ask.path) } : { ...ask.path, string },
          noFollow: false,
          outcome: undefined,
          ...PLAIN,
        },
        depth + 1,
      );
    if (header?.interpreter !== undefined) nested(header.interpreter, header.isScript);
    else if (header === undefined && end.kind !== "absent") for (const loader of USUAL_LOADERS) nested(loader, false);
  }

  #header(end: End): ReturnType<typeof readHeader> {
    if (end.kind !== "found") return undefined;
    const { origin } = end.thing;
    const path = origin === undefined ? this.#scene.model.pathNow(end.place.slot) : this.#scene.model.path(origin);
    return path === null ? undefined : readHeader(path, this.#files);
  }

  /** A listed directory, or a descriptor from elsewhere. */
  handle({ kind, image, seq, mountNs, object, absolute }: Handle): void {
    const asker: Asker = { image, seq, class: kind === "list" ? "watch" : "read", refused: false };
    if (object !== undefined)
      return this.#emit.object({ ...object, mode: kind === "list" ? 0o040000 : object.mode }, asker);
    if (absolute === undefined)
      return this.#scene.gap({ kind: "unresolved-path", path: `a descriptor of ${image.by}` });
    const place = this.#scene.table(mountNs, seq)?.absolute(absolute);
    if (place === undefined) return this.#scene.gap({ kind: "unresolved-path", path: toMessage(absolute) });
    this.#asker = asker;
    const end = this.#itself(place);
    if (end.kind === "found") {
      if (kind === "list" && end.thing.type === "unknown") end.thing.type = "dir";
      this.#emit.present(end.thing, asker);
    } else if (end.kind === "nowhere") this.#scene.unresolved(place.slot);
    else if (place.slot.now === undefined && !place.slot.changes) this.#emit.modified(place.slot);
  }

  /** A name leads elsewhere from now on: whoever asked through it may have asked again. */
  again(slot: Slot, seq: number): void {
    const { asks } = slot;
    if (asks === undefined) return;
    slot.asks = undefined;
    for (const ask of asks) {
      if (++this.#again > MAX_AGAIN) {
        this.#scene.gap({ kind: "events-lost", count: asks.size, what: "questions through names that changed" });
        return;
      }
      this.ask(ask, 0, seq);
    }
  }
}

function rootOf({ root }: PathRef): { readonly root?: FileObject } {
  return root === undefined ? {} : { root };
}
