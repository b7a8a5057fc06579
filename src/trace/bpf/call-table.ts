// The syscall tables as the BPF program's map: one 16-byte entry per number, and the way back from a record's number.
import type { Call } from "../tables/calls.ts";
import { socketcalls, type Syscall, syscallsOf } from "../tables/table.ts";
import { uringOperations } from "../tables/uring.ts";
import type { BpfCalls } from "./syscall.ts";
import { KIND } from "./record.ts";

/** As in native/state.h. */
export const CALLS = { perAbi: 512, socketcall: 1024, uring: 1088, total: 1344 } as const;
const ENTRY_BYTES = 16;
/** In `when_a` of a look: later paths depend on it, so that it is never taken for a repeat. */
const MOVES = 1;

export interface NamedCall {
  readonly name: string;
  readonly call: Call;
}

let own: ReadonlyMap<number, NamedCall> | undefined;

/** This machine's table, made once. */
export function indexedCalls(): ReadonlyMap<number, NamedCall> {
  return (own ??= indexCalls(process.arch));
}

/** By index in the map: x86-64 (or arm64) numbers, +512 i386, +1024 socketcall, +1088 io_uring operations. */
function indexCalls(arch: string): ReadonlyMap<number, NamedCall> {
  const calls = new Map<number, NamedCall>();
  const add = (base: number, list: readonly Syscall[]): void => {
    for (const { nr, name, call } of list) calls.set(base + nr, { name, call });
  };
  if (arch === "arm64") add(0, syscallsOf("arm64"));
  else {
    add(0, syscallsOf("x86-64"));
    add(CALLS.perAbi, syscallsOf("i386"));
    add(CALLS.socketcall, socketcalls);
  }
  for (const [opcode, named] of uringOperations) calls.set(CALLS.uring + opcode, named);
  return calls;
}

/**
 * @param uringDecoded whether the program sees io_uring operations; else setting one up is itself what counts
 * @returns the map's whole content; an entry of zeros is an unknown number
 */
export function encodeCalls(calls: ReadonlyMap<number, NamedCall>, uringDecoded: boolean): Buffer {
  const table = Buffer.alloc(CALLS.total * ENTRY_BYTES);
  for (const [index, { call }] of calls)
    // Nine in ten are harmless; where they have arguments does not matter.
    if (call.kind === "harmless") table[index * ENTRY_BYTES] = KIND.harmless;
    else encodeCall(table.subarray(index * ENTRY_BYTES), call, uringDecoded);
  return table;
}

function encodeCall(entry: Buffer, call: Call, uringDecoded: boolean): void {
  const set = (
    kind: number,
    places: { [K in "dirfd" | "path" | "flags" | "dirfd2" | "path2"]?: number | undefined } = {},
  ) => {
    entry[0] = kind;
    // A byte of a Buffer takes -1 as 255.
    entry[1] = places.dirfd ?? -1;
    entry[2] = places.path ?? -1;
    entry[3] = places.flags ?? -1;
    entry[4] = places.dirfd2 ?? -1;
    entry[5] = places.path2 ?? -1;
  };
  switch (call.kind) {
    case "harmless":
      return set(KIND.harmless);
    case "open":
      set(KIND.open, call);
      entry[6] = call.how ?? 0;
      return;
    case "look":
      set(KIND.look, call);
      if (call.class === "chdir" || call.class === "chroot") entry.writeUInt32LE(MOVES, 8);
      return;
    case "chdir-fd":
      set(KIND.look);
      entry.writeUInt32LE(MOVES, 8);
      return;
    case "change":
      return set(KIND.change, call);
    case "change-fd":
      return set(KIND.change);
    case "pair":
      return set(KIND.pair, call);
    case "exec":
      return set(KIND.exec, call);
    case "list":
      return set(KIND.list);
    case "connect":
      return set(KIND.connect, { path: call.address, flags: call.length });
    case "bind":
      return set(KIND.bind, { path: call.address, flags: call.length });
    case "listen":
      return set(KIND.listen);
    case "accept":
      return set(KIND.accept);
    case "send-message":
    case "receive-message":
      set(call.kind === "send-message" ? KIND.send : KIND.receive, { path: call.message });
      entry[7] = call.vector ? 1 : 0;
      return;
    case "receive-fd":
      return set(KIND.fd);
    case "socket":
      return set(KIND.socket);
    case "ipc-get":
      return set(KIND.ipc, { flags: call.flags });
    case "ipc-attach":
      return set(KIND.ipc);
    case "uring":
      return set(uringDecoded ? KIND.harmless : KIND.uring);
    case "socketcall":
      return set(KIND.socketcall);
    case "forbidden": {
      set(KIND.forbidden, { dirfd: call.when?.argument, path: call.target });
      const [a = 0, b = a] = call.when?.values ?? [];
      entry.writeUInt32LE(a, 8);
      entry.writeUInt32LE(b, 12);
      return;
    }
    default:
      return call satisfies never;
  }
}

/** Writes the whole table in one call. */
export function writeCalls(calls: BpfCalls, map: number, table: Buffer): void {
  const { libc } = calls;
  const keys = libc.alloc(CALLS.total * 4);
  const values = libc.alloc(table.length);
  table.copy(values.bytes);
  for (let i = 0; i < CALLS.total; i++) keys.bytes.writeUInt32LE(i, i * 4);
  try {
    calls.call("map update batch", "calls", (attr) => {
      attr.writeBigUInt64LE(keys.address, 16);
      attr.writeBigUInt64LE(values.address, 24);
      attr.writeUInt32LE(CALLS.total, 32);
      attr.writeUInt32LE(map, 36);
    });
  } finally {
    libc.free(keys);
    libc.free(values);
  }
}
