// Who is at the other end of a connection inside this machine: a process of the run, or somebody nobody watches. Only
// what is found to be ours is ours; an unknown peer is pid 0, and so a gap.
import fs from "node:fs";
import type { Bytes } from "../event.ts";
import type { Processes } from "./processes.ts";
import type { World } from "./world.ts";

export const AF = { unix: 1, inet: 2, inet6: 10 } as const;
const DGRAM = "0002";
const LISTENING = 0x10000;

export class Peers {
  readonly #world: World;
  readonly #processes: Processes;
  /** Absolute path of a bound socket -> how its binder wrote it, which is how /proc/net/unix shows it. */
  readonly #written = new Map<string, Set<string>>();
  readonly #known = new Set<string>();

  constructor(world: World, processes: Processes) {
    this.#world = world;
    this.#processes = processes;
  }

  bound(written: Bytes, absolute: string): void {
    const all = this.#written.get(absolute);
    if (all === undefined) this.#written.set(absolute, new Set([written]));
    else all.add(written);
  }

  /**
   * @param written path as passed to connect, or "@name" for an abstract one
   * @returns pid of the owner if every listener of that name belongs to the run, else 0
   */
  unix(tid: number, written: string, absolute: string): number {
    const names = new Set([written, absolute, ...(this.#written.get(absolute) ?? [])]);
    let owner = 0;
    for (const line of lines(`/proc/${tid}/net/unix`)) {
      // Num RefCount Protocol Flags Type St Inode Path
      const [, , , flags, type, , inode] = line.trim().split(/\s+/, 7);
      const at = line.indexOf(` ${inode} `);
      if (inode === undefined || at < 0 || !names.has(line.slice(at + inode.length + 2))) continue;
      if (type !== DGRAM && (Number.parseInt(flags ?? "", 16) & LISTENING) === 0) continue;
      owner = this.#ownerOf(inode);
      if (owner === 0) return 0;
    }
    return owner;
  }

  /**
   * Do all sockets of this UDP port belong to the run, so that a bind event may be told for it? Each address is asked for until they do.
   * @param address the port's, as bytes
   */
  ownsNewUdpPort(tid: number, port: number, address: string): boolean {
    if (this.#known.has(address)) return false;
    let found = false;
    const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    for (const table of ["udp", "udp6"])
      for (const line of lines(`/proc/${tid}/net/${table}`)) {
        const fields = line.trim().split(/\s+/, 10);
        const inode = fields[9];
        if (fields[1]?.endsWith(hex) !== true || inode === undefined) continue;
        if (this.#ownerOf(inode) === 0) return false;
        found = true;
      }
    if (found) this.#known.add(address);
    return found;
  }

  #ownerOf(inode: string): number {
    const wanted = `socket:[${inode}]`;
    for (const pid of this.#processes.pids()) {
      let fds: string[];
      try {
        fds = fs.readdirSync(`/proc/${pid}/fd`);
      } catch {
        continue;
      }
      for (const fd of fds) if (this.#world.readlink(`/proc/${pid}/fd/${fd}`) === wanted) return pid;
    }
    return 0;
  }
}

function lines(file: string): string[] {
  try {
    return fs.readFileSync(file, "latin1").split("\n").slice(1, -1);
  } catch {
    return [];
  }
}
