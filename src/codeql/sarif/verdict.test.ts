import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { knownSarif, NOT_COPIED, sarifBytes } from "../../testing/sarif-files.ts";
import { asText, at, objects } from "./look.ts";
import { readSarif } from "./read.ts";
import { countSeverities } from "./severity.ts";
import { judge, LIMITS, schemaErrors } from "./verdict.ts";

describe("real SARIF files get the verdict that is expected of them", () => {
  test("30 files are known", () => expect(knownSarif).toHaveLength(30));
  test.for(knownSarif)("$file", (expected, context) => {
    const bytes = sarifBytes(expected);
    // AGPL files are known by name and digest alone; sarifBytes throws if any other is missing.
    if (bytes === undefined) return context.skip(NOT_COPIED);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(expected.sha256);
    const read = readSarif(bytes);
    if (read.kind !== "log") throw new Error(read.why);
    const { accepted, reasons, warnings } = judge(read.log, { checkoutUri: expected.checkoutUri, bom: read.bom });
    expect(reasons.map((r) => r.code)).toEqual(expected.reasons);
    expect(warnings.map((w) => w.code).sort()).toEqual([...expected.warnings].sort());
    expect(accepted).toBe(expected.verdict !== "refuse");
    const runs = objects(at(read.log, "runs"));
    expect(runs.map((run) => (Array.isArray(run["results"]) ? run["results"].length : null))).toEqual(expected.results);
    expect(runs.map(countSeverities)).toEqual(expected.severity);
    const errors = schemaErrors(read.log).errors.map((e) => {
      const more = asText(e.params["additionalProperty"]) ?? asText(e.params["missingProperty"]);
      const where = `${e.keyword} ${e.instancePath.replace(/\d+/g, "N")}`;
      return more === undefined ? where : `${where} ${e.keyword === "required" ? "missing" : "extra"} ${more}`;
    });
    // The manifest states the first six.
    expect(errors).toEqual(expect.arrayContaining([...expected.schemaErrors]));
    expect(Math.min(6, new Set(errors).size)).toBe(expected.schemaErrors.length);
  });
});

const run = (more: object = {}): Record<string, unknown> => ({
  tool: { driver: { name: "T", version: "1" } },
  results: [{ message: { text: "m" }, locations: [{ physicalLocation: { artifactLocation: { uri: "a.c" } } }] }],
  ...more,
});
const codes = (log: unknown, options = {}): string[] => judge(log, options).reasons.map((r) => r.code);
const log = (...runs: unknown[]): object => ({ version: "2.1.0", runs });

test("judge() names what is wrong of logs of any shape, and never throws", () => {
  for (const odd of [null, 1, "x", [], {}, { version: "2.0.0" }]) expect(codes(odd)).toEqual(["sarif-version"]);
  for (const runs of [undefined, null, {}, []]) expect(codes({ version: "2.1.0", runs })).toEqual(["no-runs"]);
  expect(codes(log({}))).toEqual(["no-results", "schema"]);
  expect(codes(log(run({ results: [null] })))).toEqual(["schema"]);
  expect(codes(log(run({ properties: { incrementalMode: ["diff-informed"] } })))).toEqual(["partial-run"]);
  expect(codes(log(run()), { tool: { names: ["CodeQL"] } })).toEqual(["tool-mismatch"]);
  expect(codes(log(run()), { tool: { names: ["T"], version: "2" } })).toEqual(["tool-mismatch"]);
  expect(codes(log(run()), { tool: { names: ["T"], version: "1" } })).toEqual([]);
  expect(codes(log(run(), run()))).toEqual(["duplicate-run"]);
});

test.each([
  ["runs", (n: number) => log(...Array.from({ length: n }, (_, i) => run({ tool: { driver: { name: `T${i}` } } })))],
  ["results", (n: number) => log(run({ results: many(n, { message: { text: "m" } }) }))],
  ["rules", (n: number) => log(run({ tool: { driver: { name: "T", rules: ids(n) } } }))],
  [
    "extensions",
    (n: number) => log(run({ tool: { driver: { name: "T" }, extensions: ids(n).map(({ id }) => ({ name: id })) } })),
  ],
  ["locations", (n: number) => log(run({ results: [{ message: { text: "m" }, locations: many(n, {}) }] }))],
  [
    "threadFlowLocations",
    (n: number) =>
      log(
        run({
          results: [
            { message: { text: "m" }, codeFlows: [{ threadFlows: [{ locations: many(n, { location: {} }) }] }] },
          ],
        }),
      ),
  ],
  [
    "tags",
    (n: number) =>
      log(
        run({ tool: { driver: { name: "T", rules: [{ id: "r", properties: { tags: ids(n).map((i) => i.id) } }] } } }),
      ),
  ],
] as const)("judge() takes as many %s as GitHub does, and not one more", (name, make) => {
  expect(codes(make(LIMITS[name]))).toEqual([]);
  expect(codes(make(LIMITS[name] + 1))).toEqual(["over-limit"]);
});

function many(n: number, item: object): object[] {
  return Array.from({ length: n }, () => item);
}

function ids(n: number): { id: string }[] {
  return Array.from({ length: n }, (_, i) => ({ id: `r${i}` }));
}

test("the schema check stays linear and bounded on hostile logs", () => {
  const artifacts = Array.from({ length: 30_000 }, (_, i) => ({ location: { uri: `f${i}` } }));
  expect(codes(log(run({ artifacts })))).toEqual([]);
  expect(codes(log(run({ artifacts: [...artifacts, artifacts[0]] })))).toEqual(["schema"]);
  const wrong = judge(log(run({ artifacts: Array(200_000).fill(1) })));
  expect(wrong.reasons[0]?.detail).toContain("too many schema errors");
});

test("readSarif() refuses what is cut, too large, too deep, no UTF-8, and a gzip bomb", async () => {
  const { gzipSync } = await import("node:zlib");
  const good = Buffer.from(JSON.stringify(log(run())));
  expect(readSarif(gzipSync(good))).toMatchObject({ kind: "log", bom: false });
  expect(readSarif(Buffer.concat([Buffer.from("\uFEFF"), good]))).toMatchObject({ kind: "log", bom: true });
  for (let cut = 0; cut < good.length; cut++) expect(readSarif(good.subarray(0, cut)).kind, `${cut}`).toBe("refused");
  expect(readSarif(gzipSync(good).subarray(0, 40))).toMatchObject({ code: "not-json" });
  expect(readSarif(good, good.length - 1)).toMatchObject({ code: "over-limit" });
  expect(readSarif(good, good.length)).toMatchObject({ kind: "log" });
  expect(readSarif(gzipSync(Buffer.alloc(1 << 20, 0x20)), 1 << 19)).toMatchObject({ code: "over-limit" });
  expect(readSarif(Buffer.from("[".repeat(200) + "]".repeat(200)))).toMatchObject({ kind: "log" });
  expect(readSarif(Buffer.from("[".repeat(201) + "]".repeat(201)))).toMatchObject({ code: "over-limit" });
  expect(readSarif(Buffer.from([0x22, 0xff, 0x22]))).toMatchObject({ code: "not-json" });
});
