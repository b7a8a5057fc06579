// What the supervisor looks up on behalf of a stopped process: where it stands, what is at a path just now. It never
// blocks on anything but procfs and the file system, and it opens nothing that belongs to the command.
import type { Bytes } from "../event.ts";
import type { Libc } from "../ffi.ts";

const PATH_MAX = 4096;
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const ENOENT = 2;
const ENOTDIR = 20;
/** STATX_TYPE | MODE | UID | INO */
const STATX_MASK = 0x1 | 0x2 | 0x8 | 0x100;

export interface Here {
  /** st_mode; 0 if nobody could say. */
  readonly mode: number;
  readonly uid: number;
}

export interface World {
  /** Bytes of a symlink, of procfs above all; undefined if it cannot be read. */
  readlink(path: string): Bytes | undefined;
  /** @returns undefined: nothing is there. Errors other than that give mode 0. */
  statx(path: string, noFollow: boolean): Here | undefined;
  hasCapabilities(path: string): boolean;
  /** SOCK_* address of a descriptor of another process, by a duplicate of it; undefined if refused. */
  socketName(pid: number, fd: number): Uint8Array | undefined;
}

export function makeWorld(libc: Libc): World {
  const memory = libc.alloc(3 * PATH_MAX + 256);
  const { bytes } = memory;
  const path = Number(memory.address);
  const out = path + 2 * PATH_MAX;
  const view = new DataView(bytes.buffer, bytes.byteOffset + 2 * PATH_MAX);
  const readlink = libc.func("long readlink(size_t, size_t, size_t)");
  const statx = libc.func("int statx(int, size_t, int, uint, size_t)");
  const getxattr = libc.func("long getxattr(size_t, size_t, size_t, size_t)");
  const getsockname = libc.func("int getsockname(int, size_t, size_t)");
  const close = libc.func("int close(int)");
  const syscall = libc.func("long syscall(long, long, long, long)");

  // Two PATH_MAX of room: a base and a string. Longer is ENAMETOOLONG for us, and so "cannot say".
  const put = (text: string): boolean => {
    if (text.length >= 2 * PATH_MAX) return false;
    bytes.write(text, 0, "latin1");
    bytes[text.length] = 0;
    return true;
  };
  const XATTR = 3 * PATH_MAX;
  bytes.write("security.capability\0", XATTR, "latin1");

  return {
    readlink(link) {
      if (!put(link)) return undefined;
      const length = Number(readlink(path, out, PATH_MAX));
      return length < 0 ? undefined : (bytes.toString("latin1", 2 * PATH_MAX, 2 * PATH_MAX + length) as Bytes);
    },
    statx(text, noFollow) {
      if (!put(text)) return { mode: 0, uid: 0 };
      if (statx(AT_FDCWD, path, noFollow ? AT_SYMLINK_NOFOLLOW : 0, STATX_MASK, out) !== 0) {
        const errno = libc.errno();
        return errno === ENOENT || errno === ENOTDIR ? undefined : { mode: 0, uid: 0 };
      }
      return { mode: view.getUint16(28, true), uid: view.getUint32(20, true) };
    },
    hasCapabilities: (text) => put(text) && Number(getxattr(path, path + XATTR, 0, 0)) > 0,
    socketName(pid, fd) {
      const PIDFD_OPEN = 434;
      const PIDFD_GETFD = 438;
      const pidfd = Number(syscall(PIDFD_OPEN, pid, 0, 0));
      if (pidfd < 0) return undefined;
      const copy = Number(syscall(PIDFD_GETFD, pidfd, fd, 0));
      close(pidfd);
      if (copy < 0) return undefined;
      view.setUint32(PATH_MAX - 4, 128, true);
      const done = getsockname(copy, out, out + PATH_MAX - 4);
      const length = Math.min(128, view.getUint32(PATH_MAX - 4, true));
      close(copy);
      return done === 0 ? new Uint8Array(bytes.subarray(2 * PATH_MAX, 2 * PATH_MAX + length)) : undefined;
    },
  };
}
