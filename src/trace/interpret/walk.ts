// Path resolution as the kernel does it (path_resolution(7)), in the model: component by component, `..` after links, mounts
// crossed, at most 40 links. Says what was met on the way, since each link and each `..` depends on what was there.
import type { Bytes } from "../event.ts";
import { type Model, NOWHERE, type Slot, type Thing } from "./model.ts";
import { above, crossed, type Place } from "./mounts.ts";

/** MAXSYMLINKS of Linux. */
const MAX_LINKS = 40;

export interface Walk {
  readonly from: Place;
  /** Where absolute strings and links start, and `..` stops. */
  readonly root: Place;
  readonly string: Bytes;
  /** Follow a symlink in the last component. A trailing "/" always does. */
  readonly follow: boolean;
  /** The call succeeded: whatever seems to be missing on the way was there, and has been removed since. */
  readonly assume?: boolean;
}

export interface Visitor {
  /** A symlink was followed. */
  link(slot: Slot, symlink: Thing): void;
  /** `..` left a folder that the walk had entered by name. */
  left(slot: Slot): void;
  /** Each name that was looked up. */
  name(slot: Slot): void;
  /** Led through something from before the run that is gone now, and of which nobody knows what it was. */
  unsure(slot: Slot): void;
}

export type End =
  /** `slot.folder` may be a folder that is mounted over: the Slot is the one below or on top, as the kernel would see. */
  | { readonly kind: "found"; readonly place: Place; readonly thing: Thing; readonly mustBeFolder: boolean }
  /** The first name that is missing; `last` if nothing but it was. */
  | { readonly kind: "absent"; readonly place: Place; readonly last: boolean }
  /** Something on the way is no folder. */
  | { readonly kind: "no-folder"; readonly place: Place; readonly thing: Thing }
  /** Into procfs: the rest of the path, relative to its top. */
  | { readonly kind: "proc"; readonly rest: Bytes }
  /** Too many links: their hops are all known. */
  | { readonly kind: "loop" }
  /** Nobody can look. */
  | { readonly kind: "nowhere"; readonly place: Place };

export function walk(model: Model, { from, root, string, follow, assume }: Walk, visitor: Visitor): End {
  let place = string.startsWith("/") ? root : from;
  const names = string.split("/").reverse();
  let links = 0;
  let entered = 0;
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (name === "" || name === ".") continue;
    if (place.slot.system.type === "proc") return { kind: "proc", rest: procRest(place.slot, name, names) };
    if (name === "..") {
      if (entered > 0) {
        visitor.left(place.slot);
        entered--;
      }
      if (place.slot !== root.slot || place.mount !== root.mount) place = above(place) ?? place;
      continue;
    }
    const last = names.every((rest) => rest === "" || rest === ".");
    const mustBeFolder = last && names.length > 0;
    const slot = model.child(model.folder(place.slot), name as Bytes, place.slot.system);
    const next = crossed({ mount: place.mount, slot });
    visitor.name(slot);
    let thing = model.current(next.slot);
    if (assume === true && !last && (thing === null || (thing !== NOWHERE && isNoWay(thing))))
      thing = model.folder(next.slot);
    if (thing === NOWHERE) return { kind: "nowhere", place: next };
    if (thing === null) return { kind: "absent", place: next, last };
    if (thing.type === "symlink" && (!last || follow || mustBeFolder)) {
      visitor.link(next.slot, thing);
      const target = model.target(thing);
      if (target === NOWHERE) return { kind: "nowhere", place: next };
      if (++links > MAX_LINKS) return { kind: "loop" };
      if (target.startsWith("/")) {
        place = root;
        entered = 0;
      }
      names.push(...target.split("/").reverse());
      continue;
    }
    if (last) return { kind: "found", place: next, thing, mustBeFolder };
    if (thing.type !== "dir" && thing.type !== "unknown") return { kind: "no-folder", place: next, thing };
    if (thing.type === "unknown") visitor.unsure(next.slot);
    entered++;
    place = next;
  }
  // "/", ".", "..", or a link to one of them.
  return { kind: "found", place, thing: model.folder(place.slot), mustBeFolder: true };
}

/** No folder, nor a link that could lead to one. */
function isNoWay(thing: Thing): boolean {
  return thing.type !== "dir" && thing.type !== "symlink" && thing.type !== "unknown";
}

function procRest(slot: Slot, name: string, names: readonly string[]): Bytes {
  const above: string[] = [];
  for (let at: Slot | undefined = slot; at?.folder !== undefined; at = at.folder.at) above.unshift(at.name);
  return [...above, name, ...[...names].reverse()].join("/") as Bytes;
}
