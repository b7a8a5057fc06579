// Splitting by reachability alone makes a chunk for each set of entry points, and a command then loads fifty of them: on Node 20 a
// module costs about 0.7 ms however small it is. What several lazy modules need statically is therefore put into one chunk, by
// letting each of them import all of it.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

/** Bytes of packages and large modules that come with a module: with more it stays out, parsing is about 1 ms for 60 kB. */
const MAX = 32 * 1024;

/** What fewer lazy modules need is not loaded for all: with 3 one chunk is twice as large, and `run` starts later again. */
const NEEDED_BY = 8;

/**
 * @param {import("esbuild").BuildOptions & { entryPoints: string[] }} options of the build that gets it; what its entry points
 *   load by themselves stays as it is
 * @returns {Promise<import("esbuild").Plugin>}
 */
export async function commonChunk(options) {
  const { metafile } = await build({ ...options, outdir: "unused", write: false, metafile: true });
  const inputs = /** @type {import("esbuild").Metafile} */ (metafile).inputs;
  const bytes = (/** @type {string} */ path) => inputs[path]?.bytes ?? 0;
  const own = (/** @type {string} */ path) => path.startsWith("src/");
  const lazy = new Set(
    Object.values(inputs).flatMap(({ imports }) =>
      imports.filter(({ kind, path }) => kind === "dynamic-import" && own(path)).map(({ path }) => path),
    ),
  );
  /** @param {string} from */
  const closure = (from) => {
    const found = new Set([from]);
    for (const path of found)
      for (const { kind, path: next } of inputs[path]?.imports ?? [])
        if (kind !== "dynamic-import" && inputs[next] !== undefined) found.add(next);
    return found;
  };
  const light = (/** @type {string} */ path) =>
    [...closure(path)].reduce((sum, module) => sum + (own(module) && bytes(module) <= MAX ? 0 : bytes(module)), 0) <=
    MAX;
  const eager = new Set(options.entryPoints.flatMap((path) => [...closure(path)]));
  /** @type {Map<string, number>} */
  const needed = new Map();
  for (const path of lazy) for (const module of closure(path)) needed.set(module, (needed.get(module) ?? 0) + 1);
  const common = [...needed]
    .filter(([path, count]) => count >= NEEDED_BY && own(path) && light(path) && !lazy.has(path))
    .map(([path]) => resolve(path))
    .sort();
  const importers = new Set([...lazy].filter((path) => !eager.has(path)).map((path) => resolve(path)));
  return {
    name: "common-chunk",
    setup(bundler) {
      bundler.onResolve({ filter: /^common:$/ }, () => ({ path: "common", namespace: "common" }));
      bundler.onLoad({ filter: /.*/, namespace: "common" }, () => ({
        contents: common.map((path) => `import ${JSON.stringify(path)};\n`).join(""),
        resolveDir: process.cwd(),
      }));
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!importers.has(path)) return undefined;
        return { contents: `import "common:";\n${await readFile(path, "utf8")}`, loader: "ts" };
      });
    },
  };
}
