// The tour of docs/tour.md, for real: node scripts/tour.mjs [--fresh] [--write] [--images] [--busy N]
//   --fresh   clones this repository's last commit and sets it up, as a new user would; else lib/ as it is built
//   --write   writes what was printed into the page
//   --images  takes docs/images/*.png of the dashboard, after N more minutes of work (--busy, default 2), with Chromium
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

// Bundled first, as Node 20 cannot run TypeScript; inside the repository, so that packages are found.
const folder = mkdtempSync(join("node_modules", ".tour-"));
try {
  const outfile = join(folder, "tour.mjs");
  await build({
    entryPoints: ["src/testing/tour-main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    packages: "external",
  });
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = await main(process.argv.slice(2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
