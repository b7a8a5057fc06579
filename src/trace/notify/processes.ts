// Which process a thread id stands for, who started it, which program it is, and where its paths begin. Read from procfs
// the first time a thread asks; the filter does not stop at fork, because a thread that holds the allocator's locks may be forking.
import fs from "node:fs";
import type { Libc } from "../ffi.ts";
import { Deaths } from "./deaths.ts";
import type { World } from "./world.ts";

/** An exec that has been let go on: whether it happened shows at the process's next call. */
export interface PendingExec {
  readonly tid: number;
  tell(succeeded: boolean): void;
}

export interface Process {
  readonly pid: number;
  tids: number[];
  /** File that it executed last, as it was named: looks of one program need to be told only once. */
  program: string;
  /** Where the kernel laid out its stack, code and arguments: differs after each exec, is inherited by fork. */
  layout: string | undefined;
  pending: PendingExec | undefined;
  /** Mount namespace. */
  mountNs: number;
  /** Other mounts, another root directory or network than ours: what its paths mean is not known here. */
  foreign: boolean;
  /** False for the command's own process until it has called execve: so far it is a copy of ourselves. */
  started: boolean;
}

const OWN_PID = process.pid;
const EPERM = 1;
/** Fields of /proc/PID/stat, counted from the state: start_code, end_code, start_stack; start_data to env_end. */
const LAYOUT = [23, 24, 25, 42, 43, 44, 45, 46, 47, 48];
const START_STACK = 25;

export class Processes {
  readonly #libc: Libc;
  readonly #world: World;
  readonly #deaths: Deaths;
  /** @param parent 0: somebody who is another program by now, or gone */
  readonly #onFork: (parent: number, child: Process) => void;
  readonly #threads = new Map<number, Process>();
  readonly #tgkill: (tgid: number, tid: number, signal: number) => number;
  readonly #net: string;
  readonly #buffer = Buffer.alloc(4096);
  readonly mountNs: number;
  /** The first one: what the spawner started. */
  command: number | undefined;
  /** Only one of our threads carries the filter. */
  #ownThread = 0;
  /** Somebody changed root or namespace: from now on everybody is asked each time. */
  moved = false;

  constructor(libc: Libc, world: World, onFork: (parent: number, child: Process) => void) {
    this.#libc = libc;
    this.#world = world;
    this.#deaths = new Deaths(libc);
    this.#onFork = onFork;
    this.#tgkill = libc.func("int tgkill(int, int, int)");
    this.mountNs = this.#mountNs("self");
    this.#net = world.readlink("/proc/self/ns/net") ?? "";
  }

  /** @returns undefined: gone, or hidden from us; "own": the thread that started the command */
  of(tid: number): Process | "own" | undefined {
    if (tid === this.#ownThread) return "own";
    const found = this.#threads.get(tid) ?? this.#meet(tid);
    if (found === undefined) return tid === this.#ownThread ? "own" : undefined;
    if (found.pending !== undefined) this.#settle(found, tid);
    if (this.moved) this.#locate(tid, found);
    return found;
  }

  /** The other threads end if it succeeds, and their numbers become free. */
  executing(by: Process, program: string, pending: PendingExec): void {
    by.pending?.tell(true);
    by.pending = pending;
    by.program = program;
    by.started = true;
    for (const tid of by.tids) if (tid !== by.pid) this.#threads.delete(tid);
    by.tids = [by.pid];
  }

  threadEnding(tid: number, by: Process): void {
    if (tid !== by.pid) this.#threads.delete(tid);
  }

  /** To be called now and then: forgets those that have ended. @returns their pids */
  bury(): number[] {
    const ended = this.#deaths.take();
    for (const pid of ended) {
      const dead = this.#threads.get(pid);
      dead?.pending?.tell(true);
      for (const tid of dead?.tids ?? []) if (this.#threads.get(tid) === dead) this.#threads.delete(tid);
    }
    return ended.filter((pid) => pid !== this.command);
  }

  /** What is still pending has happened, as far as anybody knows. */
  finish(): void {
    for (const one of new Set(this.#threads.values())) {
      one.pending?.tell(true);
      one.pending = undefined;
    }
  }

  /** Pids of the tree, some of which may be gone. */
  *pids(): Iterable<number> {
    for (const [tid, { pid }] of this.#threads) if (tid === pid) yield pid;
  }

  #meet(tid: number): Process | undefined {
    const pid = this.#isLeader(tid) ? tid : this.#leaderOf(tid);
    if (pid === undefined) return undefined;
    if (pid === OWN_PID) {
      this.#ownThread = tid;
      return undefined;
    }
    const met = this.#threads.get(pid) ?? this.#enter(pid);
    if (met === undefined || tid === pid) return met;
    this.#threads.set(tid, met);
    met.tids.push(tid);
    return met;
  }

  #enter(pid: number): Process | undefined {
    const stat = this.#stat(pid);
    if (stat === undefined) return undefined;
    const { parent, layout } = stat;
    const from = parent === OWN_PID || parent === 0 ? undefined : (this.#threads.get(parent) ?? this.#meet(parent));
    if (from?.pending !== undefined) this.#settle(from, 0);
    // Forked before its parent became what it is now: then it is not that program.
    const same = from !== undefined && layout !== undefined && from.layout === layout;
    const met: Process = {
      pid,
      tids: [pid],
      program: same ? from.program : "",
      layout,
      pending: undefined,
      mountNs: this.mountNs,
      foreign: false,
      started: this.command !== undefined,
    };
    this.command ??= pid;
    this.#threads.set(pid, met);
    this.#deaths.watch(pid);
    this.#locate(pid, met);
    this.#onFork(from === undefined ? parent : same ? parent : 0, met);
    return met;
  }

  /** @param tid who calls now: if the one that called exec is still there with the same layout, exec has failed */
  #settle(one: Process, tid: number): void {
    const { pending } = one;
    const layout = this.#stat(one.pid)?.layout;
    const changed = layout === undefined || layout !== one.layout;
    if (pending === undefined || (!changed && tid !== pending.tid)) return;
    one.pending = undefined;
    one.layout = layout;
    pending.tell(changed);
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

  #isLeader(tid: number): boolean {
    return this.#tgkill(tid, tid, 0) === 0 || this.#libc.errno() === EPERM;
  }

  #leaderOf(tid: number): number | undefined {
    const pid = /^Tgid:\t(\d+)$/m.exec(this.#read(`/proc/${tid}/status`) ?? "")?.[1];
    return pid === undefined ? undefined : Number(pid);
  }

  #stat(pid: number): { readonly parent: number; readonly layout: string | undefined } | undefined {
    const text = this.#read(`/proc/${pid}/stat`);
    if (text === undefined) return undefined;
    // The name in brackets may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const layout = fields[START_STACK] === "0" ? undefined : LAYOUT.map((i) => fields[i]).join(" ");
    return { parent: Number(fields[1]), layout };
  }

  #read(path: string): string | undefined {
    let fd: number | undefined;
    try {
      fd = fs.openSync(path, "r");
      return this.#buffer.toString("latin1", 0, fs.readSync(fd, this.#buffer, 0, this.#buffer.length, 0));
    } catch {
      return undefined;
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }
}
