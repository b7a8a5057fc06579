// The mount table of each mount namespace that appears: taken at the first record from it and after each change, while a
// process of it still lives. Its paths are those that its root directory shows.
import fs from "node:fs";
import type { FileObject } from "../event.ts";

export interface MountTable {
  readonly mountNs: number;
  /** /proc/<tid>/mountinfo, latin1; empty if nobody of that namespace could be asked. */
  readonly mountinfo: string;
}

export class MountTables {
  /** true: taken; false: tried, and the process was gone. */
  readonly #known = new Map<number, boolean>();
  readonly #take: (table: MountTable) => void;

  constructor(take: (table: MountTable) => void) {
    this.#take = take;
  }

  /** A record from this namespace. Cheap when it is known. */
  seen(mountNs: number, tid: number): void {
    if (this.#known.get(mountNs) !== true && mountNs !== 0) this.#read(mountNs, tid);
  }

  /** A mount was made, moved or taken away there. */
  changed(mountNs: number, tid: number): void {
    this.#read(mountNs, tid);
  }

  #read(mountNs: number, tid: number): void {
    let mountinfo = "";
    try {
      // Between the two reads the number cannot go to a process of another namespace unnoticed.
      if (namespaceOf(tid) === mountNs) {
        mountinfo = fs.readFileSync(`/proc/${tid}/mountinfo`, "latin1");
        if (namespaceOf(tid) !== mountNs) mountinfo = "";
      }
    } catch {
      // Gone: the next record from there may come from one that lives.
    }
    const before = this.#known.get(mountNs);
    this.#known.set(mountNs, mountinfo !== "" || before === true);
    if (mountinfo !== "" || before === undefined) this.#take({ mountNs, mountinfo });
  }
}

function namespaceOf(tid: number): number {
  return Number(/\d+/.exec(fs.readlinkSync(`/proc/${tid}/ns/mnt`))?.[0]);
}

/** Mount namespace of this process: inode number. */
export function ownMountNs(): number {
  return namespaceOf(process.pid);
}

/** Does the table know this object's mount, on this device? `dev` as in FileObject. */
export function knowsMount(mountinfo: string, object: FileObject | undefined): boolean {
  return mountinfo.split("\n").some((line) => {
    const [id, , device = ""] = line.split(" ", 3);
    const [major, minor] = device.split(":").map(Number);
    return Number(id) === object?.mountId && ((major ?? 0) << 20) + (minor ?? 0) === object.dev;
  });
}

/** The mount that is `/`: the last one mounted there. */
export function rootMountOf(mountinfo: string): number | undefined {
  let id: number | undefined;
  for (const line of mountinfo.split("\n")) {
    const [mountId, , , , point] = line.split(" ", 5);
    if (point === "/") id = Number(mountId);
  }
  return id;
}
