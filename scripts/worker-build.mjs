// Builds the worker of the unprivileged observer to one file beside whoever starts it: Node 20 runs no TypeScript, and
// what starts it may be the sources (tests), a bundle of lib/ or dist/, or a bench script.
import { build } from "esbuild";

/** @param {string} folder */
export async function buildWorkers(folder) {
  await build({
    entryPoints: ["src/trace/notify/notify-worker.ts"],
    outdir: folder,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    external: ["koffi"],
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "warning",
  });
}

/** vitest: once before all tests. */
export const setup = () => buildWorkers("src/trace/notify");
