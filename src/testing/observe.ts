// The unprivileged observer in a process of its own, as another uid: an Observer like the real one, for the same contract.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import type { NotifyOptions } from "../trace/notify/observer.ts";
import type { Observed, Observer } from "../trace/observer.ts";
import type { ObserveMessage, ObserveRequest } from "./observe-main.ts";

export interface ObserveOptions extends NotifyOptions {
  readonly uid?: number;
  readonly onProcess?: (child: ChildProcess) => void;
}

export class ObserveProgram {
  readonly file: string;
  readonly #folder: string;

  /** Built into node_modules, so that koffi is found; anybody may run it. */
  static async build(): Promise<ObserveProgram> {
    const folder = join(process.cwd(), mkdtempSync(join("node_modules", ".observe-")));
    chmodSync(folder, 0o755);
    const program = new ObserveProgram(folder);
    await build({
      entryPoints: ["src/testing/observe-main.ts"],
      outfile: program.file,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20.19",
      packages: "external",
      logLevel: "warning",
    });
    cpSync("src/trace/notify/notify-worker.js", join(folder, "notify-worker.js"));
    return program;
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.file = join(folder, "observe-main.js");
  }

  argv(request: ObserveRequest): [string, string, string] {
    return [process.execPath, this.file, JSON.stringify(request)];
  }

  /** @throws Error with what it printed if it ended without a result */
  observer({ uid, onProcess, ...options }: ObserveOptions = {}): Observer {
    return {
      name: "notify",
      run: async (command) => {
        const { argv, cwd, env, signal } = command;
        const [file, ...args] = this.argv({ argv, cwd, env, ...options });
        const child = spawn(file, args, {
          ...(uid !== undefined && { uid, gid: uid }),
          stdio: ["pipe", "pipe", "pipe"],
        });
        onProcess?.(child);
        let stderr = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        child.stdin.on("error", () => undefined);
        signal?.addEventListener("abort", () => void child.stdin.write("abort\n"), { once: true });
        let observed: Observed | undefined;
        for await (const line of createInterface({ input: child.stdout })) {
          const message = JSON.parse(line) as ObserveMessage;
          if ("event" in message) command.onEvent(withBytes(message.event));
          else if ("output" in message) command.onOutput(message.output, Buffer.from(message.latin1, "latin1"));
          else if ("notice" in message) command.onNotice?.(message.notice);
          else if ("started" in message) command.onStarted?.(message.started);
          else observed = message.observed;
        }
        if (observed === undefined) throw new Error(`the observer ended: ${stderr}`);
        return observed;
      },
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** JSON makes {"0":1,"1":2} of a Uint8Array. */
function withBytes<E extends object>(event: E): E {
  if (!("address" in event)) return event;
  return { ...event, address: new Uint8Array(Object.values(event.address as Record<string, number>)) };
}
