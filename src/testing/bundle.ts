// TypeScript as a program that plain node can start: for tests whose subject is a process of its own.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

/** @param code the entry module; its imports are relative to the repository. @returns path of an .mjs file, gone at exit */
export async function bundle(code: string): Promise<string> {
  // Inside the repository, so that packages left outside the bundle are still found.
  const folder = mkdtempSync(join(resolve("node_modules"), ".test-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, "program.mjs");
  await build({
    stdin: { contents: code, resolveDir: resolve("."), loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    packages: "external",
    logLevel: "error",
  });
  // A worker thread starts from a file of its own beside the program.
  cpSync("src/trace/notify/notify-worker.js", join(folder, "notify-worker.js"));
  return outfile;
}

/** The whole command line, as bin/foregone starts it. */
export const CLI = `
  import { main } from "./src/cli/main.ts";
  const { stdin, stdout, stderr, env } = process;
  process.exitCode = await main(process.argv.slice(2), { cwd: process.cwd(), env, stdin, stdout, stderr });
`;
