// bpf(2) itself, and the few other calls that need it, through libc: no libbpf, no add-on of ours.
// Offsets are those of union bpf_attr in <linux/bpf.h>, which is a stable interface.
import fs from "node:fs";
import { constants } from "node:os";
import type { Libc, NativeMemory } from "../ffi.ts";

const COMMANDS = {
  "map create": 0,
  "map lookup": 1,
  "map update": 2,
  "map delete": 3,
  "program load": 5,
  "program run": 10,
  "program info": 15,
  "tracepoint open": 17,
  "map update batch": 26,
  "link create": 28,
} as const;

const NUMBERS: Record<string, { bpf: number; pidfdOpen: number } | undefined> = {
  x64: { bpf: 321, pidfdOpen: 434 },
  arm64: { bpf: 280, pidfdOpen: 434 },
};

/** The kernel said no. An expected failure: the next back end is tried, and `doctor` prints what and why. */
export class BpfRefused extends Error {
  readonly errno: string;
  constructor(what: string, number: number) {
    const name = errnoName(number);
    super(`${what}: ${name}`);
    this.name = "BpfRefused";
    this.errno = name;
  }
}

export function errnoName(number: number): string {
  return Object.entries(constants.errno).find(([, n]) => n === number)?.[0] ?? `errno ${number}`;
}

export class BpfCalls {
  readonly libc: Libc;
  readonly #attr: NativeMemory;
  readonly #key: NativeMemory;
  readonly #value: NativeMemory;
  readonly #syscall: (nr: number, command: number, attr: unknown, size: number) => number | bigint;
  readonly #numbers: { bpf: number; pidfdOpen: number };

  /** @throws BpfRefused on an architecture without a number table */
  constructor(libc: Libc) {
    const numbers = NUMBERS[process.arch];
    if (numbers === undefined) throw new BpfRefused(`bpf on ${process.arch}`, constants.errno.ENOSYS);
    this.#numbers = numbers;
    this.libc = libc;
    this.#attr = libc.alloc(256);
    this.#key = libc.alloc(16);
    this.#value = libc.alloc(4096);
    this.#syscall = libc.func("long syscall(long, long, void*, long)");
  }

  /**
   * @param what for the error text
   * @returns a descriptor, or 0
   * @throws BpfRefused with the errno
   */
  call(command: keyof typeof COMMANDS, what: string, fill: (attr: Buffer) => void): number {
    const attr = this.#attr.bytes.fill(0);
    fill(attr);
    const result = Number(this.#syscall(this.#numbers.bpf, COMMANDS[command], this.#attr.pointer, 152));
    if (result < 0) throw new BpfRefused(`bpf ${command} ${what}`.trimEnd(), this.libc.errno());
    return result;
  }

  /** What the last call wrote back into its attributes. */
  answer(offset: number): number {
    return this.#attr.bytes.readInt32LE(offset);
  }

  /** Writes one map element. */
  update(map: number, what: string, fill: (key: Buffer, value: Buffer) => void): void {
    fill(this.#key.bytes.fill(0), this.#value.bytes.fill(0));
    this.call("map update", what, (attr) => this.#element(attr, map));
  }

  /** @returns false if there was no such element */
  delete(map: number, fill: (key: Buffer) => void): boolean {
    fill(this.#key.bytes.fill(0));
    try {
      this.call("map delete", "", (attr) => {
        attr.writeUInt32LE(map, 0);
        attr.writeBigUInt64LE(this.#key.address, 8);
      });
      return true;
    } catch (error) {
      if (error instanceof BpfRefused && error.errno === "ENOENT") return false;
      throw error;
    }
  }

  /** The value at a 32-bit key; valid until the next call. */
  lookup(map: number, key: number): Buffer {
    this.#key.bytes.fill(0).writeUInt32LE(key, 0);
    this.#value.bytes.fill(0);
    this.call("map lookup", "", (attr) => this.#element(attr, map));
    return this.#value.bytes;
  }

  #element(attr: Buffer, map: number): void {
    attr.writeUInt32LE(map, 0);
    attr.writeBigUInt64LE(this.#key.address, 8);
    attr.writeBigUInt64LE(this.#value.address, 16);
  }

  /** @returns a descriptor for the process, which survives reuse of its number; undefined if it is gone */
  pidfdOpen(pid: number): number | undefined {
    const fd = Number(this.#syscall(this.#numbers.pidfdOpen, pid, null, 0));
    return fd < 0 ? undefined : fd;
  }

  close(fd: number): void {
    try {
      fs.closeSync(fd);
    } catch {
      // EBADF: closed already.
    }
  }
}
