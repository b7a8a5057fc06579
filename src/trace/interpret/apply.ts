// One effect of the run: which names it changes, and what its success says about the world before.
import type { Outcome, PathRef } from "../event.ts";
import type { Effects } from "./effects.ts";
import { type Asker, type Emitter, fileType, S_IFREG } from "./emit.ts";
import type { GitLedger } from "./git-ledger.ts";
import type { Ask, Effect, EffectEvent } from "./log.ts";
import { NOWHERE, type Slot, Thing } from "./model.ts";
import type { Retrace } from "./retrace.ts";
import type { Scene } from "./scene.ts";
import type { End } from "./walk.ts";

export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_NOFOLLOW = 0o400000;
export const O_TMPFILE = 0o20000000;
const RENAME_EXCHANGE = 2;

type Open = Extract<EffectEvent, { type: "open" }>;
type Change = Extract<EffectEvent, { type: "change" }>;
type Pair = Extract<EffectEvent, { type: "pair" }>;

export interface ApplyParts {
  readonly scene: Scene;
  readonly retrace: Retrace;
  readonly effects: Effects;
  readonly emit: Emitter;
  readonly git: GitLedger;
}

export class Apply {
  readonly #parts: ApplyParts;
  #asker: Asker | undefined;

  constructor(parts: ApplyParts) {
    this.#parts = parts;
  }

  effect({ image, event }: Effect): void {
    const asker: Asker = { image, seq: event.seq, class: "access", refused: false };
    this.#asker = this.#parts.effects.final ? asker : undefined;
    if (event.type === "open") this.#open(event);
    else if (event.type === "change") this.#change(event);
    else this.#pair(event);
  }

  /** Of the last name, which need not be there. */
  #slot(ref: PathRef, event: EffectEvent, follow: boolean): { readonly slot: Slot; readonly thing: Thing | null } | undefined {
    const { retrace, scene } = this.#parts;
    const assume = event.outcome === 0;
    const end = retrace.walk(ref, event, { follow, assume }, this.#asker);
    const found = end === undefined ? undefined : atEnd(end);
    if (found !== undefined || end?.kind === "proc" || end?.kind === "loop") return found;
    if (this.#asker === undefined) return undefined;
    if (end === undefined) scene.unresolvedText(ref, this.#asker.image.by);
    else if (end.kind === "nowhere") scene.unresolved(end.place.slot);
    // A blind back end's call that failed: it met what any look would have met.
    else if (end.kind === "absent") this.#parts.emit.absent(end.place.slot, this.#asker);
    else if (end.kind === "no-folder") this.#parts.emit.present(end.thing, this.#asker);
    return undefined;
  }

  /** Opened for writing. */
  #open(event: Open): void {
    const { object, flags, outcome, path } = event;
    const { scene, effects, emit, retrace } = this.#parts;
    const reading: Asker | undefined = this.#asker && { ...this.#asker, class: "read" };
    const isFile = object === undefined || object.mode === 0 || fileType(object.mode) === S_IFREG;
    const follow = (flags & O_NOFOLLOW) === 0 && (flags & (O_CREAT | O_EXCL)) !== (O_CREAT | O_EXCL);
    if ((flags & O_TMPFILE) === O_TMPFILE || !isFile) {
      if (this.#asker !== undefined) retrace.ask(asAsk(event, this.#asker));
      return;
    }
    const named = this.#slot(path, event, follow);
    const located = object === undefined || object.path === "" ? undefined : scene.model.locate(object.dev, object.path);
    const slot = located ?? named?.slot;
    if (slot === undefined || slot.system.type === "proc") return;
    const current = scene.model.current(slot);
    const created = event.created || (outcome === undefined && (flags & O_CREAT) !== 0 && current === null);
    if (created) {
      this.#free(slot);
      effects.make(slot, "file", "written");
      return;
    }
    effects.learn(slot, () => present(scene, slot, "file"));
    const thing = scene.model.current(slot);
    if (thing === NOWHERE) return this.#asker && scene.unresolved(slot);
    if (thing === null) {
      // Its making was a repeat that was dropped; or, for a blind back end, it was not there to be opened.
      if (outcome === 0) effects.make(slot, "file", "written");
      else if (this.#asker !== undefined) emit.absent(slot, this.#asker);
      return;
    }
    if (thing.type === "other" || thing.type === "dir") {
      if (reading !== undefined) emit.present(thing, reading);
      return;
    }
    if ((flags & O_TRUNC) !== 0) return effects.overwrite(slot, thing, outcome);
    if (reading !== undefined) emit.present(thing, reading);
    effects.write(slot, thing);
  }

  /** A name was free, and will be the run's own. */
  #free(slot: Slot): void {
    const { scene, effects, emit, git } = this.#parts;
    effects.learn(slot, () => null);
    if (this.#asker === undefined) return;
    emit.absent(slot, this.#asker);
    const path = scene.model.pathNow(slot);
    if (path === null) return;
    git.made(path);
    git.wrote(path, this.#asker.image);
  }

  #change(event: Change): void {
    const { op, path, outcome, existed } = event;
    const { scene, effects, emit, retrace } = this.#parts;
    const names = op === "unlink" || op === "rmdir" || op === "mkdir" || op === "mknod";
    const found = this.#slot(path, event, !names && !event.noFollow);
    if (found === undefined || found.slot.system.type === "proc") return;
    const { slot } = found;
    switch (op) {
      case "mkdir":
      case "mknod":
        if (!isFree(outcome, existed, found.thing)) return this.#look(found.thing);
        this.#free(slot);
        return this.#redirect(slot, effects.make(slot, op === "mkdir" ? "dir" : "other", "placed"));
      case "unlink":
      case "rmdir": {
        const there = outcome === 0 || (existed ?? found.thing !== null);
        if (!there) return this.#asker && emit.absent(slot, this.#asker);
        effects.learn(slot, () => new Thing(op === "rmdir" ? "dir" : "unknown", slot, slot));
        const thing = scene.model.current(slot);
        if (this.#asker !== undefined && thing !== null && thing !== NOWHERE)
          // A folder can only be removed if it is empty.
          emit.present(thing, op === "rmdir" ? { ...this.#asker, class: "watch" } : this.#asker);
        this.#wrote(slot);
        return effects.remove(slot, outcome);
      }
      case "chmod":
      case "chown":
      case "setxattr":
        this.#look(found.thing);
        if (found.thing !== null) effects.touch(slot, "mode");
        return;
      case "utime":
        return this.#look(found.thing);
      case "truncate": {
        effects.learn(slot, () => present(scene, slot, "file"));
        const thing = scene.model.current(slot);
        if (thing === null || thing === NOWHERE) return;
        if (this.#asker !== undefined) emit.present(thing, { ...this.#asker, class: "read" });
        return effects.write(slot, thing);
      }
      case "umount":
        slot.redirects = true;
        if (this.#asker !== undefined) retrace.again(slot, this.#asker.seq);
        return;
      default:
        return op satisfies never;
    }
  }

  #pair(event: Pair): void {
    const { op, from, to } = event;
    switch (op) {
      case "symlink": {
        const target = this.#slot(to, event, false);
        if (target === undefined) return;
        if (!isFree(event.outcome, event.toExisted, target.thing)) return this.#look(target.thing);
        this.#free(target.slot);
        const symlink = this.#parts.effects.make(target.slot, "symlink", "placed");
        symlink.target = from.string;
        return this.#redirect(target.slot, symlink);
      }
      case "rename":
        return this.#rename(event);
      case "link":
        return this.#link(event);
      case "mount":
      case "move_mount":
      case "pivot_root": {
        // Where it leads, the next mount table says. What is mounted may be a device, or nothing that has a path.
        const source = this.#asker !== undefined && from.string.startsWith("/") ? this.#slot(from, event, true) : undefined;
        if (source !== undefined) this.#look(source.thing);
        const target = this.#slot(to, event, true);
        if (target === undefined) return;
        target.slot.redirects = true;
        target.slot.changes = true;
        if (this.#asker !== undefined) this.#parts.retrace.again(target.slot, this.#asker.seq);
        return;
      }
      default:
        return op satisfies never;
    }
  }

  #rename(event: Pair): void {
    const { effects, scene } = this.#parts;
    const { outcome, fromExisted, toExisted } = event;
    const source = this.#slot(event.from, event, false);
    const target = this.#slot(event.to, event, false);
    if (source === undefined || target === undefined) return;
    const there = outcome === 0 || (fromExisted ?? source.thing !== null);
    if (!there) return this.#asker && this.#parts.emit.absent(source.slot, this.#asker);
    effects.learn(source.slot, () => this.#movedFrom(source.slot, target.slot));
    effects.learn(target.slot, () => this.#overwritten(target.slot, event));
    const thing = scene.model.current(source.slot);
    const old = scene.model.current(target.slot);
    if (thing === NOWHERE || old === NOWHERE) return;
    if (thing !== null && thing === old && outcome !== undefined) return; // Two hard links of one file: nothing happens.
    this.#content(thing);
    this.#wrote(source.slot);
    this.#wrote(target.slot);
    const moved = thing ?? new Thing("file", source.slot, undefined);
    if (((event.flags ?? 0) & RENAME_EXCHANGE) !== 0 && old !== null) {
      this.#content(old);
      effects.place(target.slot, moved, outcome, false);
      effects.place(source.slot, old, outcome, false);
      old.at = source.slot;
    } else {
      effects.place(target.slot, moved, toExisted === false ? 0 : outcome, false);
      effects.leave(source.slot, moved, outcome);
    }
    this.#redirect(target.slot, moved);
  }

  #link(event: Pair): void {
    const { effects, scene } = this.#parts;
    const target = this.#slot(event.to, event, false);
    if (target === undefined) return;
    if (!isFree(event.outcome, event.toExisted, target.thing)) return this.#look(target.thing);
    const source = this.#slot(event.from, event, false);
    // From a descriptor (/proc/self/fd/N): the content was seen when that was opened, or is the run's own.
    const thing = source === undefined ? new Thing("file", undefined, undefined) : scene.model.current(source.slot);
    if (thing === null || thing === NOWHERE) return this.#asker && source && this.#parts.emit.absent(source.slot, this.#asker);
    this.#free(target.slot);
    effects.place(target.slot, thing, 0, true);
    this.#content(thing);
    if (thing.origin !== undefined) effects.touch(thing.origin, "linked");
    this.#redirect(target.slot, thing);
  }

  /** Something that was there before has another name now: what it holds becomes part of the result. */
  #content(thing: Thing | null): void {
    if (thing === null || this.#asker === undefined || thing.origin === undefined) return;
    if (thing.type === "dir") this.#parts.emit.modified(thing.origin);
    else this.#parts.emit.present(thing, { ...this.#asker, class: "read" });
  }

  #redirect(slot: Slot, thing: Thing): void {
    if (thing.type === "dir" || thing.type === "symlink" || thing.origin !== undefined) slot.redirects = true;
    if (slot.redirects && this.#asker !== undefined) this.#parts.retrace.again(slot, this.#asker.seq);
  }

  #wrote(slot: Slot): void {
    if (this.#asker === undefined) return;
    const path = this.#parts.scene.model.pathNow(slot);
    if (path !== null) this.#parts.git.wrote(path, this.#asker.image);
  }

  #look(thing: Thing | null): void {
    if (thing !== null && this.#asker !== undefined) this.#parts.emit.present(thing, this.#asker);
  }

  /** What was renamed is where it was renamed to, unless that was changed again. */
  #movedFrom(source: Slot, target: Slot): Thing {
    const stat = this.#parts.scene.model.stat(target);
    return new Thing(stat === undefined || stat === NOWHERE ? "unknown" : stat.type, source, source);
  }

  /** A rename does not tell whether it replaced something. */
  #overwritten(slot: Slot, { toExisted }: Pair): Thing | null {
    if (toExisted === false) return null;
    const thing = new Thing("unknown", slot, slot);
    thing.maybe = toExisted === undefined;
    return thing;
  }
}

function atEnd(end: End): { readonly slot: Slot; readonly thing: Thing | null } | undefined {
  if (end.kind === "found") return { slot: end.place.slot, thing: end.thing };
  return end.kind === "absent" && end.last ? { slot: end.place.slot, thing: null } : undefined;
}

/** Was the name free, so that it could be made? */
function isFree(outcome: Outcome, existed: boolean | undefined, thing: Thing | null): boolean {
  return outcome === 0 || !(existed ?? thing !== null);
}

/** The world after the run has it, or it was a file that has been removed since. */
function present(scene: Scene, slot: Slot, otherwise: "file"): Thing {
  const thing = scene.model.before(slot);
  return thing === null || thing === NOWHERE ? new Thing(otherwise, slot, slot) : thing;
}

function asAsk(event: Open, { image }: Asker): Ask {
  const { seq, mountNs, path, outcome, flags, object } = event;
  return {
    kind: "ask",
    seq,
    image,
    mountNs,
    path,
    class: "read",
    noFollow: (flags & O_NOFOLLOW) !== 0,
    outcome,
    flags,
    object,
    interpreter: undefined,
    header: undefined,
  };
}
