// The kernel's end of the filter: waits for a stopped call, hands it over, answers it. Every answer is CONTINUE: the call
// goes on as if nobody had looked.
import type { Libc } from "../ffi.ts";
import { FLAG_CONTINUE, IOCTL, SYNC_WAKE_UP } from "./protocol.ts";

const NOTIFICATION_WORDS = 20;
const POLLIN = 1;
const POLLHUP = 16;

export type Waited = "asked" | "timeout" | "all gone";

export class Listener {
  #fd = -1;
  /** struct seccomp_notif. */
  readonly words: Uint32Array;
  readonly #response: Uint32Array;
  readonly #pollWords: Uint32Array;
  readonly #addresses: { readonly request: number; readonly response: number; readonly poll: number };
  readonly #poll: (fds: number, count: number, timeoutMs: number) => number;
  readonly #ioctl: (fd: number, request: number, argument: number) => number;

  constructor(libc: Libc) {
    const memory = libc.alloc(256);
    const at = Number(memory.address);
    const view = (offset: number, count: number): Uint32Array =>
      new Uint32Array(memory.bytes.buffer, memory.bytes.byteOffset + offset, count);
    this.words = view(0, NOTIFICATION_WORDS);
    this.#response = view(128, 6);
    this.#pollWords = view(192, 2);
    this.#addresses = { request: at, response: at + 128, poll: at + 192 };
    this.#poll = libc.func("int poll(size_t, ulong, int)");
    this.#ioctl = libc.func("int ioctl(int, ulong, size_t)");
    // Bound now: the first call of a function takes a lock that the spawning thread may hold while it waits for us.
    this.#poll(this.#addresses.poll, 0, 0);
    this.#ioctl(-1, 0, 0);
  }

  open(fd: number): void {
    this.#fd = fd;
    // We run at once where the asker stopped, instead of going through the run queue (Linux 6.6; refused before).
    this.#ioctl(this.#fd, IOCTL.setFlags, SYNC_WAKE_UP);
  }

  wait(timeoutMs: number): Waited {
    this.#pollWords[0] = this.#fd;
    this.#pollWords[1] = POLLIN;
    if (this.#poll(this.#addresses.poll, 1, timeoutMs) <= 0) return "timeout";
    const revents = (this.#pollWords[1] ?? 0) >>> 16;
    if ((revents & POLLIN) !== 0) return "asked";
    return (revents & POLLHUP) !== 0 ? "all gone" : "timeout";
  }

  /** @returns false: whoever asked was killed meanwhile */
  receive(): boolean {
    // The kernel refuses memory that is not zero.
    this.words.fill(0);
    return this.#ioctl(this.#fd, IOCTL.receive, this.#addresses.request) === 0;
  }

  /** @returns false: whoever asked is gone, or was interrupted and will ask again. Then nothing was done. */
  answer(): boolean {
    this.#response[0] = this.words[0] ?? 0;
    this.#response[1] = this.words[1] ?? 0;
    this.#response[5] = FLAG_CONTINUE;
    return this.#ioctl(this.#fd, IOCTL.send, this.#addresses.response) === 0;
  }
}
