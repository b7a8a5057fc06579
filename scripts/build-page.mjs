// Builds the dashboard's page into a folder: HTML, one script, one style sheet, one icon; nothing else is ever loaded.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** @param {string} outdir */
export async function buildPage(outdir) {
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: { app: "src/dashboard/page/app.tsx", style: "src/dashboard/page/app.css" },
    outdir,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    // light-dark() and the Popover-era CSS came with these.
    target: ["chrome123", "firefox120", "safari17.5"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "warning",
  });
  for (const file of ["index.html", "icon.svg"]) copyFileSync(join("src/dashboard/page", file), join(outdir, file));
}
