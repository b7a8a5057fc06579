// Memory of a stopped process. Whatever is read counts only if the answer to its notification is accepted afterwards:
// the kernel refuses it (ENOENT) once the process is gone, so a reused pid is never believed.
import type { Bytes } from "../event.ts";
import type { Libc } from "../ffi.ts";

const PAGE = 4096;
/** PATH_MAX with its NUL: longer strings are ENAMETOOLONG before the kernel looks at anything. */
const PATH_MAX = 4096;
/** Nearly all paths fit; copying a whole page each time costs more than a second call now and then. */
const FIRST_READ = 256;

/** Nobody could read: the process may have looked at anything. */
export class Unread extends Error {}

export interface RemoteMemory {
  /**
   * A NUL-terminated string.
   * @returns undefined for a null pointer, and for what the kernel itself refuses as too long
   * @throws Unread
   */
  string(pid: number, address: number, limit?: number): Bytes | undefined;
  /** Exactly `length` bytes (<= 4,096), valid until the next call. @throws Unread */
  bytes(pid: number, address: number, length: number): Buffer;
}

export function remoteMemory(libc: Libc): RemoteMemory {
  // Pointers as numbers: user addresses are below 2^53, and a BigInt for each costs more than the copy.
  const readv = libc.func("long process_vm_readv(int, size_t, ulong, size_t, ulong, ulong)");
  const text = libc.alloc(PATH_MAX);
  // Two iovecs: local, remote.
  const vectors = libc.alloc(32);
  const words = new Uint32Array(vectors.bytes.buffer, vectors.bytes.byteOffset, 8);
  const local = Number(text.address);
  const iovec = Number(vectors.address);

  const copy = (pid: number, from: number, offset: number, length: number): number => {
    const to = local + offset;
    words[0] = to % 2 ** 32;
    words[1] = to / 2 ** 32;
    words[2] = length;
    words[4] = from % 2 ** 32;
    words[5] = from / 2 ** 32;
    words[6] = length;
    return Number(readv(pid, iovec, 1, iovec + 16, 1, 0));
  };

  return {
    string(pid, address, limit = PATH_MAX) {
      if (address === 0) return undefined;
      let got = 0;
      let want = FIRST_READ;
      while (got < limit) {
        // Never across a page without need: the next one may not be mapped.
        const at = address + got;
        const length = Math.min(want, PAGE - (at % PAGE), limit - got);
        const read = copy(pid, at, got, length);
        if (read <= 0) throw new Unread(`string of ${pid}`);
        const end = text.bytes.subarray(0, got + read).indexOf(0, got);
        if (end >= 0) return text.bytes.toString("latin1", 0, end) as Bytes;
        got += read;
        want = PAGE;
      }
      return limit < PATH_MAX ? (text.bytes.toString("latin1", 0, got) as Bytes) : undefined;
    },
    bytes(pid, address, length) {
      let got = 0;
      while (got < length) {
        const read = copy(pid, address + got, got, length - got);
        if (read <= 0) throw new Unread(`memory of ${pid}`);
        got += read;
      }
      return text.bytes.subarray(0, length);
    },
  };
}
