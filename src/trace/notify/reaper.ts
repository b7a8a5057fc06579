// As sub-reaper this process inherits the command's orphans, so that it may read their memory (Yama). Their ends must be
// collected, or a build with many daemons fills the process table; but never those of children that Node waits for.
import type { Libc } from "../ffi.ts";

const WNOHANG = 1;

export class Reaper {
  /** Ended, and not yet collected by a parent of their own, which may end before it does. */
  readonly #ended = new Set<number>();
  readonly #waitpid: (pid: number, status: number, options: number) => number;
  readonly #kill: (pid: number, signal: number) => number;

  constructor(libc: Libc) {
    this.#waitpid = libc.func("int waitpid(int, size_t, int)");
    this.#kill = libc.func("int kill(int, int)");
  }

  /** @param ended processes of the run, without the command itself: the spawner waits for that */
  reap(ended: Iterable<number>): void {
    for (const pid of ended) this.#ended.add(pid);
    for (const pid of this.#ended)
      // Not our child yet: as long as it is there as a zombie, it can become one.
      if (this.#waitpid(pid, 0, WNOHANG) === pid || this.#kill(pid, 0) !== 0) this.#ended.delete(pid);
  }
}
