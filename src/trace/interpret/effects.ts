// What the run did to the world, applied to the model in the order of events. Applied twice: first to learn which names the run
// ever changes and what was there before (the world that can be looked at is the one after the run), then, from the start
// again, together with the looks.
import type { EntryType } from "../../ports.ts";
import type { Outcome } from "../event.ts";
import { NOWHERE, type Model, type Slot, Thing, type Touch } from "./model.ts";

export interface EffectsOptions {
  readonly startNs: bigint;
  readonly before?: (path: string) => EntryType | "absent" | undefined;
  /** The symlink that was here before the run was followed, and is gone: where it led is not known. */
  onUnsure(slot: Slot): void;
}

export class Effects {
  /** False while learning. */
  final = false;
  readonly #model: Model;
  readonly #options: EffectsOptions;
  readonly #moved = new Set<Slot>();
  readonly #touched = new Set<Slot>();
  readonly #displaced = new Set<Thing>();

  constructor(model: Model, options: EffectsOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** Back to the world before the run, with what has been learnt. */
  restart(): void {
    for (const slot of this.#moved) {
      slot.now = undefined;
      slot.ghost = undefined;
    }
    for (const slot of this.#touched) slot.touch = undefined;
    for (const thing of this.#displaced) {
      thing.at = thing.origin;
      thing.read = false;
      thing.overwritten = false;
    }
    this.#moved.clear();
    this.#touched.clear();
    this.#model.version++;
    this.final = true;
  }

  get touched(): Iterable<Slot> {
    return this.#touched;
  }

  /**
   * A name is about to be changed for the first time.
   *
   * @param before what the event says was there
   * @param isGuess does it say so because of what is there now?
   */
  learn(slot: Slot, before: () => Thing | null, isGuess = false): void {
    if (this.final) return;
    slot.changes = true;
    if (slot.now !== undefined || slot.isKnown || (slot.folder !== undefined && slot.folder.origin === undefined))
      return;
    if (slot.followed) this.#options.onUnsure(slot);
    slot.isKnown = true;
    const said = this.#saidOf(slot, before, isGuess);
    // What has been learnt about the names in a folder stays with it.
    if (said?.type === "dir" && slot.before?.slots !== undefined) slot.before.type = "dir";
    else slot.before = said;
  }

  /** What the caller remembers goes first; but git lists no empty folder, and says that nothing is there. */
  #saidOf(slot: Slot, before: () => Thing | null, isGuess: boolean): Thing | null {
    const known = this.#remembered(slot);
    if (known !== undefined && known !== "absent") return new Thing(known, slot, slot);
    const said = before();
    if (known === undefined || said === null) return said;
    return said.type === "dir" || !(said.maybe || isGuess) ? new Thing("dir", slot, slot) : null;
  }

  #remembered(slot: Slot): EntryType | "absent" | undefined {
    if (this.#options.before === undefined) return undefined;
    const path = this.#model.path(slot);
    return path === null ? undefined : this.#options.before(path);
  }

  touch(slot: Slot, how: keyof Touch): void {
    slot.touch ??= { readBefore: false, written: false, removed: false, placed: false, mode: false, linked: false };
    slot.touch[how] = true;
    this.#touched.add(slot);
  }

  /** Content from before the run that was here is lost: had the run read it? */
  #loses(slot: Slot, old: Thing | null | typeof NOWHERE): void {
    if (old === null || old === NOWHERE || old.origin === undefined) return;
    if (old.read) this.touch(slot, "readBefore");
  }

  #put(slot: Slot, thing: Thing | null, old: Thing | null | typeof NOWHERE): void {
    if (old !== null && old !== NOWHERE && old.at === slot) {
      old.at = undefined;
      this.#displaced.add(old);
    }
    slot.now = thing;
    this.#moved.add(slot);
  }

  /** A new file, folder, symlink or other thing of the run's own. */
  make(slot: Slot, type: Thing["type"], how: "written" | "placed"): Thing {
    const old = this.#model.current(slot);
    const thing = type === "dir" ? this.#folder(slot) : new Thing(type, slot, undefined);
    this.#put(slot, thing, old);
    // It could only be made because nothing was there.
    slot.ghost = undefined;
    this.touch(slot, how);
    return thing;
  }

  /** The second time the same folders are made again, so that what was learnt about the names in them is still known. */
  #folder(slot: Slot): Thing {
    const known = this.final ? slot.made?.shift() : undefined;
    const folder = known ?? new Thing("dir", slot, undefined);
    folder.at = slot;
    if (!this.final) (slot.made ??= []).push(folder);
    return folder;
  }

  /** @param outcome `undefined`: perhaps it failed, and all is as before */
  remove(slot: Slot, outcome: Outcome): void {
    const old = this.#model.current(slot);
    if (!this.final) slot.removals++;
    this.#loses(slot, old);
    this.#put(slot, null, old);
    slot.ghost = outcome === undefined && !this.#isGone(slot) ? (from(old) ?? ownFolder(old)) : undefined;
    // Not empty, it stays; and so does what is in it.
    if (slot.ghost?.type === "dir") slot.ghost.at = slot;
    this.touch(slot, "removed");
  }

  /** @param thing from `source`, which keeps it if it is a hard link */
  place(slot: Slot, thing: Thing, outcome: Outcome, isLink: boolean): void {
    const old = this.#model.current(slot);
    this.#loses(slot, old);
    const { at } = thing;
    this.#put(slot, thing, old);
    if (isLink) thing.at = at;
    else {
      thing.at = slot;
      if (thing.type === "dir" || thing.type === "unknown") this.#model.version++;
    }
    this.#displaced.add(thing);
    slot.ghost = outcome === undefined && !this.#isRewritten(slot) ? from(old) : undefined;
    this.touch(slot, "placed");
  }

  /** The source of a rename is empty now. */
  leave(slot: Slot, thing: Thing, outcome: Outcome): void {
    if (!this.final) slot.removals++;
    slot.now = null;
    slot.ghost = outcome === undefined && !this.#isGone(slot) ? from(thing) : undefined;
    this.#moved.add(slot);
    this.touch(slot, "removed");
    if (thing.read) this.touch(slot, "readBefore");
  }

  /** Its content is the run's own from here on. */
  overwrite(slot: Slot, thing: Thing, outcome: Outcome): void {
    this.write(slot, thing);
    if (thing.origin === undefined) return;
    this.#displaced.add(thing);
    if (outcome !== undefined || this.#isRewritten(slot)) thing.overwritten = true;
  }

  /** Written to; what was there stays part of it. */
  write(slot: Slot, thing: Thing): void {
    for (const place of thing.origin === undefined || thing.origin === slot ? [slot] : [slot, thing.origin]) {
      if (thing.read && !thing.overwritten) this.touch(place, "readBefore");
      this.touch(place, "written");
    }
  }

  /** For a back end that is blind to outcomes: is a name that was removed once not there at the end? */
  #isGone(slot: Slot): boolean {
    return slot.removals === 1 && this.#model.stat(slot) === undefined;
  }

  /** For a back end that is blind to outcomes: does the world show that this content is not from before the run? */
  #isRewritten(slot: Slot): boolean {
    const stat = this.#model.stat(slot);
    return stat !== undefined && stat !== NOWHERE && stat.mtimeNs >= this.#options.startNs;
  }
}

function ownFolder(old: Thing | null | typeof NOWHERE): Thing | undefined {
  return old !== null && old !== NOWHERE && old.type === "dir" ? old : undefined;
}

function from(old: Thing | null | typeof NOWHERE): Thing | undefined {
  return old === null || old === NOWHERE || old.origin === undefined ? undefined : old;
}
