// Microsoft's sarif-multitool as an independent judge: of replays of every real log we accept, and of line hashes.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Log } from "sarif";
import { expect, test } from "vitest";
import { LINE_HASH } from "../src/codeql/sarif/fingerprint.ts";
import { lineHashes } from "../src/codeql/sarif/line-hash.ts";
import { normalise } from "../src/codeql/sarif/normalise.ts";
import { readSarif } from "../src/codeql/sarif/read.ts";
import { rewrite } from "../src/codeql/sarif/rewrite.ts";
import { acceptedSarif, sarifBytes } from "../src/testing/sarif-files.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

const MULTITOOL = resolve("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool");

function multitool(...args: string[]): string {
  // npm does not run its install script, which does this.
  chmodSync(MULTITOOL, 0o755);
  const { stdout, stderr } = spawnSync(MULTITOOL, args, { encoding: "utf8" });
  return stdout + stderr;
}

/** File name -> "error RULE" and "warning RULE", once each. */
function findings(folder: string, files: readonly string[]): Map<string, Set<string>> {
  const report = join(folder, "report.sarif");
  multitool(
    "validate",
    ...files.map((f) => join(folder, f)),
    "--rule-kind",
    "Sarif;Ghas",
    "--output",
    report,
    "--log",
    "ForceOverwrite",
  );
  const { runs } = JSON.parse(readFileSync(report, "utf8")) as Log;
  const found = new Map<string, Set<string>>(files.map((file) => [file, new Set()]));
  for (const result of runs[0]?.results ?? []) {
    const uri = result.locations?.[0]?.physicalLocation?.artifactLocation?.uri ?? "";
    found.get(uri.slice(uri.lastIndexOf("/") + 1))?.add(`${result.level ?? "warning"} ${result.ruleId}`);
  }
  return found;
}

test("the validator finds nothing in replays of real logs that it does not find in the logs", (context) => {
  if (!existsSync(MULTITOOL)) return context.skip("no @microsoft/sarif-multitool-linux on this platform");
  const folders = [temporaryFolder(), temporaryFolder()] as const;
  const names: string[] = [];
  for (const known of acceptedSarif) {
    const { file, checkoutUri } = known;
    const bytes = sarifBytes(known);
    if (bytes === undefined) continue;
    const read = readSarif(bytes);
    if (read.kind !== "log") throw new Error(read.why);
    const log = read.log as Log;
    names.push(file);
    writeFileSync(join(folders[0], file), JSON.stringify(log));
    normalise(log, checkoutUri);
    rewrite(log, {
      category: "/language:x",
      commit: "c".repeat(40),
      ref: "refs/heads/main",
      checkoutUri: "file:///w/",
      scannedCheckoutUri: checkoutUri,
      replay: { commit: null, run: null, key: "k", recordedAt: "2026-01-01T00:00:00.000Z" },
      uuid: () => crypto.randomUUID(),
    });
    writeFileSync(join(folders[1], file), JSON.stringify(log));
  }
  const [before, after] = [findings(folders[0], names), findings(folders[1], names)];
  expect(names.length).toBeGreaterThanOrEqual(15);
  expect(
    [...before.values()].some((found) => found.size > 0),
    "the validator says nothing at all",
  ).toBe(true);
  for (const name of names)
    expect(
      [...(after.get(name) ?? [])].filter((found) => before.get(name)?.has(found) !== true),
      name,
    ).toEqual([]);
}, 120_000);

test("the multitool computes the same line hashes, for every line of real sources", (context) => {
  if (!existsSync(MULTITOOL)) return context.skip("no @microsoft/sarif-multitool-linux on this platform");
  const folder = temporaryFolder();
  mkdirSync(join(folder, "src"));
  const sources = ["src/codeql/sarif/verdict.ts", "src/codeql/git-source.ts", "src/codeql/upload.ts", "package.json"];
  const results = sources.flatMap((source, i) => {
    const bytes = readFileSync(source);
    const uri = `src/f${i}${source.slice(source.lastIndexOf("."))}`;
    writeFileSync(join(folder, uri), bytes);
    return lineHashes(bytes).map((hash, line) => ({ hash, uri, line: line + 1 }));
  });
  expect(results.length).toBeGreaterThan(500);
  const log = {
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "T" } },
        originalUriBaseIds: { ROOT: { uri: `${pathToFileURL(folder).href}/` } },
        results: results.map(({ uri, line }) => ({
          ruleId: "r",
          message: { text: "m" },
          locations: [
            { physicalLocation: { artifactLocation: { uri, uriBaseId: "ROOT" }, region: { startLine: line } } },
          ],
        })),
      },
    ],
  };
  writeFileSync(join(folder, "in.sarif"), JSON.stringify(log));
  multitool(
    "rewrite",
    join(folder, "in.sarif"),
    "--insert",
    "RollingHashPartialFingerprints",
    "--output",
    join(folder, "out.sarif"),
  );
  const theirs = JSON.parse(readFileSync(join(folder, "out.sarif"), "utf8")) as Log;
  expect(theirs.runs[0]?.results?.map((r) => r.partialFingerprints?.[LINE_HASH])).toEqual(results.map((r) => r.hash));
}, 120_000);
