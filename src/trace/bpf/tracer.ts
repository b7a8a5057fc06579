// The privileged half: loads the program, tests it on itself, says who is traced, hands records on, and seals. It runs in
// the process of `foregone run` where that is root, else in a process of its own (daemon.ts).
import fs from "node:fs";
import type { TraceEvent } from "../event.ts";
import type { Libc } from "../ffi.ts";
import { type Blob, readBlob } from "./blob.ts";
import { encodeCalls, indexedCalls, type NamedCall, writeCalls } from "./call-table.ts";
import { judge, newNonce, runChild, type SelfTest } from "./canary.ts";
import { openCgroupRoot } from "./cgroup.ts";
import { type Counters, countersSince, readCounters } from "./counters.ts";
import { Decoder } from "./decode.ts";
import { attach, load, type Loaded } from "./load.ts";
import { knowsMount, type MountTable, MountTables, ownMountNs } from "./mount-tables.ts";
import { AT, KIND, SESSION } from "./record.ts";
import { mapRing, type RecordSink, type Ring } from "./ring.ts";
import { BpfCalls, BpfRefused } from "./syscall.ts";

/** 64 MiB hold 440,000 records: 0.3 s of the worst storm with a stopped reader. */
export const DEFAULT_RING_BYTES = 64 << 20;
const MIN_RING_BYTES = 8 << 20;
const MEMBER = { traced: 1, root: 2 } as const;

export interface TracerOptions {
  readonly ringBytes?: number;
  /** A record of the traced tree, or a DNS answer (session 0). */
  readonly onRecord: RecordSink;
  /** Comes before the first record that needs it. */
  readonly onMounts: (table: MountTable) => void;
  /** Tests hand in damaged or older ones. */
  readonly blobs?: readonly Blob[];
  readonly calls?: ReadonlyMap<number, NamedCall>;
}

export interface TracerSeal {
  readonly counters: Counters;
  /** The end canary came through: the tracer was alive to the last byte. */
  readonly endSeen: boolean;
  /** Bytes that were read but could not be kept until the caller took them. */
  readonly overflow: number;
}

export class Tracer {
  readonly selfTest: SelfTest;
  readonly ringBytes: number;
  readonly uringDecoded: boolean;
  readonly dns: boolean;
  /** What the kernel refused before this one was accepted. */
  readonly notices: readonly string[];
  readonly #bpf: BpfCalls;
  readonly #loaded: Loaded;
  readonly #ring: Ring;
  readonly #links: number[];
  readonly #undo: (() => void)[] = [];
  readonly #options: TracerOptions;
  readonly #mounts: MountTables;
  readonly #mountCalls: ReadonlySet<number>;
  readonly #baseline: Counters;
  /** Where records of the self-test and of the end canary go. */
  #own: Decoder | undefined;

  /** @throws BpfRefused (EPERM, ENOMEM, ...), or Error if the blob is missing or damaged */
  static start(libc: Libc, options: TracerOptions): Tracer {
    const bpf = new BpfCalls(libc);
    const wanted = options.ringBytes ?? DEFAULT_RING_BYTES;
    const notices: string[] = [];
    let failure: unknown;
    for (const variant of ["full", "no-uring"] as const)
      for (let ringBytes = wanted; ringBytes >= Math.min(MIN_RING_BYTES, wanted); ringBytes /= 2)
        try {
          const blob = options.blobs === undefined ? readBlob(variant) : options.blobs[variant === "full" ? 0 : 1];
          if (blob === undefined) break;
          return new Tracer(bpf, blob, ringBytes, options, notices);
        } catch (error) {
          failure ??= error;
          if (!(error instanceof BpfRefused)) throw error;
          notices.push(`${variant} program, ${ringBytes >> 20} MiB: ${error.message}`);
          // No right to: the other blob has none either. No memory: a smaller ring. Else the program does not fit.
          if (error.errno === "EPERM" || error.errno === "EACCES") throw error;
          if (error.errno !== "ENOMEM") break;
        }
    throw failure;
  }

  private constructor(
    bpf: BpfCalls,
    blob: Blob,
    ringBytes: number,
    options: TracerOptions,
    notices: readonly string[],
  ) {
    this.notices = notices;
    this.#bpf = bpf;
    this.#options = options;
    this.ringBytes = ringBytes;
    this.uringDecoded = blob.programs.includes("on_uring");
    const calls = options.calls ?? indexedCalls();
    this.#mountCalls = new Set([...calls].filter(([, c]) => changesMounts(c)).map(([index]) => index));
    this.#mounts = new MountTables(options.onMounts);
    try {
      this.#loaded = load(bpf, blob, ringBytes);
      this.#undo.push(() => this.#loaded.close());
      writeCalls(bpf, this.#loaded.map("calls"), encodeCalls(calls, this.uringDecoded));
      this.#ring = mapRing(bpf.libc, this.#loaded.map("ring"), ringBytes);
      this.#undo.push(() => this.#ring.close());
      const cgroup = openCgroupRoot();
      this.dns = cgroup !== undefined;
      try {
        this.#links = attach(bpf, this.#loaded, cgroup);
      } finally {
        if (cgroup !== undefined) fs.closeSync(cgroup);
      }
      this.#undo.push(() => this.#detach());
      this.selfTest = this.#test(blob.canary);
      this.#baseline = readCounters(bpf, this.#loaded);
    } catch (error) {
      this.close();
      throw error;
    }
    this.#mounts.seen(ownMountNs(), process.pid);
  }

  /** From now on the processes that `pid` starts are traced, and theirs. @returns false if there is no such process */
  adopt(pid: number): boolean {
    return this.#member(pid, SESSION.run, MEMBER.root);
  }

  /** Ends what `adopt` began; what was started meanwhile stays traced. */
  release(pid: number): void {
    const pidfd = this.#bpf.pidfdOpen(pid);
    if (pidfd === undefined) return;
    try {
      this.#bpf.delete(this.#loaded.map("members"), (key) => void key.writeInt32LE(pidfd, 0));
    } finally {
      this.#bpf.close(pidfd);
    }
  }

  /** Hands on what is in the ring. @returns bytes taken */
  drain(maxBytes?: number): number {
    return this.#ring.drain(this.#route, maxBytes);
  }

  /** End canary, last records, counters, detach. */
  seal(): TracerSeal {
    const nonce = newNonce();
    let endSeen = false;
    this.#own = new Decoder((event) => {
      if (event.type === "look" && event.path.string === `/foregone-end-${nonce}`) endSeen = true;
    });
    const access = this.#bpf.libc.func("int access(const char*, int)");
    if (this.#member(process.pid, SESSION.end, MEMBER.traced)) {
      access(`/foregone-end-${nonce}`, 0);
      this.release(process.pid);
    }
    while (this.drain() > 0);
    this.#detach();
    while (this.drain() > 0);
    const counters = countersSince(readCounters(this.#bpf, this.#loaded), this.#baseline);
    this.close();
    return { counters, endSeen, overflow: 0 };
  }

  close(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  #detach(): void {
    for (const link of this.#links.splice(0)) this.#bpf.close(link);
  }

  #member(pid: number, session: number, flags: number): boolean {
    const pidfd = this.#bpf.pidfdOpen(pid);
    if (pidfd === undefined) return false;
    try {
      this.#bpf.update(this.#loaded.map("members"), "members", (key, value) => {
        key.writeInt32LE(pidfd, 0);
        value.writeUInt32LE(session, 0);
        value.writeUInt32LE(flags, 4);
      });
      return true;
    } finally {
      this.#bpf.close(pidfd);
    }
  }

  #test(elf: Buffer): SelfTest {
    const events: TraceEvent[] = [];
    const nonce = newNonce();
    const decoder = new Decoder((event) => void events.push(event));
    this.#own = decoder;
    this.#member(process.pid, SESSION.canary, MEMBER.root);
    const mask = runChild(this.#bpf.libc, elf, nonce);
    this.release(process.pid);
    while (this.drain() > 0);
    this.#own = undefined;
    if (typeof mask === "string") return { done: 0, missed: [], impossible: [], passed: false, why: mask };
    const result = judge(events, nonce, mask);
    // Where the kernel's process numbers are not ours, /proc cannot be asked about them.
    if (!events.some((e) => e.type === "fork" && e.pid === process.pid))
      return { ...result, passed: false, why: "in a pid namespace of its own" };
    // Device, mount and namespace numbers must mean what the mount table means by them.
    const [started] = events.flatMap((e) =>
      e.type === "exec" && e.outcome === 0 && e.mountNs === ownMountNs() ? [e] : [],
    );
    if (!knowsMount(fs.readFileSync("/proc/self/mountinfo", "latin1"), started?.cwd))
      return { ...result, passed: false, why: "mount numbers do not agree with /proc/self/mountinfo" };
    return decoder.errors > 0 ? { ...result, passed: false, why: "records do not decode" } : result;
  }

  readonly #route: RecordSink = (bytes, words, at, length) => {
    const w = at >> 2;
    const session = words[w + (AT.session >> 2)]!;
    if (session === SESSION.canary || session === SESSION.end) {
      this.#own?.record(bytes, words, at, length);
      return;
    }
    const mountNs = words[w + (AT.mountNs >> 2)]!;
    const tid = words[w + (AT.tid >> 2)]!;
    this.#mounts.seen(mountNs, tid);
    this.#options.onRecord(bytes, words, at, length);
    const kindAndNr = words[w + (AT.kind >> 2)]!;
    const kind = kindAndNr & 0xff;
    if ((kind === KIND.pair || kind === KIND.change) && this.#mountCalls.has(kindAndNr >>> 16))
      this.#mounts.changed(mountNs, tid);
  };
}

function changesMounts({ call }: NamedCall): boolean {
  return (
    (call.kind === "pair" && (call.op === "mount" || call.op === "move_mount" || call.op === "pivot_root")) ||
    (call.kind === "change" && call.op === "umount")
  );
}
