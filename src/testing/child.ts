// A program of ours in a process of its own: TypeScript is bundled first, because Node 20 does not run it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

export interface Child {
  run(...args: readonly string[]): Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
  [Symbol.dispose](): void;
}

/** @param entry a TypeScript file of ours, bundled once: Node 20 does not run TypeScript */
export async function childOf(entry: string): Promise<Child> {
  // Inside the repository, so that packages left outside the bundle are found.
  const folder = mkdtempSync(join("node_modules", ".child-"));
  const outfile = join(folder, "child.mjs");
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    packages: "external",
    logLevel: "error",
  });
  return {
    run: (...args) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [outfile, ...args], { stdio: ["ignore", "pipe", "pipe"] });
        const texts = { stdout: "", stderr: "" };
        child.stdout.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()));
        child.stderr.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()));
        child.once("error", reject);
        child.once("close", (code, signal) => resolve({ code, signal, ...texts }));
      }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
