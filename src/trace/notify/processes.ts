// Which process a thread id stands for, who started it, and where its paths begin. Read from procfs the first time a
// thread asks; the filter does not stop at fork, because a thread that holds the allocator's locks may be forking.
import fs from "node:fs";
import type { World } from "./world.ts";

export interface Process {
  readonly pid: number;
  readonly tids: number[];
  /** File that it executed last, as it was named: looks of one program need to be told only once. */
  program: string;
  /** Mount namespace. */
  mountNs: number;
  /** Other mounts, another root directory or network than ours: what its paths mean is not known here. */
  foreign: boolean;
  /** False for the command's own process until it has called execve: so far it is a copy of ourselves. */
  started: boolean;
  /** When it called exit_group, in milliseconds. */
  endedAt: number | undefined;
}

const OWN_PID = process.pid;
/** Other threads may still ask while exit_group ends them; the number is reused after 32,768 forks at the earliest. */
const ENDING_MS = 1000;
/** Ended processes that are remembered. */
const MAX_ENDED = 512;

export class Processes {
  readonly #world: World;
  readonly #onFork: (parent: number, child: Process) => void;
  readonly #threads = new Map<number, Process>();
  readonly #ended: Process[] = [];
  readonly #net: string;
  readonly #pidMax: number;
  readonly #buffer = Buffer.alloc(4096);
  readonly mountNs: number;
  /** Only one of our threads carries the filter. */
  #ownThread = 0;
  #newest = 0;
  /** The first one: what the spawner started. */
  command: number | undefined;
  /** Somebody changed root or namespace: from now on everybody is asked each time. */
  moved = false;

  constructor(world: World, onFork: (parent: number, child: Process) => void) {
    this.#world = world;
    this.#onFork = onFork;
    this.mountNs = this.#mountNs("self");
    this.#net = world.readlink("/proc/self/ns/net") ?? "";
    this.#pidMax = Number(fs.readFileSync("/proc/sys/kernel/pid_max", "latin1"));
  }

  /** @returns undefined: gone, or hidden from us; "own": the thread that started the command */
  of(tid: number): Process | "own" | undefined {
    if (tid === this.#ownThread) return "own";
    let found = this.#threads.get(tid);
    if (found === undefined || found.endedAt !== undefined) found = this.#meet(tid);
    if (this.moved && found !== undefined) this.#locate(tid, found);
    return found ?? (tid === this.#ownThread ? "own" : undefined);
  }

  executing(tid: number, by: Process, program: string): void {
    by.program = program;
    by.started = true;
    // A thread that is not the leader gets the leader's number if it succeeds, and its own becomes free.
    if (tid !== by.pid) this.#threads.delete(tid);
  }

  ending(by: Process): void {
    by.endedAt = performance.now();
    this.#ended.push(by);
    if (this.#ended.length > MAX_ENDED) {
      const oldest = this.#ended.shift();
      for (const tid of oldest?.tids ?? []) if (this.#threads.get(tid) === oldest) this.#threads.delete(tid);
    }
  }

  /** Pids of the tree, some of which may be gone. */
  *pids(): Iterable<number> {
    for (const [tid, { pid }] of this.#threads) if (tid === pid) yield pid;
  }

  has(pid: number): boolean {
    return this.#threads.get(pid)?.pid === pid;
  }

  #meet(tid: number): Process | undefined {
    const status = this.#status(tid);
    if (status === undefined) return undefined;
    if (status.pid === OWN_PID) {
      this.#ownThread = tid;
      return undefined;
    }
    const before = this.#threads.get(status.pid);
    const same =
      before !== undefined && (before.endedAt === undefined || performance.now() - before.endedAt < ENDING_MS);
    const met = same ? before : this.#enter(status.pid, status.parent);
    this.#threads.set(tid, met);
    met.tids.push(tid);
    return met;
  }

  #enter(pid: number, parent: number): Process {
    // Numbers came round again: those who were killed, and so never said that they end, may have been replaced.
    if (pid < this.#newest - this.#pidMax / 2) this.#threads.clear();
    this.#newest = pid;
    const from = parent === OWN_PID || parent === 0 ? undefined : (this.#threads.get(parent) ?? this.#meet(parent));
    const met: Process = {
      pid,
      tids: [pid],
      program: from?.program ?? "",
      mountNs: this.mountNs,
      foreign: false,
      started: this.command !== undefined,
      endedAt: undefined,
    };
    this.command ??= pid;
    this.#threads.set(pid, met);
    this.#locate(pid, met);
    this.#onFork(parent, met);
    return met;
  }

  #locate(tid: number, found: Process): void {
    found.mountNs = this.#mountNs(tid);
    found.foreign =
      found.mountNs !== this.mountNs ||
      this.#world.readlink(`/proc/${tid}/root`) !== "/" ||
      this.#world.readlink(`/proc/${tid}/ns/net`) !== this.#net;
  }

  /** 0: nobody could say, which is not ours either. */
  #mountNs(tid: number | "self"): number {
    return Number(/\d+/.exec(this.#world.readlink(`/proc/${tid}/ns/mnt`) ?? "")?.[0] ?? 0);
  }

  #status(tid: number): { readonly pid: number; readonly parent: number } | undefined {
    let fd: number | undefined;
    try {
      fd = fs.openSync(`/proc/${tid}/status`, "r");
      const text = this.#buffer.toString("latin1", 0, fs.readSync(fd, this.#buffer, 0, this.#buffer.length, 0));
      const pid = /^Tgid:\t(\d+)$/m.exec(text)?.[1];
      const parent = /^PPid:\t(\d+)$/m.exec(text)?.[1];
      return pid === undefined || parent === undefined ? undefined : { pid: Number(pid), parent: Number(parent) };
    } catch {
      return undefined;
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }
}
