// One stopped system call: number, arguments, and who stopped.
import type { Call } from "../tables/calls.ts";
import type { Abi } from "../tables/table.ts";
import { socketcalls, syscallsOf, type Syscall } from "../tables/table.ts";
import type { FilterAbi } from "./filter.ts";

/** The forms of Call that can have one of these kinds. */
export type CallOf<K extends Call["kind"]> = Call extends infer C
  ? C extends Call
    ? Extract<C["kind"], K> extends never
      ? never
      : C
    : never
  : never;

export interface Asked {
  tid: number;
  nr: number;
  /** undefined: a number or an ABI that nobody knows. */
  syscall: Syscall | undefined;
  /** The process has 32-bit pointers. */
  narrow: boolean;
  /** Arguments as pointers or sizes, and as C ints. */
  readonly wide: Float64Array;
  readonly int: Int32Array;
}

interface KnownAbi {
  readonly narrow: boolean;
  readonly calls: readonly (Syscall | undefined)[];
}

/** Decodes struct seccomp_notif: id u64, pid u32, flags u32, nr i32, arch u32, ip u64, args u64[6]. */
export class Notifications {
  readonly #abis = new Map<number, KnownAbi>();
  readonly #words: Uint32Array;
  /** Reused: valid until the next `read`. */
  readonly asked: Asked = {
    tid: 0,
    nr: 0,
    syscall: undefined,
    narrow: false,
    wide: new Float64Array(6),
    int: new Int32Array(6),
  };

  constructor(words: Uint32Array, abis: readonly FilterAbi[]) {
    this.#words = words;
    for (const { abi, audit } of abis) this.#abis.set(audit, { narrow: is32Bit(abi), calls: byNumber(abi) });
  }

  read(): Asked {
    const { asked } = this;
    const words = this.#words;
    const abi = this.#abis.get(words[5] ?? 0);
    asked.tid = words[2] ?? 0;
    asked.nr = words[4] ?? 0;
    asked.syscall = abi?.calls[asked.nr];
    asked.narrow = abi?.narrow === true;
    for (let i = 0; i < 6; i++) {
      const low = words[8 + 2 * i] ?? 0;
      asked.wide[i] = low + (words[9 + 2 * i] ?? 0) * 2 ** 32;
      asked.int[i] = low;
    }
    return asked;
  }
}

/** i386 `socketcall`: the real arguments are six words in memory. */
export function unfoldSocketcall(asked: Asked, memory: Buffer): void {
  asked.syscall = socketcalls.find((s) => s.nr === asked.int[0]);
  for (let i = 0; i < 6; i++) {
    asked.wide[i] = memory.readUInt32LE(4 * i);
    asked.int[i] = memory.readInt32LE(4 * i);
  }
}

const is32Bit = (abi: Abi): boolean => abi === "i386";

function byNumber(abi: Abi): (Syscall | undefined)[] {
  const calls: (Syscall | undefined)[] = [];
  for (const syscall of syscallsOf(abi)) calls[syscall.nr] = syscall;
  return calls;
}
