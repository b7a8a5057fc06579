// Builds lib/ (CLI and library, Node >= 20.19) and, once actions exist, dist/ (committed action bundles, Node 24).
// Splitting builds: what a command does not need is not loaded.
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { build } from "esbuild";
import { buildPage } from "./build-page.mjs";
import { cliBuild, common } from "./cli-build.mjs";
import { buildWorkers } from "./worker-build.mjs";

/**
 * The ECMAScript modules of the YAML parser, which its package gives to browsers alone. What it gives to Node is CommonJS: nothing of
 * that can be left out, and its 70 modules are each started by themselves, 8 ms of a step that decides within 200.
 */
const YAML = resolve("node_modules/yaml/browser/dist/index.js");

/** @param {string} folder */
const entriesOf = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
        .map((name) => `${folder}/${name}`)
    : [];

rmSync("lib", { recursive: true, force: true });
// Apart from each other: no process loads both, and chunks that both need would be more and smaller.
await build({ ...(await cliBuild()), outdir: "lib" });
await build({
  ...common,
  entryPoints: { index: "src/index.ts", octokit: "src/octokit.ts" },
  outdir: "lib",
  target: "node20.19",
});
await buildWorkers("lib");

await buildPage("lib/dashboard");

const actionEntries = entriesOf("src/actions/entries");
if (actionEntries.length > 0) {
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist");
  writeFileSync("dist/package.json", '{ "type": "module" }\n');
  // Code is cut wherever two entries share it, and each piece costs the start of a step: the root action, which runs in every
  // job, shares nothing with the others.
  const root = actionEntries.filter((entry) => /\/(?:foregone-\w+|tracer)\.ts$/.test(entry));
  for (const entryPoints of [root, actionEntries.filter((entry) => !root.includes(entry))])
    await build({ ...common, minify: true, entryPoints, outdir: "dist", target: "node24", alias: { yaml: YAML } });
  await buildWorkers("dist");
  bringFfi("dist/node_modules");
}

/**
 * Nothing is installed where an action runs: what cannot be bundled lies beside the bundles. glibc on x64 alone, as GitHub's own
 * Linux runners have it; elsewhere the tracer says that it has no FFI.
 * @param {string} modules
 */
function bringFfi(modules) {
  const koffi = "node_modules/koffi";
  for (const file of ["index.js", "src/koffi/index.js", "src/koffi/src/static.js", "package.json", "LICENSE.txt"])
    cpSync(`${koffi}/${file}`, `${modules}/koffi/${file}`);
  const native = "node_modules/@koromix/koffi-linux-x64";
  for (const file of ["index.js", "package.json", "linux_x64/koffi.node"])
    cpSync(`${native}/${file}`, `${modules}/@koromix/koffi-linux-x64/${file}`);
}
