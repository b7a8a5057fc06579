// Absolute paths while the command still runs: a good guess from the mounts as they were before it, for what must be read at
// once or only explains.
import type { Files } from "../../ports.ts";
import type { FileObject, TraceEvent } from "../event.ts";
import { Model } from "./model.ts";
import { MountTable, parseMountinfo } from "./mounts.ts";
import { toText } from "./text.ts";

type Exec = Extract<TraceEvent, { type: "exec" }>;

export class Locator {
  readonly #table: MountTable;
  readonly #model: Model;

  constructor({ files, mountinfo }: { readonly files: Files; readonly mountinfo: string }) {
    this.#model = new Model(files, (slot) => this.#table.pathOf(slot));
    this.#table = new MountTable(parseMountinfo(mountinfo), this.#model, () => false);
  }

  /** The working directory. */
  cwd({ cwd, cwdAbsolute }: Exec): string | undefined {
    if (cwdAbsolute !== undefined) return toText(cwdAbsolute);
    return cwd === undefined ? undefined : this.#path(cwd);
  }

  executed({ object, file }: Exec): string | undefined {
    if (object !== undefined) return this.#path(object);
    if (file.string.startsWith("/")) return toText(file.string);
    const base = file.base === undefined ? undefined : this.#path(file.base);
    const cwd = file.baseAbsolute === undefined ? base : toText(file.baseAbsolute);
    const name = toText(file.string);
    return cwd === undefined || name === undefined ? undefined : `${cwd}/${name}`;
  }

  #path(object: FileObject): string | undefined {
    if (object.path === "" || object.dev === 0) return undefined;
    return this.#model.path(this.#model.locate(object.dev, object.path)) ?? undefined;
  }
}
