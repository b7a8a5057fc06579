// Where things are: mount namespaces as they were at each event, and the places that paths start from.
import type { Gap } from "../../core/gap.ts";
import type { FileObject, PathRef, Seal } from "../event.ts";
import type { Files } from "../../ports.ts";
import { Gaps } from "./gaps.ts";
import { Model, type Slot } from "./model.ts";
import { insidePath, type MountLine, MountTable, parseMountinfo, type Place } from "./mounts.ts";
import { toMessage } from "./text.ts";

/** File systems that begin empty when they are mounted. */
const BEGINS_EMPTY = new Set(["tmpfs", "ramfs", "devpts", "mqueue", "hugetlbfs"]);

export interface SceneOptions {
  readonly files: Files;
  readonly mountinfo: string;
  readonly mountNs: number;
}

interface Snapshot {
  readonly seq: number;
  readonly text: string;
  table: MountTable | undefined;
}

export class Scene {
  readonly model: Model;
  readonly gaps = new Gaps();
  readonly #ownNs: number;
  readonly #own: MountTable;
  readonly #snapshots = new Map<number, Snapshot[]>();
  readonly #places = new WeakMap<FileObject, { table: MountTable; version: number; place: Place | undefined }>();
  readonly #mountsMade: boolean;

  /** @param mountsMade the run mounted something: then an unknown tmpfs is its own */
  constructor({ files, mountinfo, mountNs }: SceneOptions, seal: Seal | undefined, mountsMade: boolean) {
    this.#ownNs = mountNs;
    this.#mountsMade = mountsMade;
    // The model asks the table for paths, and the table asks the model for what lies below a mount point.
    this.model = new Model(files, (slot) => this.#own.pathOf(slot));
    this.#own = new MountTable(parseMountinfo(mountinfo), this.model, () => false);
    for (const { mountNs: ns, seq, mountinfo: text } of seal?.mounts ?? []) {
      // Nobody of that namespace could be asked: its paths are unresolved.
      if (text === "") continue;
      const known = this.#snapshots.get(ns);
      if (known === undefined) this.#snapshots.set(ns, [{ seq, text, table: undefined }]);
      else known.push({ seq, text, table: undefined });
    }
  }

  table(mountNs: number, seq: number): MountTable | undefined {
    const snapshots = this.#snapshots.get(mountNs);
    if (snapshots === undefined) return mountNs === 0 || mountNs === this.#ownNs ? this.#own : undefined;
    let best = snapshots[0]!;
    for (const snapshot of snapshots) if (snapshot.seq <= seq) best = snapshot;
    return (best.table ??= new MountTable(parseMountinfo(best.text), this.model, (line) => this.#isMade(line)));
  }

  /** Where a path starts, and what "/" means to it. */
  start(ref: PathRef, mountNs: number, seq: number): { readonly from: Place; readonly root: Place } | undefined {
    const table = this.table(mountNs, seq);
    if (table?.root === undefined) return undefined;
    const absolute = ref.string.startsWith("/");
    const top: Place = { mount: table.root, slot: table.root.top };
    const said =
      ref.base === undefined && ref.baseAbsolute !== undefined ? table.absolute(ref.baseAbsolute) : undefined;
    const root = ref.root !== undefined ? this.place(ref.root, table) : absolute ? (said ?? top) : top;
    const from = absolute ? root : ref.base !== undefined ? this.place(ref.base, table) : said;
    return root === undefined || from === undefined ? undefined : { from, root };
  }

  place(object: FileObject, table: MountTable): Place | undefined {
    const known = this.#places.get(object);
    if (known?.table === table && known.version === this.model.version) return known.place;
    const place = table.place(object);
    this.#places.set(object, { table, version: this.model.version, place });
    return place;
  }

  gap(gap: Gap): void {
    this.gaps.add(gap);
  }

  /** Nobody can look there, now or later. A whole file system that we do not see is one gap. */
  unresolved(slot: Slot): void {
    const inside = insidePath(slot) ?? slot.name;
    const top = this.#own.pathOf(slot.system.top) ?? undefined;
    const path = top === undefined ? `another file system (${slot.system.type || slot.system.dev})` : toMessage(inside);
    this.gap({ kind: "unresolved-path", path });
  }

  unresolvedText(ref: PathRef, by: string): void {
    const path = ref.string === "" ? `a descriptor of ${by}` : toMessage(ref.string);
    this.gap({ kind: "unresolved-path", path });
  }

  #isMade(line: MountLine): boolean {
    return this.#mountsMade && BEGINS_EMPTY.has(line.type) && !this.model.knows(line.dev);
  }
}
