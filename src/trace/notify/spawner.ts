// Installs the filter on this thread, for ever, and starts the command from it: so the command has it and nobody else
// does. The kernel's price without CAP_SYS_ADMIN is NO_NEW_PRIVS; with it, setuid programs inside work as always.
import type { Libc } from "../ffi.ts";
import { type FilterAbi, filterProgram } from "./filter.ts";
import { startCommand } from "../spawn.ts";
import { type FromSpawner, SLOT, type WorkerStart } from "./protocol.ts";

const SET_MODE_FILTER = 1;
/** We are no sandbox: without it, kernels before 5.16 switch off speculation for the whole command. */
const SPEC_ALLOW = 1 << 2;
const NEW_LISTENER = 1 << 3;
/** Only a fatal signal interrupts a call that we look at (Linux 5.19): else each SIGPROF makes it start over. */
const WAIT_KILLABLE = 1 << 5;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_SET_NO_NEW_PRIVS = 38;
const EACCES = 13;
const EINVAL = 22;
const ECANCELED = 125;
/** Number of seccomp(2), by `process.arch`. */
export const SECCOMP: Readonly<Record<string, number>> = { x64: 317, arm64: 277 };
const SUPERVISOR_WAIT_MS = 10_000;

type Start = Extract<WorkerStart, { role: "spawner" }>;

export async function spawnFiltered(
  libc: Libc,
  abis: readonly FilterAbi[],
  start: Start,
  post: (message: FromSpawner) => void,
): Promise<void> {
  const { slots, argv, cwd, env } = start;
  const listener = abis.length === 0 ? -EINVAL : installWhenSupervised(libc, abis, slots);
  Atomics.store(slots, SLOT.listener, listener < 0 ? listener : listener + 1);
  Atomics.notify(slots, SLOT.listener);
  post({ kind: "filter", listener: listener < 0 ? undefined : listener, errno: Math.max(0, -listener) });
  const from = performance.now();
  const started = startCommand(libc, {
    argv,
    cwd,
    env,
    onOutput: (stream, bytes) => post({ kind: "output", stream, bytes }),
    onEvent: () => undefined,
  });
  if (started.pid !== undefined) post({ kind: "spawned", pid: started.pid });
  post({ kind: "ended", exit: await started.exit, durationMs: performance.now() - from });
  await started.drained;
  post({ kind: "drained" });
}

/** @returns the listener, or a negative errno: then the command runs unobserved */
function installWhenSupervised(libc: Libc, abis: readonly FilterAbi[], slots: Int32Array): number {
  Atomics.wait(slots, SLOT.supervising, 0, SUPERVISOR_WAIT_MS);
  if (Atomics.load(slots, SLOT.supervising) !== 1) return -ECANCELED;
  const program = filterProgram(abis);
  const code = libc.alloc(program.length);
  code.bytes.set(program);
  // struct sock_fprog: unsigned short len; struct sock_filter *filter.
  const fprog = libc.alloc(16);
  fprog.bytes.writeUInt16LE(program.length / 8, 0);
  fprog.bytes.writeBigUInt64LE(code.address, 8);
  const prctl = libc.func("int prctl(int, ulong, ulong, ulong, ulong)");
  const syscall = libc.func("long syscall(long, long, long, void*)");
  const seccomp = (flags: number): number => {
    const fd = Number(syscall(SECCOMP[process.arch] ?? -1, SET_MODE_FILTER, flags, fprog.pointer));
    return fd < 0 ? -libc.errno() : fd;
  };
  const install = (): number => {
    const fd = seccomp(NEW_LISTENER | SPEC_ALLOW | WAIT_KILLABLE);
    return fd === -EINVAL ? seccomp(NEW_LISTENER | SPEC_ALLOW) : fd;
  };
  // Of the process, not of the thread: orphans of the command become our children, and so stay readable (Yama).
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const fd = install();
  if (fd !== -EACCES) return fd;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  Atomics.store(slots, SLOT.frozen, 1);
  return install();
}
