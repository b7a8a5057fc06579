// The supervisor's loop, on a thread of its own: it answers everything, whatever happens to it while looking. It must not
// wait for another thread of this process, nor print: the main thread may be busy, the spawning one may be waiting for us.
import type { Bytes, Seal, TraceEvent } from "../event.ts";
import type { Libc } from "../ffi.ts";
import { filteredProcesses, ownChildren } from "./alive.ts";
import { Notifications } from "./asked.ts";
import type { FilterAbi } from "./filter.ts";
import { Listener } from "./listener.ts";
import { type Counter, type ExecSeen, Looker, type Seen } from "./looker.ts";
import { type Process, Processes } from "./processes.ts";
import { type Fault, type FromSupervisor, SLOT } from "./protocol.ts";
import { Reaper } from "./reaper.ts";
import { remoteMemory, Unread } from "./remote.ts";
import { makeWorld } from "./world.ts";

/** Looks that were told, by program; more are told again. 262,144 x ~150 B = 40 MB. */
const MAX_TOLD = 262_144;
const BATCH = 256;
const FLUSH_MS = 5;
const IDLE_MS = 100;
/** EACCES stands for whatever the kernel answered. */
const NOT_EXECUTED = 13;
/** What ends with the command but a moment after it (a killed helper, a closing pipe) is not left over. */
const GRACE_MS = 250;

export interface SupervisorParts {
  readonly libc: Libc;
  readonly slots: Int32Array;
  readonly abis: readonly FilterAbi[];
  readonly kernel: string;
  /** Files that the command gets open from us. */
  readonly inherited: readonly string[];
  readonly fault: Fault | undefined;
  post(message: FromSupervisor): void;
}

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #listener: Listener;
  readonly #processes: Processes;
  readonly #looker: Looker;
  readonly #reaper: Reaper;
  readonly #others = ownChildren();
  readonly #counters: Record<string, number> = {};
  readonly #told = new Set<string>();
  #batch: TraceEvent[] = [];
  #seq = 0;
  #taken = 0;
  /** Of the notification at hand: they count once it is answered. */
  readonly #seen: Seen[] = [];
  readonly #counts: Counter[] = [];
  #execute: (() => void) | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    const { libc } = parts;
    this.#listener = new Listener(libc);
    const world = makeWorld(libc);
    this.#processes = new Processes(libc, world, (parent, child) => {
      this.#emit(parent, child.mountNs, { type: "fork", child: child.pid });
      if (child.pid === this.#processes.command)
        for (const absolute of parts.inherited)
          this.#emit(child.pid, child.mountNs, { type: "receive", absolute: absolute as Bytes });
    });
    this.#reaper = new Reaper(libc);
    this.#looker = new Looker({
      memory: remoteMemory(libc),
      world,
      processes: this.#processes,
      frozen: () => Atomics.load(parts.slots, SLOT.frozen) === 1,
      count: (counter) => void this.#counts.push(counter),
      onSetuid: (path) => parts.post({ kind: "setuid", path }),
      see: (key, event) => this.#see(key, event),
      execute: (tid, by, program, event) => (this.#execute = () => this.#executing(tid, by, program, event)),
      forget: () => this.#told.clear(),
    });
  }

  /** Answers until the command's tree is gone, or the command has ended and only left-overs remain. Then seals. */
  run(listenerFd: number): void {
    const { slots } = this.#parts;
    const listener = this.#listener;
    const notifications = new Notifications(listener.words, this.#parts.abis);
    listener.open(listenerFd);
    let deadline = Infinity;
    for (;;) {
      const waited = listener.wait(this.#batch.length > 0 ? FLUSH_MS : deadline < Infinity ? FLUSH_MS : IDLE_MS);
      if (waited === "all gone") return this.#finish([]);
      if (waited === "asked" && listener.receive()) {
        Atomics.store(slots, SLOT.idLow, listener.words[0] ?? 0);
        Atomics.store(slots, SLOT.idHigh, listener.words[1] ?? 0);
        Atomics.store(slots, SLOT.busy, 1);
        Atomics.store(slots, SLOT.taken, ++this.#taken);
        this.#serve(listener, notifications);
        Atomics.store(slots, SLOT.busy, 0);
      } else this.#flush();
      if (waited !== "asked" || (this.#taken & 1023) === 0) {
        this.#reaper.reap(this.#processes.bury());
        if (deadline === Infinity && Atomics.load(slots, SLOT.ended) === 1) deadline = performance.now() + GRACE_MS;
        if (performance.now() > deadline) return this.#finish(filteredProcesses(this.#others));
      }
    }
  }

  #finish(alive: Seal["alive"]): void {
    this.#processes.finish();
    this.#flush();
    this.#parts.post({ kind: "seal", seal: this.#seal(alive) });
  }

  #serve(listener: Listener, notifications: Notifications): void {
    const asked = notifications.read();
    const { tid } = asked;
    let by: ReturnType<Processes["of"]>;
    try {
      by = this.#processes.of(tid);
      if (this.#taken === this.#parts.fault?.at) fail(this.#parts.fault);
      if (by === undefined) this.#count("fault");
      else if (by !== "own") this.#looker.look(asked, by);
    } catch (error) {
      this.#count(error instanceof Unread ? "fault" : "decoder");
    }
    if (listener.answer()) {
      if (by !== undefined && by !== "own")
        for (const event of this.#seen) {
          // The copy of ourselves that is about to become the command: what it does is the spawner's doing.
          if (by.started || event.type === "exec") this.#emit(by.pid, by.mountNs, event);
        }
      this.#execute?.();
      for (const counter of this.#counts) this.#counters[counter] = (this.#counters[counter] ?? 0) + 1;
    }
    // Refused: the call was not made; whoever was interrupted makes it again, and must not find it told already.
    else if (this.#seen.length > 0) this.#told.clear();
    this.#seen.length = 0;
    this.#counts.length = 0;
    this.#execute = undefined;
  }

  #executing(tid: number, by: Process, program: string, event: ExecSeen): void {
    const { pid, mountNs } = by;
    const tell = (succeeded: boolean): void =>
      this.#emit(pid, mountNs, succeeded ? event : { ...event, outcome: NOT_EXECUTED });
    this.#processes.executing(by, program, { tid, tell });
  }

  #count(counter: Counter): void {
    this.#counts.push(counter);
  }

  #see(key: string | undefined, event: Seen): void {
    if (key !== undefined) {
      if (this.#told.has(key)) return;
      if (this.#told.size >= MAX_TOLD) this.#told.clear();
      this.#told.add(key);
    }
    this.#seen.push(event);
  }

  #emit(pid: number, mountNs: number, event: Seen): void {
    this.#batch.push({ ...event, seq: this.#seq++, pid, mountNs } as TraceEvent);
    if (this.#batch.length >= BATCH) this.#flush();
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    this.#parts.post({ kind: "events", events: this.#batch });
    this.#batch = [];
  }

  #seal(alive: Seal["alive"]): Seal {
    return {
      backend: "notify",
      kernel: this.#parts.kernel,
      events: this.#seq,
      lost: { ...this.#counters, rescued: Atomics.load(this.#parts.slots, SLOT.rescued) },
      alive,
      mounts: [],
      names: {},
    };
  }
}

function fail({ how }: Fault): void {
  if (how === "throw") throw new Error("as a test asked for");
  // In a worker this ends the thread.
  if (how === "end the thread") process.exit();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
