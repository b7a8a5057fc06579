import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

// Dependencies point down only (ARCHITECTURE.md). Each folder names the folders it may import from; shells import all.
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  node: ["core"],
  store: ["core"],
  trace: ["core"],
  report: ["core"],
  config: ["core"],
  peers: ["core", "store"],
  memo: ["core", "store", "trace"],
  github: ["core", "store", "memo"],
  codeql: ["core", "store", "memo", "github"],
  secrets: ["core", "store"],
};

function* sources(folder: string): Generator<string> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts")) yield path;
  }
}

for (const [layer, allowed] of Object.entries(MAY_IMPORT))
  test(`${layer}/ imports only ${["ports.ts", layer, ...allowed].join(", ")}`, () => {
    const wrong: string[] = [];
    for (const file of sources(join("src", layer)))
      for (const [, target = ""] of readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
        const path = relative("src", join(dirname(file), target));
        const top = path.split("/")[0] ?? "";
        if (top !== layer && top !== "ports.ts" && !allowed.includes(top)) wrong.push(`${file} -> ${path}`);
      }
    expect(wrong).toEqual([]);
  });

test("invariant 8: core/ has no effects", () => {
  for (const file of sources("src/core"))
    expect(readFileSync(file, "utf8"), file).not.toMatch(
      /from "node:|\bDate\.now|\bMath\.random|\bprocess\.|\bPromise\b/,
    );
});
