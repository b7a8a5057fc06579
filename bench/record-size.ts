// How large a record of N observations is, beside the obvious encodings, and what decoding and deciding it costs in a process
// that has just started, against a bare node start in the same run.
//   npm run bench -- record-size [--observations 10000] [--runs 20]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { deflateRawSync } from "node:zlib";
import { judge } from "../src/core/decide.ts";
import type { Observation } from "../src/core/observation.ts";
import { encodeObservations } from "../src/core/observation-codec.ts";
import { decodeRecord, encodeRecord } from "../src/core/record-codec.ts";
import type { ActionRecord } from "../src/core/record.ts";
import { nodeDeflate } from "../src/node/store-files.ts";
import { sampleRecord, syntheticObservations } from "../src/testing/sample-record.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    observations: { type: "string", default: "10000" },
    runs: { type: "string", default: "20" },
    cold: { type: "string" },
    out: { type: "string" },
  },
});
if (values.cold !== undefined) cold(values.cold);
else compare(Number(values.observations), Number(values.runs));

/** In a process of its own: what `foregone run` pays, with nothing compiled yet. */
function cold(file: string): void {
  const bytes = readFileSync(file);
  const from = performance.now();
  const decoded = decodeRecord(bytes, nodeDeflate);
  const read = performance.now();
  if (decoded.kind !== "record") throw new Error(decoded.kind);
  const { observations } = decoded.record.trace;
  const answers = observations.map(({ value }) => `${value} `.slice(0, -1));
  const asked = performance.now();
  const { misses } = judge(decoded.record, answers, { ageMs: 0, maxAgeMs: 1, accepted: ["untraced-network"] });
  const decided = performance.now();
  if (misses.length > 0) throw new Error(JSON.stringify(misses));
  process.stdout.write(JSON.stringify({ decodeMs: read - from, decideMs: decided - asked }));
}

function compare(count: number, runs: number): void {
  const sizes = Object.fromEntries(
    ([20, 32] as const).map((digestBytes) => {
      const observations = syntheticObservations(count, digestBytes);
      return [`${digestBytes}-byte digests`, sizesOf(recordOf(observations))];
    }),
  );
  const folder = mkdtempSync(join(tmpdir(), "foregone-record-"));
  const file = join(folder, "record");
  writeFileSync(file, encode(recordOf(syntheticObservations(count, 32))));
  const bare: number[] = [];
  const decode: number[] = [];
  const decide: number[] = [];
  for (let i = 0; i < runs + 3; i++) {
    const from = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    const bareMs = performance.now() - from;
    const { stdout, status, stderr } = spawnSync(process.execPath, [process.argv[1] ?? "", "--cold", file], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    const { decodeMs, decideMs } = JSON.parse(stdout) as { decodeMs: number; decideMs: number };
    // The first runs fill the page cache.
    if (i < 3) continue;
    bare.push(bareMs);
    decode.push(decodeMs);
    decide.push(decideMs);
  }
  rmSync(folder, { recursive: true });
  const medianMs = { node: median(bare), decode: median(decode), decide: median(decide) };
  const result = {
    ...machine(),
    observations: count,
    runs,
    bytes: sizes,
    medianMs,
    ratios: { "decode and decide / bare node": (medianMs.decode + medianMs.decide) / medianMs.node },
  };
  const text = `${JSON.stringify(result, (_, v: unknown) => (typeof v === "number" ? Math.round(v * 100) / 100 : v), 1)}\n`;
  process.stdout.write(text);
  if (values.out !== undefined) writeFileSync(values.out, text);
}

function sizesOf(record: ActionRecord): Record<string, number> {
  const json = Buffer.from(JSON.stringify(record));
  const { observations } = record.trace;
  const { columns, digests } = encodeObservations(observations);
  return {
    JSON: json.length,
    "JSON, deflated": deflateRawSync(json, { level: 9 }).length,
    "columns and digests in one stream": deflateRawSync(Buffer.concat([columns, digests]), { level: 9 }).length,
    "keys front-coded": encode(record).length - keysOf(observations) + frontCoded(observations),
    ours: encode(record).length,
    "of which digests": digests.length,
  };
}

function keysOf(observations: readonly Observation[]): number {
  return deflateRawSync(observations.map(({ key }) => key).join("\0"), { level: 9 }).length;
}

/** Each key as the length it shares with the one before, and the rest. */
function frontCoded(observations: readonly Observation[]): number {
  let last = "";
  const shared: number[] = [];
  const rests = observations.map(({ key }) => {
    let common = 0;
    while (common < 255 && common < key.length && key[common] === last[common]) common++;
    last = key;
    shared.push(common);
    return key.slice(common);
  });
  return deflateRawSync(Buffer.concat([Buffer.from(shared), Buffer.from(rests.join("\0"))]), { level: 9 }).length;
}

function recordOf(observations: readonly Observation[]): ActionRecord {
  return { ...sampleRecord, trace: { ...sampleRecord.trace, observations } };
}

function encode(record: ActionRecord): Uint8Array {
  const bytes = encodeRecord(record, nodeDeflate);
  if (bytes === undefined) throw new Error("too large");
  return bytes;
}
