// Runs GitHub's own clients against the double: see official.mjs.
import { spawn } from "node:child_process";
import { resolve } from "node:path";

export type OfficialResult = { readonly value?: unknown; readonly error?: string };

/**
 * @param env what the runner would put there; nothing of this process's environment but PATH
 * @param steps name and arguments of each: see official.mjs
 */
export function official(
  env: Readonly<Record<string, string>>,
  cwd: string,
  steps: readonly (readonly unknown[])[],
): Promise<{ readonly results: readonly OfficialResult[]; readonly log: string }> {
  const script = resolve("src/testing/actions/official.mjs");
  const child = spawn(process.execPath, [script, JSON.stringify(steps)], {
    cwd,
    // RUNNER_OS and a github.com server: else the client takes the host for GHES and speaks version 1.
    env: {
      PATH: process.env["PATH"],
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_WORKSPACE: cwd,
      RUNNER_TEMP: cwd,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  return new Promise((done, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      const line =
        log
          .trimEnd()
          .split("\n")
          .findLast((text) => text.startsWith("[{")) ?? "";
      if (line === "") return reject(new Error(`no result: ${log}`));
      done({ results: JSON.parse(line) as OfficialResult[], log });
    });
  });
}
