import { describe, expect, test } from "vitest";
import type { EpochMs } from "../ports.ts";
import { accepts, type Answer, changeWord, judge } from "./decide.ts";
import type { Gap } from "./gap.ts";
import type { Observation } from "./observation.ts";
import type { ActionRecord } from "./record.ts";

const observation = (key: string, value = "644 x"): Observation => ({ kind: "file", key, value, by: "cat" });

function record(observations: readonly Observation[], gaps: readonly Gap[] = [], exitCode = 0): ActionRecord {
  const digest = `sha256:${"0".repeat(64)}` as ActionRecord["weak"];
  return {
    version: 1,
    weak: digest,
    action: { argv: ["x"], cwd: "." as never, env: { policy: "hash", values: {} }, platform: {}, salt: {} },
    trace: { observations, gaps },
    result: { exitCode, output: digest, outputs: [], durationMs: 1 },
    provenance: { recordedAt: 0 as EpochMs, tool: "t", seal: {} },
    optOuts: [],
  };
}

const limits = { ageMs: 0, maxAgeMs: 1000, accepted: [] };
const misses = (r: ActionRecord, answers: readonly Answer[], more = limits as Parameters<typeof judge>[2]) =>
  judge(r, answers, more).misses.map((miss) => miss.kind);

describe("judge()", () => {
  test("skips only if every answer is there and equal", () => {
    const r = record([observation("a"), observation("b")]);
    expect(judge(r, ["644 x", "644 x"], limits)).toEqual({ misses: [], compared: 2, equal: 2 });
    expect(misses(r, ["644 x", "644 y"])).toEqual(["changed"]);
    expect(misses(r, ["absent", { why: "EACCES" }])).toEqual(["changed", "unanswered"]);
  });

  test("never matches a question nobody answered", () => {
    const r = record([observation("a", "")]);
    expect(misses(r, [{ why: "EIO" }])).toEqual(["unanswered"]);
    expect(misses(r, [undefined as never])).toEqual(["unanswered"]);
  });

  test("wants one answer for each observation: anything else is a bug of the caller", () => {
    expect(() => judge(record([observation("a")]), [], limits)).toThrow(TypeError);
  });

  test("a gap is a miss unless accepted by name", () => {
    const gap: Gap = { kind: "untraced-network", host: "h", port: 443 };
    expect(misses(record([], [gap]), [])).toEqual(["gap"]);
    expect(misses(record([], [gap]), [], { ...limits, accepted: ["untraced-network"] })).toEqual([]);
  });

  test("age has two limits: not too old, and not from the future", () => {
    const r = record([]);
    expect(misses(r, [], { ...limits, ageMs: 1000 })).toEqual([]);
    expect(misses(r, [], { ...limits, ageMs: 1001 })).toEqual(["expired"]);
    expect(misses(r, [], { ...limits, ageMs: -1 })).toEqual(["untrusted"]);
  });

  test("invariant 9: a record of a failed run is never a licence, whoever wrote it", () => {
    expect(misses(record([], [], 1), [])).toEqual(["untrusted"]);
  });
});

test("some gaps can never be accepted", () => {
  for (const gap of [
    { kind: "events-lost", count: 1, what: "lost" },
    { kind: "untraced-process", argv0: "x" },
    { kind: "io-uring", pid: 1 },
  ] as const)
    expect(accepts([gap.kind, `${gap.kind}:x`], gap)).toBe(false);
});

test("a gap is accepted by kind, by detail, and a host with or without its port", () => {
  const gap: Gap = { kind: "untraced-network", host: "h", port: 443 };
  expect(
    ["untraced-network", "untraced-network:h", "untraced-network:h:443"].map((name) => accepts([name], gap)),
  ).toEqual([true, true, true]);
  expect(accepts(["untraced-network:other", "side-effect"], gap)).toBe(false);
});

test("changes have words", () => {
  const miss = { kind: "changed", question: { kind: "file", key: "a" }, by: "x" } as const;
  expect([
    changeWord({ ...miss, was: "absent", now: "file 644" }),
    changeWord({ ...miss, was: "644 x", now: "absent" }),
    changeWord({ ...miss, was: "644 x", now: "644 y" }),
  ]).toEqual(["appeared", "gone", "changed"]);
});
