// What the run left different from before: by path, for outputs and for taking its own entries out of listings.
import { CLOCK_GRANULARITY_NS, type EntryType, type Files, Unreadable } from "../../ports.ts";
import type { Effects } from "./effects.ts";
import type { Change } from "./interpreted.ts";
import { NOWHERE, type Slot } from "./model.ts";
import { isPseudo } from "./pseudo.ts";
import type { Scene } from "./scene.ts";

export interface ChangesOptions {
  readonly files: Files;
  readonly startNs: bigint;
  readonly before?: (path: string) => EntryType | "absent" | undefined;
}

export function changesOf(scene: Scene, effects: Effects, options: ChangesOptions): ReadonlyMap<string, Change> {
  const changes = new Map<string, Change>();
  for (const slot of effects.touched) {
    const { touch } = slot;
    const path = scene.model.pathNow(slot);
    if (touch === undefined) continue;
    if (path === null) {
      // In a folder of its own that is gone again: nothing is left. Elsewhere: an output that nobody can pick up.
      if (!isGone(slot)) scene.unresolved(slot);
      continue;
    }
    if (isPseudo(path)) continue;
    const before = beforeOf(scene, slot, path, options);
    if (before === "absent") {
      if (slot.now === null) {
        const stat = options.files.lstat(path);
        // Made and removed again.
        if (stat === undefined) continue;
        // The removal did nothing: a folder was not empty, or both names of a rename were one file.
        if (!(stat instanceof Unreadable) && isLost(slot, stat.type)) scene.unresolved(slot);
      }
    } else if (slot.ghost !== undefined && isThere(scene, slot, options)) {
      if (isLost(slot, slot.ghost.type)) scene.unresolved(slot);
      continue;
    }
    if (onlyOpened(scene, slot, before, options)) continue;
    changes.set(path, { path, before, ...touch });
  }
  return changes;
}

function isGone(slot: Slot): boolean {
  for (let at: Slot | undefined = slot; at !== undefined; at = at.folder.at) if (at.folder === undefined) return false;
  return true;
}

function beforeOf(scene: Scene, slot: Slot, path: string, options: ChangesOptions): Change["before"] {
  const thing = scene.model.before(slot);
  if (thing === null) return "absent";
  if (thing !== NOWHERE && !thing.maybe && thing.type !== "unknown") return thing.type;
  return options.before?.(path) ?? "unknown";
}

/** A folder that is still where it was renamed from: what the run made in it is taken to be where it was to go. */
function isLost(slot: Slot, type: string): boolean {
  return type === "dir" && slot.ghost?.at !== slot;
}

/** Its removal was only tried. */
function isThere(scene: Scene, slot: Slot, { startNs }: ChangesOptions): boolean {
  const stat = scene.model.stat(slot);
  if (stat === undefined || stat === NOWHERE) return false;
  return stat.type === "dir" ? slot.ghost?.type === "dir" : stat.ctimeNs < startNs - CLOCK_GRANULARITY_NS;
}

/** Opened for writing, and never written: its times would have moved. */
function onlyOpened(scene: Scene, slot: Slot, before: Change["before"], { startNs }: ChangesOptions): boolean {
  const { touch } = slot;
  if (touch === undefined || before !== "file" || touch.removed || touch.placed || touch.mode || touch.linked)
    return false;
  const stat = scene.model.stat(slot);
  if (stat === undefined || stat === NOWHERE) return false;
  return stat.mtimeNs < startNs - CLOCK_GRANULARITY_NS && stat.ctimeNs < startNs - CLOCK_GRANULARITY_NS;
}
