// Starts the command under observation: stdin closed, stdout and stderr through real pipes. Node's own "pipe" is a socket
// pair, and a socket cannot be opened again as /dev/stdout, which scripts do.
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import { constants } from "node:os";
import type { Libc } from "./ffi.ts";
import type { ObservedCommand, ObservedExit } from "./observer.ts";

const O_CLOEXEC = 0o2000000;

export interface Started {
  /** undefined: nothing was started, and `exit` says why. */
  readonly pid: number | undefined;
  readonly exit: Promise<ObservedExit>;
  /** Both pipes are at their end: nobody can write to them any more. */
  readonly drained: Promise<void>;
  /** Stops reading: what is written afterwards gets EPIPE once this process ends. */
  abandon(): void;
}

/** The child is forked before this returns, by the calling thread. */
export function startCommand(libc: Libc, command: ObservedCommand): Started {
  const [file, ...args] = command.argv;
  if (file === undefined) throw new TypeError("startCommand: empty argv");
  const out = makePipe(libc);
  const err = makePipe(libc);
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      cwd: command.cwd,
      env: command.env,
      argv0: file,
      stdio: ["ignore", out.write, err.write],
    });
  } finally {
    fs.closeSync(out.write);
    fs.closeSync(err.write);
  }
  if (child.pid !== undefined) command.onStarted?.(child.pid);
  const readers = [forward(out.read, "stdout", command), forward(err.read, "stderr", command)];
  const exit = new Promise<ObservedExit>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ kind: "not-started", errno: error.code ?? "EIO" });
    });
    child.once("exit", (code, signal) => {
      if (code !== null) resolve({ kind: "exited", code });
      else resolve({ kind: "signalled", signal: signal ?? "SIGKILL", number: constants.signals[signal ?? "SIGKILL"] });
    });
  });
  const abort = (): void => void child.kill("SIGTERM");
  if (command.signal?.aborted === true) abort();
  command.signal?.addEventListener("abort", abort, { once: true });
  return {
    pid: child.pid,
    exit: exit.finally(() => command.signal?.removeEventListener("abort", abort)),
    drained: Promise.all(readers.map((r) => r.ended)).then(() => undefined),
    abandon: () => {
      for (const { socket } of readers) socket.unref();
    },
  };
}

function forward(fd: number, stream: "stdout" | "stderr", command: ObservedCommand) {
  const socket = new net.Socket({ fd, readable: true, writable: false });
  socket.on("data", (bytes) => command.onOutput(stream, bytes));
  // EIO and the like end the stream as its end does.
  socket.on("error", () => socket.destroy());
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  return { socket, ended };
}

function makePipe(libc: Libc): { read: number; write: number } {
  const memory = libc.alloc(8);
  try {
    const pipe2 = libc.func("int pipe2(void*, int)");
    if (pipe2(memory.pointer, O_CLOEXEC) !== 0) throw new Error(`pipe2: errno ${libc.errno()}`);
    return { read: memory.bytes.readInt32LE(0), write: memory.bytes.readInt32LE(4) };
  } finally {
    libc.free(memory);
  }
}
