// Can this machine's kernel and sandbox do it? Asked without installing anything: a filter can never be taken off again.
import type { Libc } from "../ffi.ts";
import { remoteMemory } from "./remote.ts";
import { SECCOMP } from "./spawner.ts";

const GET_ACTION_AVAIL = 2;
const RET_USER_NOTIF = 0x7fc0_0000;
const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM",
  13: "EACCES",
  22: "EINVAL",
  38: "ENOSYS",
  95: "EOPNOTSUPP",
};
/** SECCOMP_USER_NOTIF_FLAG_CONTINUE. */
const LEAST_KERNEL = [5, 5] as const;

/** @param release as of uname @returns undefined if it is available */
export function notifyRefusal(
  libc: Libc,
  release: string,
  arch: NodeJS.Architecture = process.arch,
): string | undefined {
  // arm64 has a filter, but other open(2) flags, and nobody has run the torture matrix there: what is unproven does not observe.
  if (arch !== "x64") return `not proven on ${arch}`;
  const [major = 0, minor = 0] = release.split(".").map((part) => Number.parseInt(part, 10));
  if (major < LEAST_KERNEL[0] || (major === LEAST_KERNEL[0] && minor < LEAST_KERNEL[1]))
    return `kernel ${major}.${minor} is older than ${LEAST_KERNEL.join(".")}`;
  const action = libc.alloc(8);
  action.bytes.writeUInt32LE(RET_USER_NOTIF, 0);
  const syscall = libc.func("long syscall(long, long, long, void*)");
  const done = Number(syscall(SECCOMP[arch] ?? -1, GET_ACTION_AVAIL, 0, action.pointer));
  const errno = libc.errno();
  libc.free(action);
  if (done !== 0) return `seccomp: ${ERRNO[errno] ?? errno}`;
  const probe = libc.alloc(8);
  try {
    // Some sandboxes forbid to read another process; they forbid to read one's own in that way too.
    probe.bytes.write("probe\0");
    if (remoteMemory(libc).string(process.pid, Number(probe.address)) !== "probe") return "process_vm_readv misreads";
  } catch {
    return "process_vm_readv is forbidden";
  } finally {
    libc.free(probe);
  }
  return undefined;
}
