// The table that drives both back ends: every number of an ABI with its name and what it lets a program see.
import { type Call, calls, calls32 } from "./calls.ts";
import { arm64 } from "./arm64.ts";
import { harmless, harmless32 } from "./harmless.ts";
import { i386 } from "./i386.ts";
import { x86_64 } from "./x86-64.ts";

/** Consecutive numbers from the first, as words. */
export type NumberRange = readonly [from: number, names: string];

export type Abi = "x86-64" | "i386" | "arm64";

export interface Syscall {
  readonly nr: number;
  readonly name: string;
  readonly call: Call;
}

const ABIS: Record<Abi, { readonly ranges: readonly NumberRange[]; readonly bits: 32 | 64 }> = {
  "x86-64": { ranges: x86_64, bits: 64 },
  i386: { ranges: i386, bits: 32 },
  arm64: { ranges: arm64, bits: 64 },
};

/**
 * Every known number of the ABI, in ascending order. A number that is not in here is unknown: nobody can say what a
 * program saw through it.
 */
export function syscallsOf(abi: Abi): readonly Syscall[] {
  const { ranges, bits } = ABIS[abi];
  return ranges.flatMap(([from, names]) =>
    names
      .trim()
      .split(/\s+/)
      .flatMap((name, i) => {
        const call = classify(name, bits);
        return call === undefined ? [] : [{ nr: from + i, name, call }];
      }),
  );
}

function classify(name: string, bits: 32 | 64): Call | undefined {
  const own = bits === 32 ? calls32[name] : undefined;
  const call = own ?? calls[name];
  if (call !== undefined) return call;
  return harmless.has(name) || (bits === 32 && harmless32.has(name)) ? { kind: "harmless" } : undefined;
}

/** The socket calls of i386 `socketcall`, by the number in its first argument (<linux/net.h>). */
export const socketcalls: readonly Syscall[] = [
  [1, "socket"],
  [2, "bind"],
  [3, "connect"],
  [4, "listen"],
  [5, "accept"],
  [6, "getsockname"],
  [7, "getpeername"],
  [8, "socketpair"],
  [9, "send"],
  [10, "recv"],
  [11, "sendto"],
  [12, "recvfrom"],
  [13, "shutdown"],
  [14, "setsockopt"],
  [15, "getsockopt"],
  [16, "sendmsg"],
  [17, "recvmsg"],
  [18, "accept4"],
  [19, "recvmmsg"],
  [20, "sendmmsg"],
].map(([nr, name]) => ({
  nr: nr as number,
  name: name as string,
  call: calls[name as string] ?? { kind: "harmless" },
}));
