// What replaying a 10 MB SARIF costs, and how much memory: reading, judging, comparing the files it names, rewriting, writing.
// Baseline in the same process: JSON.parse and JSON.stringify of the same bytes.
//   npm run bench -- codeql-replay [--megabytes 10] [--runs 20]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import type { Log } from "sarif";
import { describeFiles, firstDifference, namedPaths } from "../src/codeql/named-files.ts";
import { normalise } from "../src/codeql/sarif/normalise.ts";
import { readSarif, writeSarif } from "../src/codeql/sarif/read.ts";
import { rewrite } from "../src/codeql/sarif/rewrite.ts";
import { judge } from "../src/codeql/sarif/verdict.ts";
import { nodeHasher } from "../src/node/ports.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    megabytes: { type: "string", default: "10" },
    runs: { type: "string", default: "20" },
    out: { type: "string" },
    child: { type: "string" },
  },
});

const FILES = 400;
const readFile =
  (folder: string) =>
  (path: string): Uint8Array | undefined => {
    try {
      return readFileSync(join(folder, path));
    } catch {
      return undefined;
    }
  };

if (values.child === undefined) parent();
else child(values.child);

/** Makes the SARIF and its files; then each run is a process of its own, so that memory is that of one replay. */
function parent(): void {
  const scratch = mkdtempSync(join(tmpdir(), "foregone-replay-"));
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  mkdirSync(join(scratch, "src"));
  for (let i = 0; i < FILES; i++)
    writeFileSync(join(scratch, `src/m${i}.js`), `function f${i}(a) { return a + ${i}; }\n`.repeat(500));
  const results: unknown[] = [];
  const log = {
    version: "2.1.0",
    runs: [{ tool: { driver: { name: "CodeQL", semanticVersion: "2.25.6", rules: [{ id: "js/x" }] } }, results }],
  };
  const at = (i: number) => ({
    physicalLocation: {
      artifactLocation: { uri: `src/m${i % FILES}.js`, uriBaseId: "%SRCROOT%" },
      region: { startLine: 1 + (i % 500), startColumn: 5 },
    },
  });
  const size = Number(values.megabytes) * 1024 * 1024;
  for (let i = 0, bytes = 0; bytes < size; i++) {
    const one = {
      ruleId: "js/x",
      ruleIndex: 0,
      message: {
        text: `This value depends on a user-provided value of function f${i}, which flows through several steps.`,
      },
      locations: [at(i)],
      codeFlows: [
        {
          threadFlows: [
            {
              locations: Array.from({ length: 8 }, (_, k) => ({
                location: { ...at(i + k), message: { text: "step" } },
              })),
            },
          ],
        },
      ],
      partialFingerprints: {},
    };
    results.push(one);
    bytes += JSON.stringify(one).length + 1;
  }
  normalise(log as unknown as Log, undefined);
  const named = namedPaths(log as unknown as Log);
  writeFileSync(
    join(scratch, "files.json"),
    JSON.stringify(describeFiles(named.byResults, readFile(scratch), nodeHasher)),
  );
  const json = Buffer.from(JSON.stringify(log));
  writeFileSync(join(scratch, "sarif.gz"), gzipSync(json));
  const runs = Array.from({ length: Number(values.runs) }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [process.argv[1] ?? "", "--child", scratch], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as { replayMs: number; baselineMs: number; rssMb: number };
  });
  const pick = (name: "replayMs" | "baselineMs" | "rssMb"): number =>
    Math.round(median(runs.map((r) => r[name])) * 10) / 10;
  const result = {
    bytes: json.length,
    results: results.length,
    runs: runs.length,
    medianReplayMs: pick("replayMs"),
    medianBaselineMs: pick("baselineMs"),
    ofBaseline: Math.round((pick("replayMs") / pick("baselineMs")) * 100) / 100,
    peakRssMb: Math.max(...runs.map((r) => r.rssMb)),
    ...machine(),
  };
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, undefined, 2)}\n`);
}

function child(scratch: string): void {
  const stored = readFileSync(join(scratch, "sarif.gz"));
  const files = JSON.parse(readFileSync(join(scratch, "files.json"), "utf8")) as Parameters<typeof firstDifference>[0];
  const from = performance.now();
  const read = readSarif(stored);
  if (read.kind !== "log") throw new Error(read.why);
  const { accepted, reasons } = judge(read.log, { tool: { names: ["CodeQL"], version: "2.25.6" } });
  if (!accepted) throw new Error(JSON.stringify(reasons));
  const different = firstDifference(files, readFile(scratch), nodeHasher);
  if (different !== undefined) throw new Error(different);
  rewrite(read.log as Log, {
    category: "/language:javascript",
    commit: "c".repeat(40),
    ref: "refs/heads/main",
    checkoutUri: "file:///w/",
    replay: { commit: null, run: null, key: "k", recordedAt: "2026-01-01T00:00:00.000Z" },
    uuid: () => crypto.randomUUID(),
  });
  const json = writeSarif(read.log as Log);
  const replayMs = performance.now() - from;
  // Before the baseline adds to it.
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1024);
  const text = Buffer.from(json).toString();
  const again = performance.now();
  JSON.stringify(JSON.parse(text));
  process.stdout.write(JSON.stringify({ replayMs, baselineMs: performance.now() - again, rssMb }));
}
