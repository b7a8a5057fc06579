// What every effect needs: where its names are, and who did it. `asker` is missing while the log is gone through for the
// first time: then nothing is looked at.
import type { Outcome, PathRef } from "../event.ts";
import type { Effects } from "./effects.ts";
import type { Asker, Emitter } from "./emit.ts";
import type { GitLedger } from "./git-ledger.ts";
import type { EffectEvent } from "./log.ts";
import type { Slot, Thing } from "./model.ts";
import type { Retrace } from "./retrace.ts";
import type { Scene } from "./scene.ts";
import type { End } from "./walk.ts";

export interface ApplyParts {
  readonly scene: Scene;
  readonly retrace: Retrace;
  readonly effects: Effects;
  readonly emit: Emitter;
  readonly git: GitLedger;
}

export class Acting {
  readonly parts: ApplyParts;
  readonly asker: Asker | undefined;

  constructor(parts: ApplyParts, asker: Asker | undefined) {
    this.parts = parts;
    this.asker = asker;
  }

  /** Of the last name, which need not be there. */
  slot(
    ref: PathRef,
    event: EffectEvent,
    follow: boolean,
  ): { readonly slot: Slot; readonly thing: Thing | null } | undefined {
    const { retrace, scene } = this.parts;
    // It succeeded, or something was seen to be there: then so was the way to it.
    const assume =
      event.outcome === 0 ||
      (event.type === "change" && event.existed === true) ||
      (event.type === "pair" && event.fromExisted === true && ref === event.from);
    const end = retrace.walk(ref, event, { follow, assume }, this.asker);
    const found = end === undefined ? undefined : atEnd(end);
    if (found !== undefined || end?.kind === "proc" || end?.kind === "loop") return found;
    if (this.asker === undefined) return undefined;
    if (end === undefined) scene.unresolvedText(ref, this.asker.image.by);
    else if (end.kind === "nowhere") scene.unresolved(end.place.slot);
    // A blind back end's call that failed: it met what any look would have met.
    else if (end.kind === "absent") this.parts.emit.absent(end.place.slot, this.asker);
    else if (end.kind === "no-folder") this.parts.emit.present(end.thing, this.asker);
    return undefined;
  }

  /** A name was free, and will be the run's own. */
  free(slot: Slot): void {
    const { scene, effects, emit, git } = this.parts;
    effects.learn(slot, () => null);
    if (this.asker === undefined) return;
    emit.absent(slot, this.asker);
    emit.room(slot, this.asker);
    const path = scene.model.pathNow(slot);
    if (path === null) return;
    git.made(path);
    git.wrote(path, this.asker.image);
  }

  /** Something that was there before has another name now: what it holds becomes part of the result. */
  content(thing: Thing | null): void {
    if (thing === null || this.asker === undefined || thing.origin === undefined) return;
    if (thing.type === "dir") this.parts.emit.modified(thing.origin);
    else this.parts.emit.present(thing, { ...this.asker, class: "read" });
  }

  redirect(slot: Slot, thing: Thing): void {
    if (thing.type === "dir" || thing.type === "symlink" || thing.origin !== undefined) slot.redirects = true;
    if (slot.redirects && this.asker !== undefined) this.parts.retrace.again(slot, this.asker.seq);
  }

  wrote(slot: Slot): void {
    if (this.asker === undefined) return;
    const path = this.parts.scene.model.pathNow(slot);
    if (path !== null) this.parts.git.wrote(path, this.asker.image);
  }

  look(thing: Thing | null): void {
    if (thing !== null && this.asker !== undefined) this.parts.emit.present(thing, this.asker);
  }

  /** What is in a folder was asked, if only whether there is anything. */
  list(thing: Thing | null): void {
    if (thing !== null && this.asker !== undefined) this.parts.emit.present(thing, { ...this.asker, class: "watch" });
  }
}

function atEnd(end: End): { readonly slot: Slot; readonly thing: Thing | null } | undefined {
  if (end.kind === "found") return { slot: end.place.slot, thing: end.thing };
  return end.kind === "absent" && end.last ? { slot: end.place.slot, thing: null } : undefined;
}

/** Was the name free, so that it could be made? */
export function isFree(outcome: Outcome, existed: boolean | undefined, thing: Thing | null): boolean {
  return outcome === 0 || !(existed ?? thing !== null);
}
