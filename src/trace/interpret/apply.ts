// Files opened for writing, names made and removed: what their success says about the world before, and what they change.
import type { Outcome } from "../event.ts";
import { Acting, type ApplyParts, isFree } from "./acting.ts";
import { pair } from "./apply-pair.ts";
import { type Asker, fileType, S_IFREG } from "./emit.ts";
import type { Ask, Effect, EffectEvent } from "./log.ts";
import { NOWHERE, type Slot, Thing } from "./model.ts";
import type { Scene } from "./scene.ts";

export const O_CREAT = 0o100;
const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_NOFOLLOW = 0o400000;
const O_TMPFILE = 0o20000000;

type Open = Extract<EffectEvent, { type: "open" }>;
type Change = Extract<EffectEvent, { type: "change" }>;

/** One effect of the run, applied to the model. */
export function apply(parts: ApplyParts, { image, event }: Effect): void {
  const asker: Asker = { image, seq: event.seq, class: "access", refused: false };
  const act = new Acting(parts, parts.effects.final ? asker : undefined);
  if (event.type === "open") open(act, event);
  else if (event.type === "change") change(act, event);
  else pair(act, event);
}

/** Opened for writing. */
function open(act: Acting, event: Open): void {
  const { object, flags, outcome, path } = event;
  const { scene, effects, emit, retrace } = act.parts;
  const reading: Asker | undefined = act.asker && { ...act.asker, class: "read" };
  const isFile = object === undefined || object.mode === 0 || fileType(object.mode) === S_IFREG;
  const follow = (flags & O_NOFOLLOW) === 0 && (flags & (O_CREAT | O_EXCL)) !== (O_CREAT | O_EXCL);
  if ((flags & O_TMPFILE) === O_TMPFILE || !isFile) {
    if (act.asker !== undefined) retrace.ask(asAsk(event, act.asker));
    return;
  }
  const named = act.slot(path, event, follow);
  const located = object === undefined || object.path === "" ? undefined : scene.model.locate(object.dev, object.path);
  const slot = located ?? named?.slot;
  if (slot === undefined || slot.system.type === "proc") return;
  const current = scene.model.current(slot);
  const created = event.created ?? current === null;
  if (created) {
    act.free(slot);
    effects.make(slot, "file", "written");
    return;
  }
  const mayBeMissing = outcome === undefined && ((flags & O_CREAT) === 0 || event.created === undefined);
  effects.learn(slot, () => present(scene, slot, outcome), mayBeMissing);
  const thing = scene.model.current(slot);
  if (thing === NOWHERE) return act.asker && scene.unresolved(slot);
  if (thing === null) {
    // Its making was a repeat that was dropped; or, for a blind back end, it was not there to be opened.
    if (outcome === 0) effects.make(slot, "file", "written");
    else if (act.asker !== undefined) emit.absent(slot, act.asker);
    return;
  }
  if (thing.type === "other" || thing.type === "dir") {
    if (reading !== undefined) emit.present(thing, reading);
    return;
  }
  if ((flags & O_TRUNC) !== 0) {
    // It keeps its mode, and had it been a link or a folder, this would have gone elsewhere or nowhere.
    act.look(thing);
    return effects.overwrite(slot, thing, outcome);
  }
  if (reading !== undefined) emit.present(thing, reading);
  effects.write(slot, thing);
}

function change(act: Acting, event: Change): void {
  const { op, path, outcome, existed } = event;
  const { scene, effects, emit, retrace } = act.parts;
  const names = op === "unlink" || op === "rmdir" || op === "mkdir" || op === "mknod";
  const found = act.slot(path, event, !names && !event.noFollow);
  if (found === undefined || found.slot.system.type === "proc") return;
  const { slot } = found;
  switch (op) {
    case "mkdir":
    case "mknod":
      if (!isFree(outcome, existed, found.thing)) return act.look(found.thing);
      act.free(slot);
      return act.redirect(slot, effects.make(slot, op === "mkdir" ? "dir" : "other", "placed"));
    case "unlink":
    case "rmdir": {
      const there = outcome === 0 || (existed ?? found.thing !== null);
      if (!there) return act.asker && emit.absent(slot, act.asker);
      // Those who empty folders try this first, and blind back ends tell it all the same.
      if (op === "rmdir" && outcome === undefined && !mayBeEmpty(found.thing)) return act.list(found.thing);
      effects.learn(slot, () => new Thing(op === "rmdir" ? "dir" : "unknown", slot, slot));
      const thing = scene.model.current(slot);
      // A folder can only be removed if it is empty.
      if (op === "rmdir" && thing !== NOWHERE) act.list(thing);
      else if (thing !== NOWHERE) act.look(thing);
      act.wrote(slot);
      return effects.remove(slot, outcome);
    }
    case "chmod":
    case "chown":
    case "setxattr":
      act.look(found.thing);
      if (found.thing !== null) effects.touch(slot, "mode");
      return;
    case "utime":
      return act.look(found.thing);
    case "truncate": {
      effects.learn(slot, () => present(scene, slot, outcome), outcome === undefined);
      const thing = scene.model.current(slot);
      if (thing === null || thing === NOWHERE) return;
      if (act.asker !== undefined) emit.present(thing, { ...act.asker, class: "read" });
      return effects.write(slot, thing);
    }
    case "umount":
      slot.redirects = true;
      if (act.asker !== undefined) retrace.again(slot, act.asker.seq);
      return;
    default:
      return op satisfies never;
  }
}

function mayBeEmpty(folder: Thing | null): boolean {
  for (const { now, before } of folder?.slots?.values() ?? [])
    if (now === undefined ? before !== undefined && before !== null : now !== null) return false;
  return true;
}

/** The world after the run has it, or it has been removed since. */
function present(scene: Scene, slot: Slot, outcome: Outcome): Thing {
  const thing = scene.model.before(slot);
  if (thing !== null && thing !== NOWHERE) return thing;
  return new Thing(outcome === 0 ? "file" : "unknown", slot, slot);
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
    // The file behind O_TMPFILE has no name yet.
    object: (flags & O_TMPFILE) === O_TMPFILE ? undefined : object,
  };
}
