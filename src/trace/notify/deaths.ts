// Tells which processes have ended, however they did, before their numbers can come round again: by one epoll over a pidfd of
// each. A number that is remembered too long would give a new process the name of an old one.
import type { Libc } from "../ffi.ts";

const EPOLL_CTL_ADD = 1;
const EPOLL_CLOEXEC = 0o2_000_000;
const EPOLLIN = 1;
const PIDFD_OPEN = 434;
const AT_ONCE = 64;

export class Deaths {
  readonly #epoll: number;
  readonly #memory;
  /** struct epoll_event is packed on x86-64 alone. */
  readonly #step = process.arch === "x64" ? 12 : 16;
  readonly #pidfds = new Map<number, number>();
  readonly #epollCtl: (epoll: number, op: number, fd: number, event: unknown) => number;
  readonly #epollWait: (epoll: number, events: unknown, most: number, timeoutMs: number) => number;
  readonly #syscall: (nr: number, pid: number, flags: number) => number | bigint;
  readonly #close: (fd: number) => number;

  constructor(libc: Libc) {
    this.#memory = libc.alloc(AT_ONCE * 16);
    this.#epoll = libc.func("int epoll_create1(int)")(EPOLL_CLOEXEC) as number;
    this.#epollCtl = libc.func("int epoll_ctl(int, int, int, void*)");
    this.#epollWait = libc.func("int epoll_wait(int, void*, int, int)");
    this.#syscall = libc.func("long syscall(long, long, long)");
    this.#close = libc.func("int close(int)");
  }

  /** Without descriptors left, nobody is watched: then an old name can only be given to a new process after 32,768 forks. */
  watch(pid: number): void {
    const pidfd = Number(this.#syscall(PIDFD_OPEN, pid, 0));
    if (pidfd < 0) return;
    const { bytes, pointer } = this.#memory;
    bytes.fill(0, 0, 16);
    bytes.writeUInt32LE(EPOLLIN, 0);
    bytes.writeUInt32LE(pid, this.#step - 8);
    this.#epollCtl(this.#epoll, EPOLL_CTL_ADD, pidfd, pointer);
    this.#pidfds.set(pid, pidfd);
  }

  /** Those that have ended since the last call. */
  take(): number[] {
    const dead: number[] = [];
    for (;;) {
      const count = this.#epollWait(this.#epoll, this.#memory.pointer, AT_ONCE, 0);
      for (let i = 0; i < count; i++) dead.push(this.#memory.bytes.readUInt32LE(i * this.#step + this.#step - 8));
      for (const pid of dead.slice(-Math.max(0, count))) {
        this.#close(this.#pidfds.get(pid) ?? -1);
        this.#pidfds.delete(pid);
      }
      if (count < AT_ONCE) return dead;
    }
  }
}
