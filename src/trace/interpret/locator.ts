// Absolute paths while the command still runs: a good guess from the mounts as they were before it, for what must be read at
// once or only explains.
import type { Files } from "../../ports.ts";
import type { FileObject, PathRef, TraceEvent } from "../event.ts";
import { Model } from "./model.ts";
import { MountTable, parseMountinfo } from "./mounts.ts";
import { toText } from "./text.ts";

export class Locator {
  readonly #table: MountTable;
  readonly #model: Model;

  constructor({ files, mountinfo }: { readonly files: Files; readonly mountinfo: string }) {
    this.#model = new Model(files, (slot) => this.#table.pathOf(slot));
    this.#table = new MountTable(parseMountinfo(mountinfo), this.#model, () => false);
  }

  /** The folder that a relative path starts from. */
  cwd({ base, baseAbsolute, string }: PathRef): string | undefined {
    if (baseAbsolute !== undefined) return string.startsWith("/") ? undefined : toText(baseAbsolute);
    // The root directory is what absolute paths start from: it says nothing of the working directory.
    return base === undefined || base.path === "/" ? undefined : this.#path(base);
  }

  executed({ object, file }: Extract<TraceEvent, { type: "exec" }>): string | undefined {
    if (object !== undefined) return this.#path(object);
    if (file.string.startsWith("/")) return toText(file.string);
    const cwd = this.cwd(file);
    const name = toText(file.string);
    return cwd === undefined || name === undefined ? undefined : `${cwd}/${name}`;
  }

  #path(object: FileObject): string | undefined {
    if (object.path === "" || object.dev === 0) return undefined;
    return this.#model.path(this.#model.locate(object.dev, object.path)) ?? undefined;
  }
}
