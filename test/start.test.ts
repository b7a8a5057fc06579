// How fast a command starts is decided by what it loads: few modules, and no large package before it is needed.
import { build, type Metafile } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { cliBuild } from "../scripts/cli-build.mjs";

describe("the bundled CLI", () => {
  let outputs: Metafile["outputs"];
  beforeAll(async () => {
    ({
      metafile: { outputs },
    } = await build({ ...(await cliBuild()), outdir: "unused", write: false, metafile: true }));
  });

  /** What is loaded with these entry points, and nothing that they load later. */
  const loaded = (...entries: string[]): { chunks: number; modules: string[]; kilobytes: number } => {
    const files = new Set(Object.keys(outputs).filter((path) => entries.includes(outputs[path]?.entryPoint ?? "")));
    expect(files.size, "entry points that are bundled").toBe(entries.length);
    for (const path of files)
      for (const { kind, path: next, external } of outputs[path]?.imports ?? [])
        if (kind === "import-statement" && external !== true) files.add(next);
    const found = [...files].flatMap((path) => outputs[path] ?? []);
    return {
      chunks: found.length,
      modules: found.flatMap(({ inputs }) => Object.keys(inputs)),
      kilobytes: found.reduce((sum, { bytes }) => sum + bytes, 0) / 1000,
    };
  };
  const MAIN = "src/cli/main.ts";

  it("loads the table of commands alone to say its version or how it is used", () => {
    const { chunks, modules, kilobytes } = loaded(MAIN);
    expect(chunks).toBeLessThanOrEqual(5);
    expect(kilobytes).toBeLessThan(80);
    expect(modules.filter((path) => !/^src\/(?:cli|core)\//.test(path))).toEqual([]);
  });

  it.each([
    ["run", ["src/cli/commands/run.ts"], 20],
    ["check", ["src/cli/commands/check.ts"], 20],
    ["codeql check", ["src/cli/commands/codeql-check.ts"], 20],
    ["secrets get", ["src/cli/commands/secrets-get.ts"], 20],
    ["secrets exec", ["src/cli/commands/secrets-exec.ts"], 20],
  ])("%s starts with few modules and without a large package", (_, entries, most) => {
    const { chunks, modules, kilobytes } = loaded(MAIN, ...entries);
    expect(chunks).toBeLessThanOrEqual(most);
    expect(kilobytes).toBeLessThan(400);
    expect(modules.filter((path) => /node_modules\/(?:yaml|undici|ioredis|libp2p|jose|@libp2p)\//.test(path))).toEqual(
      [],
    );
    expect(modules.filter((path) => path.endsWith("schema-check.js"))).toEqual([]);
  });

  it("puts a module into one chunk, never into two", () => {
    const all = Object.values(outputs).flatMap(({ inputs }) =>
      Object.entries(inputs)
        .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
        .map(([path]) => path),
    );
    expect(all.length).toBe(new Set(all).size);
  });
});
