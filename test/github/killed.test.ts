// Processes that share one store and are killed at any moment: what they leave is read right, or not at all.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { deriveKeys } from "../../src/github/seal.ts";
import { diskStore } from "../../src/store/disk.ts";
import { openFolder } from "../../src/store/folder.ts";
import { diskEffects } from "../../src/testing/disk-folder.ts";
import { testEngine } from "../../src/testing/github-engine.ts";
import { temporaryFolder } from "../../src/testing/temporary-folder.ts";

const PATHS = 20;
const keys = deriveKeys(new Uint8Array(32).fill(9), "killed");

/** Reads changing bodies as fast as it can; says a line after each round. */
const WRITER = `
import { deriveKeys } from "./src/github/seal.ts";
import { diskStore } from "./src/store/disk.ts";
import { openFolder } from "./src/store/folder.ts";
import { diskEffects } from "./src/testing/disk-effects.ts";
import { testEngine } from "./src/testing/github-engine.ts";
const [folder, name] = process.argv.slice(2);
const keys = deriveKeys(new Uint8Array(32).fill(9), "killed");
const t = testEngine({ store: diskStore(openFolder(diskEffects, folder)), keys });
for (let round = 0; ; round++) {
  for (let i = 0; i < ${PATHS}; i++) {
    t.table.set("/repos/o/r" + i, { path: i, by: name, round, pad: "x".repeat(i * 500) });
    await t.ask("/repos/o/r" + i, name + round);
  }
  process.stdout.write("round\\n");
  if (round % 3 === 0) await t.engine.flush();
}
`;

test(
  "kill -9 while two processes write to one store: all that is served afterwards is GitHub's",
  { timeout: 60_000 },
  async () => {
    const folder = temporaryFolder();
    const script = join(folder, "writer.mjs");
    await build({
      stdin: { contents: WRITER, resolveDir: process.cwd(), loader: "ts" },
      outfile: script,
      bundle: true,
      platform: "node",
      format: "esm",
      banner: { js: 'import{createRequire as r}from"node:module";const require=r(import.meta.url);' },
      logLevel: "error",
    });
    const store = join(folder, "store");
    for (let life = 0; life < 6; life++) {
      const writers = ["a", "b"].map((name) =>
        spawn(process.execPath, [script, store, `${name}${life}`], { stdio: ["ignore", "pipe", "inherit"] }),
      );
      // Each life ends a little later than the one before, so in the middle of something else.
      await Promise.all(writers.map((writer) => wrote(writer, life + 1)));
      for (let spin = 0; spin < life * 7; spin++) await new Promise((resolve) => setImmediate(resolve));
      const ended = writers.map((writer) => new Promise((resolve) => writer.once("close", resolve)));
      for (const writer of writers) writer.kill("SIGKILL");
      await Promise.all(ended);
    }
    const t = testEngine({ store: diskStore(openFolder(diskEffects, store)), keys });
    let known = 0;
    for (let i = 0; i < PATHS; i++) {
      t.table.set(`/repos/o/r${i}`, { path: i, truth: true });
      const answer = await t.ask(`/repos/o/r${i}`, "reader");
      expect(answer.text).toBe(`{"path":${i},"truth":true}`);
      if (answer.mode === "CHANGED") known++;
    }
    // and it did keep things: the reader had candidates to ask about
    expect(known).toBeGreaterThan(PATHS / 2);
  },
);

/** Resolves when it has read each path so many times. */
function wrote(writer: ChildProcess, rounds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    writer.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk.toString().split("\n").length - 1;
      if (seen >= rounds) resolve();
    });
    writer.once("exit", () => reject(new Error("the writer ended by itself")));
  });
}
