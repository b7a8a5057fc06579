// Two names at once: rename, hard link, symlink, mount. What was there before the run keeps being itself under another name.
import { type Acting, isFree } from "./acting.ts";
import type { EffectEvent } from "./log.ts";
import { NOWHERE, type Slot, Thing } from "./model.ts";
import type { Scene } from "./scene.ts";

const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;

type Pair = Extract<EffectEvent, { type: "pair" }>;

export function pair(act: Acting, event: Pair): void {
  const { op, from, to } = event;
  switch (op) {
    case "symlink": {
      const target = act.slot(to, event, false);
      if (target === undefined) return;
      if (!isFree(event.outcome, event.toExisted, target.thing)) return act.look(target.thing);
      act.free(target.slot);
      const symlink = act.parts.effects.make(target.slot, "symlink", "placed");
      symlink.target = from.string;
      return act.redirect(target.slot, symlink);
    }
    case "rename":
      return rename(act, event);
    case "link":
      return link(act, event);
    case "mount":
    case "move_mount":
    case "pivot_root": {
      // Where it leads, the next mount table says. What is mounted may be a device, or nothing that has a path.
      const source = act.asker !== undefined && from.string.startsWith("/") ? act.slot(from, event, true) : undefined;
      if (source !== undefined) act.look(source.thing);
      const target = act.slot(to, event, true);
      if (target === undefined) return;
      target.slot.redirects = true;
      target.slot.changes = true;
      if (act.asker !== undefined) act.parts.retrace.again(target.slot, act.asker.seq);
      return;
    }
    default:
      return op satisfies never;
  }
}

function rename(act: Acting, event: Pair): void {
  const { effects, scene } = act.parts;
  const { outcome, fromExisted, toExisted } = event;
  const source = act.slot(event.from, event, false);
  const target = act.slot(event.to, event, false);
  if (source === undefined || target === undefined) return;
  const there = outcome === 0 || (fromExisted ?? source.thing !== null);
  if (!there) return act.asker && act.parts.emit.absent(source.slot, act.asker);
  effects.learn(source.slot, () => movedFrom(scene, source.slot, target.slot));
  const thing = scene.model.current(source.slot);
  effects.learn(target.slot, () => overwritten(target.slot, event, thing));
  const old = scene.model.current(target.slot);
  if (thing === NOWHERE || old === NOWHERE) return;
  if (thing !== null && thing === old && outcome !== undefined) return; // Two hard links of one file: nothing happens.
  act.content(thing);
  if (act.asker !== undefined) act.parts.emit.room(target.slot, act.asker);
  // A folder replaces none but a folder, and nothing else replaces one: a blind back end cannot tell whether that failed.
  if (outcome === undefined && old?.maybe === false && isFolder(scene, thing) !== isFolder(scene, old)) act.look(old);
  // Nor does it replace one that is not empty.
  if (old?.type === "dir") act.list(old);
  act.wrote(source.slot);
  act.wrote(target.slot);
  const moved = thing ?? new Thing("file", source.slot, undefined);
  if (((event.flags ?? 0) & RENAME_EXCHANGE) !== 0 && old !== null) {
    act.content(old);
    effects.place(target.slot, moved, outcome, false);
    effects.place(source.slot, old, outcome, false);
    old.at = source.slot;
  } else {
    effects.place(target.slot, moved, toExisted === false ? 0 : outcome, false);
    effects.leave(source.slot, moved, outcome);
  }
  act.redirect(target.slot, moved);
}

function link(act: Acting, event: Pair): void {
  const { effects, scene } = act.parts;
  const target = act.slot(event.to, event, false);
  if (target === undefined) return;
  if (!isFree(event.outcome, event.toExisted, target.thing)) return act.look(target.thing);
  const source = act.slot(event.from, event, false);
  // From a descriptor (/proc/self/fd/N): the content was seen when that was opened, or is the run's own.
  const thing = source === undefined ? new Thing("file", undefined, undefined) : scene.model.current(source.slot);
  if (thing === null || thing === NOWHERE) return act.asker && source && act.parts.emit.absent(source.slot, act.asker);
  act.free(target.slot);
  effects.place(target.slot, thing, 0, true);
  act.content(thing);
  if (thing.origin !== undefined) effects.touch(thing.origin, "linked");
  act.redirect(target.slot, thing);
}

/** No rename puts anything else in the place of a folder: what is one now was one. */
function isFolder(scene: Scene, thing: Thing | null): boolean {
  if (thing?.type !== "unknown" || thing.at === undefined) return thing?.type === "dir";
  const stat = scene.model.stat(thing.at);
  return stat !== undefined && stat !== NOWHERE && stat.type === "dir";
}

/** What was renamed is where it was renamed to, unless that was changed again. */
function movedFrom(scene: Scene, source: Slot, target: Slot): Thing {
  const stat = scene.model.stat(target);
  return new Thing(stat === undefined || stat === NOWHERE ? "unknown" : stat.type, source, source);
}

/** A rename does not tell whether it replaced something; but a folder can only replace an empty one. */
function overwritten(slot: Slot, { toExisted, flags }: Pair, by: Thing | null | typeof NOWHERE): Thing | null {
  const isFolder = by !== null && by !== NOWHERE && by.type === "dir";
  if (toExisted === false || ((flags ?? 0) & RENAME_NOREPLACE) !== 0) return null;
  if (isFolder) return toExisted === true ? new Thing("dir", slot, slot) : null;
  const thing = new Thing("unknown", slot, slot);
  thing.maybe = toExisted === undefined;
  return thing;
}
