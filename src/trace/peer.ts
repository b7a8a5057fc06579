// Who is at the other end of a unix socket, as the kernel says (SO_PEERCRED): no process can claim to be another user.
import type { Socket } from "node:net";
import type { Libc } from "./ffi.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

export interface Peer {
  readonly pid: number;
  readonly uid: number;
}

/** @returns undefined if it cannot be known, which is a refusal: Node does not publish the descriptor by contract */
export function peerOf(libc: Libc, socket: Socket): Peer | undefined {
  const fd = (socket as Socket & { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  const getsockopt = libc.func("int getsockopt(int, int, int, void*, void*)");
  // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
  const credentials = libc.alloc(16);
  const length = libc.alloc(8);
  length.bytes.writeUInt32LE(12, 0);
  try {
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials.pointer, length.pointer) !== 0) return undefined;
    return { pid: credentials.bytes.readInt32LE(0), uid: credentials.bytes.readUInt32LE(4) };
  } finally {
    libc.free(credentials);
    libc.free(length);
  }
}
