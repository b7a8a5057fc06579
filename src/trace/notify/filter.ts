// The seccomp filter: which system calls stop and ask the supervisor. Pure: it only makes the bytes of a classic BPF
// program. Every number of every ABI gets a verdict; a number nobody knows asks, so a newer kernel fails closed.
import { socketcalls, syscallsOf } from "../tables/table.ts";
import type { Abi, Syscall } from "../tables/table.ts";
import type { Call } from "../tables/calls.ts";

export interface FilterAbi {
  readonly abi: Abi;
  /** AUDIT_ARCH_* of <linux/audit.h>. */
  readonly audit: number;
}

/** By `process.arch`, the native ABI first. A process of an ABI that is not listed (arm32, x32) always asks, and is a gap. */
export const FILTER_ABIS: Readonly<Record<string, readonly FilterAbi[]>> = {
  x64: [
    { abi: "x86-64", audit: 0xc000_003e },
    { abi: "i386", audit: 0x4000_0003 },
  ],
  arm64: [{ abi: "arm64", audit: 0xc000_00b7 }],
};

/** Calls that are harmless to watch for, and only tell the supervisor where a process stands: by name, on every ABI. */
export const WATCHED: ReadonlySet<string> = new Set(["exit", "exit_group", "unshare", "setns", "fsmount"]);

/** IPC_CREAT | IPC_EXCL: a System V object made by this call is the run's own. */
const IPC_OWN = 0o3000;
/** Their peers are judged at connect, or they have none outside the kernel. */
const FAMILY = { unix: 1, inet: 2, inet6: 10, netlink: 16, alg: 38 };
const SOCK_TYPE = 15;
const SOCK_RAW = 3;
const ENOSYS = 38;

const RET_ALLOW = 0x7fff_0000;
const RET_NOTIFY = 0x7fc0_0000;
const RET_ENOSYS = 0x0005_0000 | ENOSYS;

const LOAD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const IF_EQUAL = 0x15;
const IF_AT_LEAST = 0x35;
const RETURN = 0x06;

/** struct seccomp_data: nr, arch, instruction pointer, six arguments of 64 bits (little-endian here). */
const NR = 0;
const ARCH = 4;
const low = (argument: number): number => 16 + 8 * argument;
const high = (argument: number): number => 20 + 8 * argument;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, k: number];
type Code = readonly Instruction[];

const ret = (verdict: number): Instruction => [RETURN, 0, 0, verdict];
const load = (offset: number): Instruction => [LOAD, 0, 0, offset];
const ALLOW: Code = [ret(RET_ALLOW)];
const NOTIFY: Code = [ret(RET_NOTIFY)];

/** @returns struct sock_filter[], 8 bytes each: at most BPF_MAXINSNS (4,096) of them */
export function filterProgram(abis: readonly FilterAbi[]): Uint8Array {
  let code: Code = NOTIFY;
  for (const { abi, audit } of [...abis].reverse()) {
    const section = [load(NR), ...search(intervals(abi))];
    code = [[IF_EQUAL, 0, 1, audit], [JUMP, 0, 0, 1], [JUMP, 0, 0, section.length], ...section, ...code];
  }
  return encode([load(ARCH), ...code]);
}

interface Interval {
  readonly from: number;
  readonly code: Code;
}

/** Covers 0..2^32-1. Neighbours with the same plain verdict are one interval. */
function intervals(abi: Abi): Interval[] {
  const result: Interval[] = [];
  const add = (from: number, code: Code): void => {
    if (result.at(-1)?.code !== code) result.push({ from, code });
  };
  let next = 0;
  for (const syscall of syscallsOf(abi)) {
    if (syscall.nr > next) add(next, NOTIFY);
    add(syscall.nr, verdict(syscall));
    next = syscall.nr + 1;
  }
  add(next, NOTIFY);
  // Negative numbers are ENOSYS in every kernel: ptrace and sandboxes use -1 to skip a call.
  add(0x8000_0000, ALLOW);
  return result;
}

/** Binary search. Jumps over a subtree are unconditional ones, whose distance has 32 bits. */
function search(among: readonly Interval[]): Code {
  if (among.length === 1) return among[0]?.code ?? NOTIFY;
  const middle = among.length >> 1;
  const left = search(among.slice(0, middle));
  return [
    [IF_AT_LEAST, 0, 1, among[middle]?.from ?? 0],
    [JUMP, 0, 0, left.length],
    ...left,
    ...search(among.slice(middle)),
  ];
}

function verdict({ name, call }: Syscall): Code {
  return WATCHED.has(name) ? NOTIFY : verdictOf(call);
}

function verdictOf(call: Call): Code {
  switch (call.kind) {
    case "harmless":
    case "chdir-fd":
    // Who may hand us a descriptor, or connect to us, is judged when the connection is made: docs/decisions/0021.
    case "receive-message":
    case "accept":
      return ALLOW;
    case "uring":
      return [ret(RET_ENOSYS)];
    case "connect":
      return [
        load(low(call.address)),
        [IF_EQUAL, 0, 2, 0],
        load(high(call.address)),
        [IF_EQUAL, 1, 0, 0],
        ret(RET_NOTIFY),
        ret(RET_ALLOW),
      ];
    case "socket":
      return [
        load(low(0)),
        [IF_EQUAL, 8, 0, FAMILY.unix],
        [IF_EQUAL, 7, 0, FAMILY.netlink],
        [IF_EQUAL, 6, 0, FAMILY.alg],
        [IF_EQUAL, 1, 0, FAMILY.inet],
        [IF_EQUAL, 0, 3, FAMILY.inet6],
        load(low(1)),
        [AND, 0, 0, SOCK_TYPE],
        [IF_EQUAL, 0, 1, SOCK_RAW],
        ret(RET_NOTIFY),
        ret(RET_ALLOW),
      ];
    case "ipc-get":
      return [
        load(low(call.key)),
        [IF_EQUAL, 3, 0, 0],
        load(low(call.flags)),
        [AND, 0, 0, IPC_OWN],
        [IF_EQUAL, 0, 1, IPC_OWN],
        ret(RET_ALLOW),
        ret(RET_NOTIFY),
      ];
    case "socketcall":
      return when(
        0,
        socketcalls.filter((s) => verdictOf(s.call) !== ALLOW).map((s) => s.nr),
      );
    case "forbidden":
      return call.when === undefined ? NOTIFY : when(call.when.argument, call.when.values);
    default:
      return NOTIFY;
  }
}

/** Asks if the argument is one of the values. */
const when = (argument: number, values: readonly number[]): Code => [
  load(low(argument)),
  ...values.map((value, i): Instruction => [IF_EQUAL, values.length - i, 0, value]),
  ret(RET_ALLOW),
  ret(RET_NOTIFY),
];

function encode(code: Code): Uint8Array {
  const bytes = new Uint8Array(code.length * 8);
  const view = new DataView(bytes.buffer);
  code.forEach(([op, ifTrue, ifFalse, k], i) => {
    view.setUint16(8 * i, op, true);
    view.setUint8(8 * i + 2, ifTrue);
    view.setUint8(8 * i + 3, ifFalse);
    view.setUint32(8 * i + 4, k, true);
  });
  return bytes;
}
