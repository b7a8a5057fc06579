import * as fc from "fast-check";
import type { Log, Result } from "sarif";
import { expect, test } from "vitest";
import { acceptedSarif, type KnownSarif, NOT_COPIED, sarifBytes } from "../../testing/sarif-files.ts";
import { canonicalSarif } from "./canonical.ts";
import { diffSarif } from "./diff.ts";
import { addFingerprints, LINE_HASH } from "./fingerprint.ts";
import { mergeSarif } from "./merge.ts";
import { normalise } from "./normalise.ts";
import { readSarif } from "./read.ts";
import { rewrite, type Target } from "./rewrite.ts";
import { escapeMarkdown, summarise } from "./summary.ts";
import { judge } from "./verdict.ts";

function load(known: KnownSarif): Log | undefined {
  const bytes = sarifBytes(known);
  if (bytes === undefined) return undefined;
  const read = readSarif(bytes);
  if (read.kind !== "log") throw new Error(`${known.file}: ${read.why}`);
  return read.log as Log;
}

let uuids = 0;
function target(more: Partial<Target> = {}): Target {
  return {
    category: "/language:x",
    commit: "c".repeat(40),
    ref: "refs/heads/main",
    checkoutUri: "file:///elsewhere/checkout/",
    replay: { commit: "a".repeat(40), run: "7", key: "sha256:00", recordedAt: "2026-01-01T00:00:00.000Z" },
    uuid: () => `00000000-0000-4000-8000-${String(uuids++).padStart(12, "0")}`,
    ...more,
  };
}

const withoutGuids = (log: Log): string => JSON.stringify(log).replace(/00000000-0000-4000-8000-\d{12}/g, "GUID");

test.for(acceptedSarif)(
  "what the tool found in $file survives store and replay, and replaying twice is replaying once",
  (expected, context) => {
    const log = load(expected);
    // One of the files that an AGPL licence keeps out (src/testing/sarif-files.ts).
    if (log === undefined) return context.skip(NOT_COPIED);
    const found = (l: Log): unknown =>
      l.runs.map((run) => ({
        rules: run.tool.driver.rules,
        results: (run.results ?? []).map((r) => ({
          message: r.message,
          level: r.level,
          flows: r.codeFlows?.length,
          prints: r.partialFingerprints,
        })),
      }));
    const before = JSON.parse(JSON.stringify(found(log))) as unknown;
    normalise(log, expected.checkoutUri);
    expect(JSON.parse(JSON.stringify(found(log)))).toEqual(before);
    const canonical = canonicalSarif(log);
    const once = structuredClone(log);
    rewrite(once, target({ scannedCheckoutUri: expected.checkoutUri }));
    expect(canonicalSarif(once)).toBe(canonical);
    expect(JSON.parse(JSON.stringify(found(once)))).toEqual(before);
    // Normalised again and replayed again: the same, but for guids.
    const twice = structuredClone(once);
    normalise(twice, "file:///elsewhere/checkout/");
    rewrite(twice, target({ scannedCheckoutUri: "file:///elsewhere/checkout/" }));
    expect(withoutGuids(twice)).toBe(withoutGuids(once));
    // Stored under one checkout, valid under any: nothing points outside.
    const { reasons } = judge(once, { checkoutUri: "file:///elsewhere/checkout/" });
    expect(reasons).toEqual([]);
    expect(JSON.stringify(once)).not.toMatch(/github\/alert|"baselineState"|"processId"/);
    expect(once.runs.map((run) => run.automationDetails?.id)).toEqual(once.runs.map(() => "/language:x/"));
  },
);

test.for(acceptedSarif)("the canonical form of $file does not depend on the order of results", (expected, context) => {
  const log = load(expected);
  // One of the files that an AGPL licence keeps out (src/testing/sarif-files.ts).
  if (log === undefined) return context.skip(NOT_COPIED);
  const canonical = canonicalSarif(log);
  for (const run of log.runs) run.results?.reverse();
  expect(canonicalSarif(log)).toBe(canonical);
});

const result = (rule: string, line: number, text: string, more: Partial<Result> = {}): Result => ({
  ruleId: rule,
  message: { text },
  locations: [{ physicalLocation: { artifactLocation: { uri: "a.c" }, region: { startLine: line } } }],
  ...more,
});
const log = (...results: Result[]): Log => ({
  version: "2.1.0",
  runs: [{ tool: { driver: { name: "T", version: "1" } }, results }],
});

test("a result that differs in anything the tool found changes the canonical form", () => {
  const base = canonicalSarif(log(result("r", 1, "m")));
  for (const other of [
    result("s", 1, "m"),
    result("r", 2, "m"),
    result("r", 1, "n"),
    result("r", 1, "m", { level: "note" }),
  ])
    expect(canonicalSarif(log(other))).not.toBe(base);
  expect(canonicalSarif(log())).not.toBe(base);
  expect(canonicalSarif(log(result("r", 1, "m"), result("r", 1, "m")))).not.toBe(base);
  expect(canonicalSarif(log(result("r", 1, "m", { guid: "x", baselineState: "new" })))).toBe(base);
});

test("addFingerprints() adds a hash where GitHub would, and tells where a given one differs", () => {
  const one = log(
    result("r", 2, "m"),
    result("r", 3, "m", { partialFingerprints: { [LINE_HASH]: "theirs:1" } }),
    result("r", 99, "m"),
    { message: { text: "no place" } },
  );
  const read = (path: string): Uint8Array | undefined => (path === "a.c" ? Buffer.from("x\ny\nz\n") : undefined);
  const done = addFingerprints(one, undefined, read);
  expect(done.added).toBe(1);
  expect(done.differing).toMatchObject([{ path: "a.c", line: 3, theirs: "theirs:1" }]);
  expect(one.runs[0]?.results?.map((r) => r.partialFingerprints?.[LINE_HASH])).toEqual([
    expect.stringMatching(/^[0-9a-f]+:1$/),
    "theirs:1",
    undefined,
    undefined,
  ]);
  expect(addFingerprints(one, undefined, read).added).toBe(0);
});

test("diffSarif() follows an alert through a moved line by its hash, and counts each once", () => {
  const print = (hash: string): Partial<Result> => ({ partialFingerprints: { [LINE_HASH]: hash } });
  const was = log(result("r", 1, "m", print("h1:1")), result("r", 5, "m", print("h2:1")), result("q", 9, "gone"));
  const now = log(result("r", 1, "m", print("h1:1")), result("r", 7, "m", print("h2:1")), result("q", 3, "came"));
  const diff = diffSarif(was, now);
  expect(diff.unchanged).toBe(1);
  expect(diff.updated).toMatchObject([{ was: { line: 5 }, now: { line: 7 } }]);
  expect(diff.new).toMatchObject([{ message: "came" }]);
  expect(diff.absent).toMatchObject([{ message: "gone" }]);
});

test("diffSarif() loses and invents nothing, whatever the logs", () => {
  const one = fc.tuple(fc.constantFrom("r", "s"), fc.integer({ min: 1, max: 3 }), fc.constantFrom("m", "n"));
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), fc.array(one, { maxLength: 12 }), (a, b) => {
      const diff = diffSarif(log(...a.map((x) => result(...x))), log(...b.map((x) => result(...x))));
      expect(diff.unchanged + diff.updated.length + diff.absent.length).toBe(a.length);
      expect(diff.unchanged + diff.updated.length + diff.new.length).toBe(b.length);
    }),
  );
});

test("mergeSarif() unites runs of one tool, moves indexes, and keeps other tools apart", () => {
  const part = (uri: string, rule: string): Log => ({
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "ESLint", version: "9", rules: [{ id: "shared" }, { id: rule }] } },
        artifacts: [{ location: { uri: "common.js" } }, { location: { uri } }],
        results: [
          {
            ruleId: rule,
            ruleIndex: 1,
            message: { text: "m" },
            locations: [{ physicalLocation: { artifactLocation: { uri, index: 1 } } }],
          },
        ],
      },
    ],
  });
  const merged = mergeSarif([part("a.js", "ra"), part("b.js", "rb"), part("b.js", "rb"), log(result("r", 1, "m"))]);
  if (merged.kind !== "merged") throw new Error(merged.why);
  expect(merged.log.runs).toHaveLength(2);
  const [eslint] = merged.log.runs;
  expect(eslint?.results).toHaveLength(2);
  for (const r of eslint?.results ?? []) {
    const place = r.locations?.[0]?.physicalLocation?.artifactLocation;
    expect(eslint?.artifacts?.[place?.index ?? -1]?.location?.uri).toBe(place?.uri);
    expect(eslint?.tool.driver.rules?.[r.ruleIndex ?? -1]?.id).toBe(r.ruleId);
  }
  expect(judge(merged.log).reasons).toEqual([]);
});

test("mergeSarif() says which two runs cannot be united", () => {
  const a = log(result("r", 1, "m"));
  const b = log(result("r", 2, "m"));
  b.runs[0]!.threadFlowLocations = [{}];
  expect(mergeSarif([a, b])).toMatchObject({
    kind: "conflict",
    why: expect.stringContaining("threadFlowLocations") as string,
  });
});

test("summarise() counts by severity, worst first, and lets nothing of the scanned code act", () => {
  const hostile = "<img src=x> | @org/team [x](http://e) `a`\n# h ::error::boo \u202eevil";
  const text = summarise(log(result("r", 1, hostile), result("`|`", 2, "n", { level: "error" })));
  expect(text.indexOf("| error | 1 |")).toBeLessThan(text.indexOf("| warning | 1 |"));
  expect(text).not.toMatch(/<img|@org|\]\(http|\u202e/);
  for (const line of text.split("\n")) expect(line.replaceAll("\\|", "").split("|").length - 1).toBeOneOf([0, 4, 5]);
  expect(escapeMarkdown("a\nb")).toBe("a b");
  expect(summarise(log())).toContain("No alerts.");
});
