// Where an event's paths lie, for tests: base and string joined, by the mount table of the seal where the base is an
// object. No link is followed. (What the product does with paths is in trace/interpret.)
import type { FileObject, PathRef, Seal, TraceEvent } from "../trace/event.ts";
import type { Located } from "./torture.ts";

export function locate(event: TraceEvent, seal: Seal | undefined): Located {
  const place = (object: FileObject | undefined): string | undefined =>
    object === undefined ? undefined : placeOf(object, event.mountNs, seal);
  const join = (ref: PathRef): string | undefined => {
    const base = ref.baseAbsolute ?? place(ref.base);
    // An absolute string starts at the base, which is the process's root directory.
    if (base === undefined) return ref.string.startsWith("/") ? ref.string : undefined;
    if (ref.string === "") return base;
    return `${base === "/" ? "" : base}/${ref.string.replace(/^\//, "")}`;
  };
  const object = "object" in event ? place(event.object) : undefined;
  const absolute = "absolute" in event ? event.absolute : undefined;
  const at = object ?? absolute;
  const path = "path" in event ? join(event.path) : event.type === "exec" ? join(event.file) : undefined;
  const from = event.type === "pair" ? join(event.from) : path;
  const to = event.type === "pair" ? join(event.to) : undefined;
  return {
    event,
    ...(from !== undefined && { path: from }),
    ...(to !== undefined && { to }),
    ...(at !== undefined && { object: at }),
  };
}

function placeOf(object: FileObject, mountNs: number, seal: Seal | undefined): string {
  for (const { mountNs: ns, mountinfo } of seal?.mounts ?? []) {
    if (ns !== mountNs) continue;
    for (const line of mountinfo.split("\n")) {
      const [id, , , root = "/", point = "/"] = line.split(" ", 5);
      if (Number(id) !== object.mountId) continue;
      const below = root === "/" ? object.path : object.path.slice(root.length);
      return `${point === "/" ? "" : point}${below === "/" && point !== "/" ? "" : below}` || "/";
    }
  }
  return object.path;
}
