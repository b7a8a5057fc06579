// Records -> TraceEvents. Never throws: a record that does not hold together is counted, and one such voids the trace.
import type { Bytes, FileObject, TraceEvent } from "../event.ts";
import type { NoFollow } from "../tables/calls.ts";
import { CALLS, indexedCalls, type NamedCall } from "./call-table.ts";
import { dnsAnswers } from "./dns.ts";
import { OwnIpc } from "./ipc.ts";
import { AT, FLAG, HEAD_BYTES, KIND, MAX_RECORD_BYTES } from "./record.ts";
import { RecordView } from "./view.ts";

const AT_REMOVEDIR = 0x200;
const O_TMPFILE = 0o20000000;
const AF_UNIX = 1;

export class Decoder {
  /** Records that did not hold together. */
  errors = 0;
  /** Position of the next event, and how many there were. */
  seq = 0;
  /** Address -> names, from every DNS answer of the machine. */
  readonly names = new Map<string, Set<string>>();
  /** Processes of the tree that have not exited. */
  readonly alive = new Set<number>();
  readonly #calls: ReadonlyMap<number, NamedCall>;
  readonly #emit: (event: TraceEvent) => void;
  readonly #view = new RecordView();
  readonly #rootMounts = new Map<number, number>();
  readonly #ipc = new OwnIpc();

  constructor(emit: (event: TraceEvent) => void, calls: ReadonlyMap<number, NamedCall> = indexedCalls()) {
    this.#emit = emit;
    this.#calls = calls;
  }

  /** The mount that is `/` of a mount namespace: a process with another root directory is chrooted. */
  setRootMount(mountNs: number, mountId: number): void {
    this.#rootMounts.set(mountNs, mountId);
  }

  /** A file that the command was given open, without a call of its own. */
  inherited(absolute: Bytes): void {
    this.#emit({ seq: this.seq++, pid: process.pid, mountNs: 0, type: "receive", absolute });
  }

  /** @param at a multiple of 4; the record ends before `at + length` */
  record(bytes: Buffer, words: Uint32Array, at: number, length: number): void {
    if (length < HEAD_BYTES || length > MAX_RECORD_BYTES || words[at >> 2] !== length) {
      this.errors++;
      return;
    }
    try {
      this.#view.set(bytes, words, at, length);
      this.#decode();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.errors++;
    }
  }

  #decode(): void {
    const v = this.#view;
    if (v.kind === KIND.dns) return this.#dns();
    const seq = this.seq++;
    const { pid, mountNs } = v;
    switch (v.kind) {
      case KIND.fork:
        this.alive.add(v.extra);
        return this.#emit({ seq, pid, mountNs, type: "fork", child: v.extra });
      case KIND.exit:
        this.alive.delete(v.pid);
        return this.#emit({ seq, pid, mountNs, type: "exit", status: v.ret });
      case KIND.list:
        return this.#emit(withObject({ seq, pid, mountNs, type: "list" }, v.object(v.body)));
      case KIND.fd:
        return this.#emit(withObject({ seq, pid, mountNs, type: "receive" }, v.object(v.body)));
      case KIND.uring:
        return this.#emit({ seq, pid, mountNs, type: "uring", opcode: v.has(FLAG.uring) ? v.nr : -1 });
      case KIND.unknown:
        return this.#emit({ seq, pid, mountNs, type: "forbidden", call: `syscall ${v.extra}`, target: 0 });
      case KIND.connect:
      case KIND.bind:
      case KIND.listen:
      case KIND.accept:
        return this.#socket(seq);
      case KIND.executed:
        return this.#executed(seq);
      default:
        return this.#call(seq);
    }
  }

  #call(seq: number): void {
    const v = this.#view;
    const { pid, mountNs } = v;
    const named = this.#calls.get(v.has(FLAG.uring) ? CALLS.uring + v.nr : v.nr);
    if (named === undefined) throw new RangeError("record of an unknown call");
    if (v.kind === KIND.ipc && this.#ipc.isOwn(named, v.ret, v.extra, v.word(AT.mode))) return;
    if (v.kind === KIND.ipc || v.kind === KIND.socket || v.kind === KIND.forbidden)
      return this.#emit({ seq, pid, mountNs, type: "forbidden", call: named.name, target: v.extra });
    // A path that could not be read is counted; there is nothing to say about it.
    if (v.has(FLAG.fault)) return;
    // Its absolute links start at a directory that only this one call knows.
    if (v.has(FLAG.in_root))
      return this.#emit({ seq, pid, mountNs, type: "forbidden", call: `${named.name} RESOLVE_IN_ROOT`, target: 0 });
    this.#path(seq, named);
  }

  #path(seq: number, { call }: NamedCall): void {
    const v = this.#view;
    const { pid, mountNs } = v;
    const outcome = v.has(FLAG.uring) ? undefined : v.ret < 0 ? -v.ret : 0;
    const root = v.root(this.#rootMounts.get(mountNs));
    const path = v.ref(v.body, v.stringLen, v.base(v.paths), root);
    switch (call.kind) {
      case "open": {
        const flags = call.implied ?? v.extra;
        // The kernel does not call an O_TMPFILE created.
        const created = v.has(FLAG.created) || (flags & O_TMPFILE) === O_TMPFILE;
        const opened = { seq, pid, mountNs, type: "open", path, flags, outcome, created } as const;
        return this.#emit(withObject(opened, v.object(v.paths + v.baseLen)));
      }
      case "look": {
        const noFollow = notFollowed(call.noFollow, v.extra);
        return this.#emit({ seq, pid, mountNs, type: "look", class: call.class, path, noFollow, outcome });
      }
      case "change": {
        const op =
          call.op === "unlink" && call.flags !== undefined && (v.extra & AT_REMOVEDIR) !== 0 ? "rmdir" : call.op;
        const noFollow = notFollowed(call.noFollow, v.extra);
        return this.#emit({ seq, pid, mountNs, type: "change", op, path, noFollow, outcome });
      }
      case "chdir-fd":
        return this.#emit({ seq, pid, mountNs, type: "look", class: "chdir", path, noFollow: false, outcome });
      case "change-fd":
        return this.#emit({ seq, pid, mountNs, type: "change", op: call.op, path, noFollow: true, outcome });
      case "pair": {
        const to = v.ref(v.body + v.stringLen, v.secondLen, v.secondBase(), root);
        // A symlink's target is text: nobody looks at it, so it starts nowhere.
        const from = call.op === "symlink" ? { string: path.string, base: undefined } : path;
        const flags = call.op === "rename" && call.flags !== undefined ? { flags: v.extra } : {};
        return this.#emit({ seq, pid, mountNs, type: "pair", op: call.op, from, to, ...flags, outcome });
      }
      case "exec":
        return this.#emit({ seq, pid, mountNs, type: "exec", file: path, outcome });
      default:
        throw new RangeError("record of a call without paths");
    }
  }

  #executed(seq: number): void {
    const v = this.#view;
    const { pid, mountNs } = v;
    const argvLen = v.extra;
    const baseAt = v.paths + argvLen;
    const cwd = v.base(baseAt);
    const name = v.ref(v.body, v.stringLen, cwd, v.root(this.#rootMounts.get(mountNs), argvLen));
    const started: TraceEvent & { argv?: readonly Bytes[] } = {
      seq,
      pid,
      mountNs,
      type: "exec",
      file: name.string.startsWith("/") ? { ...name, base: undefined } : name,
      ...(cwd !== undefined && { cwd }),
      interpreter: v.string(v.body + v.stringLen, v.secondLen),
      outcome: 0,
    };
    // Nothing: it could not be read, which is not the same as no arguments.
    if (argvLen > 0) started.argv = v.string(v.paths, argvLen).split("\0") as Bytes[];
    this.#emit(withObject(started, v.object(baseAt + v.baseLen)));
  }

  #socket(seq: number): void {
    const v = this.#view;
    const { pid, mountNs } = v;
    const address = new Uint8Array(v.bytes(v.body, v.stringLen));
    const netNs = v.word(AT.dev);
    const port = v.word(AT.mode) & 0xffff;
    if (v.kind === KIND.connect) {
      const outcome = v.ret < 0 ? -v.ret : 0;
      return this.#emit({
        seq,
        pid,
        mountNs,
        type: "connect",
        address,
        peerPid: v.extra,
        localPort: port,
        netNs,
        outcome,
      });
    }
    if (v.kind === KIND.accept)
      return this.#emit({ seq, pid, mountNs, type: "accept", address, peerPid: v.extra, netNs });
    const family = (address[0] ?? 0) | ((address[1] ?? 0) << 8);
    if (family !== AF_UNIX && address.length >= 4) {
      address[2] = port >> 8;
      address[3] = port & 0xff;
    }
    this.#emit({ seq, pid, mountNs, type: "bind", address, netNs });
    if (family !== AF_UNIX || address.length <= 2 || address[2] === 0) return;
    // A path: binding made a file.
    const nul = address.indexOf(0, 2);
    const length = (nul < 0 ? address.length : nul) - 2;
    const root = v.root(this.#rootMounts.get(mountNs));
    const path = v.ref(v.body + 2, length + 1, v.base(v.body + v.stringLen), root);
    this.#emit({ seq: this.seq++, pid, mountNs, type: "change", op: "mknod", path, noFollow: true, outcome: 0 });
  }

  #dns(): void {
    const v = this.#view;
    for (const [address, name] of dnsAnswers(v.bytes(v.body, v.stringLen))) {
      const names = this.names.get(address);
      if (names === undefined) this.names.set(address, new Set([name]));
      else names.add(name);
    }
  }
}

/** Events are plain literals, the object put in afterwards: spreading costs 20 times the rest of the decoding. */
function withObject<E extends TraceEvent>(event: E, object: FileObject | undefined): E {
  if (object !== undefined) (event as { object?: FileObject }).object = object;
  return event;
}

function notFollowed(rule: NoFollow | undefined, flags: number): boolean {
  if (rule === undefined) return false;
  if (rule === true) return true;
  return "ifFlag" in rule ? (flags & rule.ifFlag) !== 0 : (flags & rule.unlessFlag) === 0;
}
