// A libc whose bpf(2) fails when it is told to: what a kernel without rights, memory or the program's features does.
import type { Libc } from "../trace/ffi.ts";

const BPF_NUMBERS: readonly number[] = [321, 280];

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
