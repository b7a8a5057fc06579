// A program of ours in a process of its own: TypeScript is bundled first, because Node 20 does not run it.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  /** The whole environment; default: this process's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string | Buffer;
  /** Further descriptors, from 3 on. */
  readonly descriptors?: readonly number[];
  /** As another user: only root can. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface Child {
  /** What it is started with, after the path of Node. */
  readonly file: string;
  run(...args: readonly string[]): Promise<Finished>;
  runWith(options: StartOptions, ...args: readonly string[]): Promise<Finished>;
  /** Running, with pipes. */
  start(options: StartOptions, ...args: readonly string[]): ChildProcessWithoutNullStreams;
  [Symbol.dispose](): void;
}

/** @param entry a TypeScript file of ours, bundled once: Node 20 does not run TypeScript */
export async function childOf(entry: string): Promise<Child> {
  // Inside the repository, so that packages left outside the bundle are found.
  const folder = mkdtempSync(resolve("node_modules", ".child-"));
  // A child may be another user.
  chmodSync(folder, 0o755);
  await build({
    entryPoints: { child: entry },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    packages: "external",
    logLevel: "error",
  });
  const file = join(folder, "child.mjs");
  const start = (
    { env, cwd, descriptors = [], uid, gid }: StartOptions,
    args: readonly string[],
  ): ChildProcessWithoutNullStreams =>
    spawn(process.execPath, [file, ...args], {
      ...(env && { env }),
      ...(cwd !== undefined && { cwd }),
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
      stdio: ["pipe", "pipe", "pipe", ...descriptors],
    }) as ChildProcessWithoutNullStreams;
  const runWith = (options: StartOptions, ...args: readonly string[]): Promise<Finished> =>
    new Promise((done, reject) => {
      const child = start(options, args);
      const texts = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()));
      // It may end without reading.
      child.stdin.on("error", () => undefined).end(options.stdin ?? "");
      child.once("error", reject);
      child.once("close", (code, signal) => done({ code, signal, ...texts }));
    });
  return {
    file,
    runWith,
    run: (...args) => runWith({}, ...args),
    start: (options, ...args) => start(options, args),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
