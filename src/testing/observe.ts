// Runs commands under the unprivileged observer in a process of their own: as another uid, nested, or to be killed.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { ObservedReport } from "./observe-main.ts";

interface ObserveOptions {
  readonly cwd?: string;
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** For observe-main.ts. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Built into node_modules, so that koffi is found; `file` may be run by everybody. */
export class ObserveProgram {
  readonly #folder = mkdtempSync(join("node_modules", ".observe-"));
  readonly file = join(process.cwd(), this.#folder, "observe-main.js");

  static async build(): Promise<ObserveProgram> {
    const program = new ObserveProgram();
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
    cpSync("src/trace/notify/notify-worker.js", join(program.#folder, "notify-worker.js"));
    return program;
  }

  argv(command: readonly string[], settings: Readonly<Record<string, unknown>> = {}): string[] {
    return [process.execPath, this.file, JSON.stringify(settings), "--", ...command];
  }

  /** @throws Error with what it printed if it did not report */
  run(command: readonly string[], options: ObserveOptions = {}): Promise<ObservedReport> {
    const [file = "", ...args] = this.argv(command, options.settings);
    const { uid } = options;
    const child = spawn(file, args, {
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      ...(uid !== undefined && { uid, gid: uid }),
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    return new Promise((resolve, reject) => {
      child.on("close", (code) => {
        const line = output.stdout.trimEnd().split("\n").at(-1) ?? "";
        if (code === 0 && line.startsWith("{")) resolve(JSON.parse(line) as ObservedReport);
        else reject(new Error(`exit ${code}: ${output.stdout}${output.stderr}`));
      });
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
