// Runs a command without observing it: where no observer works. What it ran may serve the very same tree, nothing else.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { ObservedExit, Observer } from "./observer.ts";

export const unobserved: Observer = {
  name: "none",
  run(command) {
    return new Promise((resolve) => {
      const [file, ...args] = command.argv;
      if (file === undefined) throw new TypeError("run: empty argv");
      const from = performance.now();
      const finish = (exit: ObservedExit): void =>
        resolve({ exit, seal: undefined, durationMs: performance.now() - from });
      const child = spawn(file, args, { cwd: command.cwd, env: command.env, stdio: ["ignore", "pipe", "pipe"] });
      if (child.pid !== undefined) command.onStarted?.(child.pid);
      child.stdout.on("data", (bytes: Buffer) => command.onOutput("stdout", bytes));
      child.stderr.on("data", (bytes: Buffer) => command.onOutput("stderr", bytes));
      child.on("error", (error: NodeJS.ErrnoException) => {
        if (child.pid === undefined) finish({ kind: "not-started", errno: error.code ?? "EIO" });
      });
      command.signal?.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
      // `close`, not `exit`: the last bytes may still be on their way.
      child.on("close", (code, signal) => finish(exitOf(code, signal)));
    });
  },
};

export function exitOf(code: number | null, signal: NodeJS.Signals | null): ObservedExit {
  if (signal !== null) return { kind: "signalled", signal, number: constants.signals[signal] };
  return { kind: "exited", code: code ?? 0 };
}
