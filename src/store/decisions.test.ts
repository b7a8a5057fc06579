import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeStoreFiles } from "../node/store-files.ts";
import type { EpochMs } from "../ports.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import {
  appendDecision,
  type DecisionEvent,
  decisionLog,
  followDecisions,
  MAX_MISSES,
  readDecision,
  readDecisions,
} from "./decisions.ts";
import { appendTo } from "./segments.ts";

const event = (at: number, more: Partial<DecisionEvent> = {}): DecisionEvent => ({
  at: at as EpochMs,
  command: ["npm", "test"],
  workspace: "/w",
  cwd: ".",
  kind: "run",
  misses: [{ kind: "no-record" }],
  missCount: 1,
  compared: {},
  gaps: [],
  optOuts: [],
  decideMs: 12,
  ...more,
});
const open = () => decisionLog({ files: nodeStoreFiles, path: temporaryFolder() }, 8 * 1024 * 1024);

test("decisions come back newest first, page by page, and follow oldest first", () => {
  const log = open();
  for (let at = 1; at <= 5; at++) expect(appendDecision(log, event(at))).toBe(true);
  const first = readDecisions(log, 3);
  expect(first.decisions.map((d) => d.at)).toEqual([5, 4, 3]);
  expect(readDecisions(log, 3, first.next).decisions.map((d) => d.at)).toEqual([2, 1]);
  const followed = followDecisions(log, undefined);
  expect(followed.decisions.map((d) => d.at)).toEqual([1, 2, 3, 4, 5]);
  appendDecision(log, event(6));
  expect(followDecisions(log, followed.next).decisions.map((d) => d.at)).toEqual([6]);
});

test("a decision has a name that never changes, and is what was written", () => {
  const log = open();
  const written = event(1, { kind: "skip", basis: "trace", misses: [], missCount: 0, savedMs: 252_000 });
  appendDecision(log, written);
  const [stored] = readDecisions(log, 1).decisions;
  appendDecision(log, event(2));
  expect(readDecisions(log, 2).decisions[1]).toEqual(stored);
  expect(stored).toEqual({ ...written, id: stored?.id });
  expect(readDecision(log, stored!.id)).toEqual(stored);
  expect(readDecision(log, "1-2" as NonNullable<typeof stored>["id"])).toBeUndefined();
});

test("a thousand misses and a command line of a megabyte are cut, and counted in full", () => {
  const log = open();
  const misses = Array.from({ length: 1000 }, () => ({ kind: "no-record" }) as const);
  appendDecision(log, event(1, { command: ["sh", "-c", "x".repeat(1_000_000)], misses, missCount: 1000 }));
  const [stored] = readDecisions(log, 1).decisions;
  expect([stored?.misses.length, stored?.missCount, stored?.command[2]?.length]).toEqual([MAX_MISSES, 1000, 4003 - 4]);
});

test("lines of another shape are left out", () => {
  const log = open();
  appendDecision(log, event(1));
  for (const line of ['{"at": 1}', '{"at":"x","command":[],"kind":"run"}', "{}"]) appendTo(log, line);
  expect(readDecisions(log, 9).decisions.map((d) => d.at)).toEqual([1]);
});

test("a folder that cannot be made costs the entry, not the caller", () => {
  const log = { files: nodeStoreFiles, path: join("/etc/hostname", "x"), maxBytes: 1000 };
  expect(appendDecision(log, event(1))).toBe(false);
});
