import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blobPath, readBlob } from "./blob.ts";

test("the package holds both programs for this machine, found from wherever its code lies", (context) => {
  if (process.arch !== "x64") return context.skip(`no program for ${process.arch} yet`);
  expect(readBlob("full").programs).toContain("on_uring");
  expect(readBlob("no-uring").programs).not.toContain("on_uring");
  expect(blobPath("full", "/")).toBeUndefined();
});

test("rebuilding gives the committed bytes", (context) => {
  for (const tool of ["clang-16", "llvm-strip-16", "bpftool"])
    if (spawnSync(tool, ["--version"]).error !== undefined) return context.skip(`no ${tool}`);
  // Another version of a tool makes other bytes that are as good; only the documented ones must make these.
  const versions = [spawnSync("clang-16", ["--version"]), spawnSync("bpftool", ["version"])].map((r) =>
    String(r.stdout),
  );
  if (!versions[0]?.includes("16.0.6") || !versions[1]?.includes("v7.1.0")) return context.skip("other tool versions");
  const folder = mkdtempSync(join(tmpdir(), "foregone-blob-"));
  try {
    execFileSync(process.execPath, ["scripts/build-bpf.mjs", folder]);
    for (const name of ["trace.x86_64.json.gz", "trace.x86_64.no-uring.json.gz"])
      expect(readFileSync(join(folder, name)).equals(readFileSync(join("native", name))), name).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
