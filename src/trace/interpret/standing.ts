// Where each process stands. A back end that hooks the end of a call tells of chdir what it is relative to *after* it: the new
// working directory; of chroot the new root. So the old ones are remembered here, from the calls before.
import type { Bytes, FileObject, PathRef, TraceEvent } from "../event.ts";

type Look = Extract<TraceEvent, { type: "look" }>;
type Exec = Extract<TraceEvent, { type: "exec" }>;

/** Absolute text, where the object was not told. */
type Folder = FileObject | Bytes;

export class Standing {
  readonly #cwd = new Map<number, Folder>();
  readonly #root = new Map<number, FileObject>();

  forked(parent: number, child: number): void {
    copy(this.#cwd, parent, child);
    copy(this.#root, parent, child);
  }

  exited(pid: number): void {
    this.#cwd.delete(pid);
    this.#root.delete(pid);
  }

  executed({ pid, cwd }: Exec): void {
    if (cwd !== undefined) this.#cwd.set(pid, cwd);
  }

  /** @returns the path as it was meant, before the call moved anything */
  path(event: Look): PathRef {
    const { path, pid, outcome } = event;
    // Blind back ends tell before the call.
    if (outcome !== 0 || (event.class !== "chdir" && event.class !== "chroot")) return path;
    return event.class === "chdir" ? this.#chdir(pid, path) : this.#chroot(pid, path);
  }

  #chdir(pid: number, path: PathRef): PathRef {
    const { string, base } = path;
    const before = this.#cwd.get(pid);
    if (string.startsWith("/")) {
      this.#cwd.set(pid, string);
      return path;
    }
    if (base !== undefined) this.#cwd.set(pid, base);
    // fchdir: the descriptor itself.
    if (string === "" || before === undefined) return { ...path, string: "" as Bytes };
    if (typeof before !== "string") return { ...path, base: before };
    return { ...path, base: undefined, string: `${before}/${string}` as Bytes };
  }

  #chroot(pid: number, path: PathRef): PathRef {
    const before = this.#root.get(pid);
    if (path.root !== undefined) this.#root.set(pid, path.root);
    else this.#root.delete(pid);
    const { root: _, ...rest } = path;
    return before === undefined ? rest : { ...rest, root: before };
  }
}

function copy<T>(map: Map<number, T>, from: number, to: number): void {
  const value = map.get(from);
  if (value !== undefined) map.set(to, value);
}
