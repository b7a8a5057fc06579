// A libc whose bpf(2) fails when it is told to: what a kernel without rights, memory or the program's features does.
import type { Libc } from "../trace/ffi.ts";

const BPF_NUMBERS: readonly number[] = [321, 280];

const PROGRAM_RUN = 10;
/** Of `retval` in union bpf_attr. */
const RETURNED_AT = 4;

/** A libc with which the loader program runs, and ends with an error: what a call inside it met. @param fail an errno, or undefined */
export function failingLoader(libc: Libc, fail: () => number | undefined): Libc {
  return {
    ...libc,
    func(declaration) {
      const real = libc.func(declaration);
      if (!declaration.startsWith("long syscall")) return real;
      return (nr: number, command: number, attr: unknown, size: number) => {
        const errno = BPF_NUMBERS.includes(nr) && command === PROGRAM_RUN ? fail() : undefined;
        if (errno === undefined) return real(nr, command, attr, size) as unknown;
        Buffer.from(libc.view(attr, size)).writeInt32LE(-errno, RETURNED_AT);
        return 0;
      };
    },
  };
}

/** @param fail by bpf command number; an errno, or undefined to let it through */
export function failingBpf(libc: Libc, fail: (command: number) => number | undefined): Libc {
  let injected = 0;
  return {
    ...libc,
    func(declaration) {
      const real = libc.func(declaration);
      if (!declaration.startsWith("long syscall")) return real;
      return (nr: number, command: number, ...rest: readonly unknown[]) => {
        injected = (BPF_NUMBERS.includes(nr) ? fail(command) : undefined) ?? 0;
        return injected === 0 ? (real(nr, command, ...rest) as unknown) : -1;
      };
    },
    errno: () => (injected === 0 ? libc.errno() : injected),
  };
}
