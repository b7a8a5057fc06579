// Runs one script of bench/: node scripts/bench.mjs NAME [ARG...]. Bundled first, as Node 20 cannot run TypeScript.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { buildWorkers } from "./worker-build.mjs";

const [name, ...args] = process.argv.slice(2);
if (name === undefined || !existsSync(`bench/${name}.ts`)) {
  const known = readdirSync("bench").filter((file) => file.endsWith(".ts"));
  process.stderr.write(
    `usage: npm run bench -- NAME [ARG...], one of: ${known.map((k) => k.slice(0, -3)).join(", ")}\n`,
  );
  process.exit(2);
}
// Inside the repository, so that packages left outside the bundle are still found.
const folder = mkdtempSync(join("node_modules", ".bench-"));
const outfile = join(folder, `${name}.mjs`);
await build({
  entryPoints: [`bench/${name}.ts`],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  packages: "external",
});
await buildWorkers(folder);
const { status } = spawnSync(process.execPath, [outfile, ...args], { stdio: "inherit" });
rmSync(folder, { recursive: true });
process.exitCode = status ?? 1;
