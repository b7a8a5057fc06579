// One lock for all that reads or writes a credential folder: flock(2), because the kernel drops it with its process. A lock
// file with a time or a pid in it needs a guess about when its owner is dead; here there is nothing to guess
// (docs/decisions/0060-flock.md). Node has no flock: a one-shot command lets flock(1) take it on our descriptor (3 ms; the
// lock belongs to the open file, which we keep); a server calls the C library (16 ms to load, then 1 us).
import { spawn } from "node:child_process";
import fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ForegoneError } from "../core/errors.ts";

export interface Lock {
  /** False once the lock file was replaced: somebody else may hold the new one. Asked before what cannot be undone. */
  holds(): boolean;
  release(): void;
}

/** Tries to lock a descriptor until the deadline. */
export type TakeFlock = (fd: number, timeoutMs: number) => Promise<boolean>;

/**
 * @param path created 0600 if it is not there
 * @throws ForegoneError E_LOCKED after `timeoutMs`
 */
export async function takeLock(path: string, flock: TakeFlock, timeoutMs: number): Promise<Lock> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
  const fd = fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  const lock: Lock = {
    holds() {
      const now = fs.statSync(path, { throwIfNoEntry: false });
      return now !== undefined && now.ino === fs.fstatSync(fd).ino;
    },
    release: () => fs.closeSync(fd),
  };
  try {
    if (!(await flock(fd, timeoutMs)))
      throw new ForegoneError("E_LOCKED", `another process has held ${path} for ${timeoutMs / 1000} s`, {
        hint: `see who: fuser -v ${path}`,
      });
    if (!lock.holds()) throw new ForegoneError("E_LOCKED", `${path} was replaced while we waited for it`);
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** @param many a server, which loads the C library once; else one command, which does not */
export async function chooseFlock(many: boolean): Promise<TakeFlock> {
  const byLibrary = many ? await loadFlock() : undefined;
  return byLibrary ?? byProgram;
}

const byProgram: TakeFlock = async (fd, timeoutMs) => {
  const child = spawn("flock", ["-x", "-w", String(timeoutMs / 1000), "3"], {
    stdio: ["ignore", "ignore", "ignore", fd],
  });
  const status = await new Promise<number | undefined>((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("close", (code) => resolve(code ?? 1));
  });
  if (status !== undefined) return status === 0;
  const byLibrary = await loadFlock();
  if (byLibrary !== undefined) return byLibrary(fd, timeoutMs);
  throw new ForegoneError("E_STORE", "this machine offers no flock: neither flock(1) nor the C library's", {
    hint: "install util-linux",
  });
};

async function loadFlock(): Promise<TakeFlock | undefined> {
  let flock: (fd: number, operation: number) => number;
  try {
    flock = (await import("koffi")).default.load(null).func("int flock(int, int)");
  } catch {
    return undefined;
  }
  const exclusiveWithoutWaiting = 2 | 4;
  return async (fd, timeoutMs) => {
    const deadline = performance.now() + timeoutMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(20, pauseMs * 2)) {
      if (flock(fd, exclusiveWithoutWaiting) === 0) return true;
      if (performance.now() >= deadline) return false;
      await delay(pauseMs);
    }
  };
}
