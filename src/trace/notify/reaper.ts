// As sub-reaper this process inherits the command's orphans, so that it may read their memory (Yama). Their ends must be
// collected, or a build with many daemons fills the process table; but never those of children that Node waits for.
import type { Libc } from "../ffi.ts";
import type { Processes } from "./processes.ts";

const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
/** offsetof(siginfo_t, si_pid), 64-bit. */
const SI_PID = 16;

export class Reaper {
  readonly #processes: Processes;
  readonly #memory;
  readonly #waitid: (type: number, id: number, info: number, options: number) => number;
  readonly #waitpid: (pid: number, status: number, options: number) => number;

  constructor(libc: Libc, processes: Processes) {
    this.#processes = processes;
    this.#memory = libc.alloc(256);
    this.#waitid = libc.func("int waitid(int, uint, size_t, int)");
    this.#waitpid = libc.func("int waitpid(int, size_t, int)");
  }

  reap(): void {
    const info = Number(this.#memory.address);
    for (let i = 0; i < 64; i++) {
      this.#memory.bytes.fill(0);
      if (this.#waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return;
      const pid = this.#memory.bytes.readInt32LE(SI_PID);
      if (pid === 0 || pid === this.#processes.command || !this.#processes.has(pid)) return;
      this.#waitpid(pid, 0, WNOHANG);
    }
  }
}
