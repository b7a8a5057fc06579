// How bundles are made, and how the CLI is.
import { commonChunk } from "./common-chunk.mjs";

// CommonJS dependencies inside an ESM bundle need a real `require`; without it they die with "Dynamic require".
const banner = { js: 'import{createRequire as $require}from"node:module";const require=$require(import.meta.url);' };
/** @satisfies {import("esbuild").BuildOptions} */
export const common = {
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  banner,
  legalComments: "none",
  logLevel: "warning",
  minifySyntax: true,
  minifyWhitespace: true,
  // Native add-ons stay outside: their platform packages are found at run time.
  external: ["koffi", "@napi-rs/keyring"],
};

/** @returns {Promise<import("esbuild").BuildOptions>} */
export async function cliBuild() {
  const cli = { ...common, entryPoints: ["src/cli/main.ts"], entryNames: "cli", target: "node20.19" };
  return { ...cli, plugins: [await commonChunk(cli)] };
}
