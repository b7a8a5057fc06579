// git as a child that may talk to a server: with a deadline, and no question to anybody.
import { spawn } from "node:child_process";

export interface GitProcessOptions {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly stdin?: Uint8Array;
}

/**
 * @param prefix options before the command: settings that must hold whatever the repository says
 * @returns runs git; never throws: `status` is null if it did not start, was killed at its deadline, or said more than `maxBytes`
 */
export function gitProcess(cwd: string, env: Readonly<Record<string, string>>, prefix: readonly string[]) {
  return (
    args: readonly string[],
    { timeoutMs, maxBytes, stdin }: GitProcessOptions,
  ): Promise<{ readonly status: number | null; readonly stdout: Uint8Array }> =>
    new Promise((done) => {
      const child = spawn("git", [...prefix, ...args], { cwd, env, stdio: ["pipe", "pipe", "ignore"], detached: true });
      const pieces: Buffer[] = [];
      let size = 0;
      // Its helpers (git-remote-https) go with it: they are of its group.
      const kill = (): void => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
        } catch {
          // It has just ended.
        }
      };
      const timer = setTimeout(kill, timeoutMs);
      child.stdout.on("data", (piece: Buffer) => {
        size += piece.length;
        if (size > maxBytes) kill();
        else pieces.push(piece);
      });
      child.stdin.on("error", () => undefined).end(stdin ?? "");
      const end = (status: number | null): void => {
        clearTimeout(timer);
        done({ status, stdout: Buffer.concat(pieces) });
      };
      child.once("error", () => end(null));
      child.once("close", (status) => end(status));
    });
}
