// A pipe for one output stream of the command. A real pipe, not the socket pair that Node would make: programs open
// /dev/stdout, and what is a pipe in a shell must be one here.
import fs from "node:fs";
import net from "node:net";
import type { Libc } from "../ffi.ts";

const O_CLOEXEC = 0o2_000_000;
const FIONREAD = 0x541b;

export class OutputPipe {
  /** The command's end, until `started`. */
  readonly writeFd: number;
  readonly #readFd: number;
  readonly #socket: net.Socket;
  readonly #pending: () => number;
  #open = true;
  #ended = false;

  constructor(libc: Libc, onBytes: (bytes: Uint8Array) => void) {
    const memory = libc.alloc(16);
    const pipe2 = libc.func("int pipe2(void*, int)");
    if (pipe2(memory.pointer, O_CLOEXEC) !== 0) throw new Error(`pipe2: errno ${libc.errno()}`);
    this.#readFd = memory.bytes.readInt32LE(0);
    this.writeFd = memory.bytes.readInt32LE(4);
    const ioctl = libc.func("int ioctl(int, ulong, void*)");
    this.#pending = () => (ioctl(this.#readFd, FIONREAD, memory.pointer) === 0 ? memory.bytes.readInt32LE(0) : 0);
    this.#socket = new net.Socket({ fd: this.#readFd, readable: true, writable: false });
    this.#socket.on("data", onBytes);
    this.#socket.on("error", () => (this.#ended = true));
    this.#socket.on("close", () => (this.#ended = true));
  }

  /** The command has its copy of the descriptor, or will never have one. */
  started(): void {
    if (this.#open) fs.closeSync(this.writeFd);
    this.#open = false;
  }

  /** All that was written before the call has been handed on. Not the end: what the command leaves running may hold it open. */
  async drained(): Promise<void> {
    while (!this.#ended && this.#pending() > 0) await new Promise(setImmediate);
    // What was just read is handed on in the turn that reads it.
    await new Promise(setImmediate);
  }

  close(): void {
    this.started();
    this.#socket.destroy();
  }
}
