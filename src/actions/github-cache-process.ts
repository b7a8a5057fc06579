// The daemon as main and post see it: alive or not, and how it is ended.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const SOCKETS = { api: "api.sock", agent: "agent.sock" } as const;
/** Below the folder: the supervisor's pid. */
export const PID_FILE = "pid";

/** Whether a daemon of another step like ours lives in this folder. */
export function isRunning(folder: string): boolean {
  try {
    return isAlive(Number(readFileSync(join(folder, PID_FILE), "utf8"))) && existsSync(join(folder, SOCKETS.api));
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Answers in flight get 5 s, and the rest is slack. */
const END_MS = 8000;

/** Resolves when it is gone: asked first, then killed with all of its group. */
export async function endDaemon(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, "SIGTERM");
  const until = performance.now() + END_MS;
  while (isAlive(pid) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is empty: it ended by itself.
  }
}
