import { spawn } from "node:child_process";
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeStoreFiles } from "../node/store-files.ts";
import { NO_NODE24, node24 } from "../testing/node24.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import {
  appendTo,
  asPosition,
  MAX_LINE_BYTES,
  readNewest,
  readSince,
  SEGMENT_BYTES,
  type SegmentLog,
} from "./segments.ts";

const logIn = (maxBytes = 8 * SEGMENT_BYTES): SegmentLog => ({
  files: nodeStoreFiles,
  path: join(temporaryFolder(), "log"),
  maxBytes,
});
const number = (text: string) => (JSON.parse(text) as { n: number }).n;
const put = (log: SegmentLog, n: number, size = 0) => appendTo(log, JSON.stringify({ n, pad: "x".repeat(size) }));

test("pages go back from the newest line to the oldest, each line once", () => {
  const log = logIn();
  for (let n = 0; n < 100; n++) put(log, n, 40_000);
  const seen: number[] = [];
  let before = readNewest(log, 7).next;
  seen.push(...readNewest(log, 7).lines.map((l) => number(l.text)));
  while (before !== undefined) {
    const page = readNewest(log, 7, before);
    seen.push(...page.lines.map((l) => number(l.text)));
    before = page.next;
  }
  expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => 99 - i));
});

test("a reader that follows sees each line once, also while segments change", () => {
  const log = logIn();
  const seen: number[] = [];
  let next: ReturnType<typeof readSince>["next"];
  for (let n = 0; n < 90; n++) {
    put(log, n, 30_000);
    if (n % 4 !== 0) continue;
    const page = readSince(log, next, SEGMENT_BYTES);
    seen.push(...page.lines.map((l) => number(l.text)));
    next = page.next;
  }
  seen.push(...readSince(log, next, SEGMENT_BYTES).lines.map((l) => number(l.text)));
  expect(seen).toEqual(Array.from({ length: 90 }, (_, i) => i));
});

test("the bound holds, and the oldest lines go first", () => {
  const log = logIn(3 * SEGMENT_BYTES);
  for (let n = 0; n < 60; n++) put(log, n, 200_000);
  const total = readdirSync(log.path).reduce((sum, name) => sum + statSync(join(log.path, name)).size, 0);
  expect(total).toBeLessThanOrEqual(3 * SEGMENT_BYTES);
  const kept = readNewest(log, 1000).lines.map((l) => number(l.text));
  expect(kept[0]).toBe(59);
  expect(kept.length).toBeGreaterThan(8);
  expect(kept).toEqual(kept.map((_, i) => 59 - i));
});

test("a line of the largest size is kept, a longer one is refused", () => {
  const log = logIn();
  const line = (length: number) =>
    JSON.stringify({ n: 1, pad: "x".repeat(length - JSON.stringify({ n: 1, pad: "" }).length) });
  expect(appendTo(log, line(MAX_LINE_BYTES - 2))).toBe(true);
  expect(appendTo(log, line(MAX_LINE_BYTES - 1))).toBe(false);
  expect(readNewest(log, 9).lines).toHaveLength(1);
});

test("cut at every byte, the lines before the cut stay and the next line is whole", () => {
  const log = logIn();
  for (let n = 0; n < 4; n++) put(log, n, 5);
  const path = join(log.path, "00000001.jsonl");
  const whole = readFileSync(path);
  let last = 4;
  for (let size = whole.length; size >= 0; size--) {
    writeFileSync(path, whole);
    truncateSync(path, size);
    put(log, 99);
    const seen = readNewest(log, 100).lines.map((l) => number(l.text));
    expect(seen[0]).toBe(99);
    expect(seen.length - 1).toBeLessThanOrEqual(last);
    last = seen.length - 1;
  }
  expect(last).toBe(0);
});

test("lines that are no JSON objects are left out", () => {
  const log = logIn();
  put(log, 1);
  appendFileSync(join(log.path, "00000001.jsonl"), "rubbish\n{\n\n");
  writeFileSync(join(log.path, "notes.txt"), '{"n": 7}\n');
  put(log, 2);
  expect(readNewest(log, 9).lines.map((l) => number(l.text))).toEqual([2, 1]);
});

test("what is no position is refused", () => {
  expect(["1-2", "-1", "a-b", "1-2-3", "999999999-1", ""].map(asPosition)).toEqual(["1-2", ...Array<undefined>(5)]);
});

test("an empty log has no lines and makes no folder", () => {
  const log = logIn();
  expect([readNewest(log, 5), readSince(log, undefined, 1000)]).toEqual([
    { lines: [], next: undefined },
    { lines: [], next: undefined },
  ]);
  expect(nodeStoreFiles.stat(log.path)).toBeUndefined();
});

test("eight processes lose no line, killed ones leave no damage", async (context) => {
  const log = logIn(64 * SEGMENT_BYTES);
  // Node 24 runs TypeScript; Node 20, which runs the tests, does not.
  const node = node24();
  if (node === undefined) return context.skip(NO_NODE24);
  const script = `
    import { appendTo } from ${JSON.stringify(import.meta.resolve("./segments.ts"))};
    import { nodeStoreFiles as files } from ${JSON.stringify(import.meta.resolve("../node/store-files.ts"))};
    const [path, from] = process.argv.slice(1);
    const log = { files, path, maxBytes: ${64 * SEGMENT_BYTES} };
    for (let n = 0; n < 200; n++) appendTo(log, JSON.stringify({ n: Number(from) * 1000 + n, pad: "x".repeat(3000) }));
    process.stdout.write("done");
    for (let n = 0; from === "7"; n++) appendTo(log, JSON.stringify({ n: 7900, pad: "y".repeat(n % 5000) }));
  `;
  const writers = Array.from({ length: 8 }, (_, i) => {
    const child = spawn(node, ["--input-type=module", "-e", script, log.path, String(i)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (i === 7) child.stdout.once("data", () => setImmediate(() => child.kill("SIGKILL")));
    return new Promise<void>((resolve) => child.once("close", () => resolve()));
  });
  await Promise.all(writers);
  const seen = readNewest(log, 1_000_000).lines.map((l) => number(l.text));
  const wanted = Array.from({ length: 8 }, (_, i) => Array.from({ length: 200 }, (_, n) => i * 1000 + n)).flat();
  const counts = new Map<number, number>();
  for (const n of seen) counts.set(n, (counts.get(n) ?? 0) + 1);
  expect(wanted.filter((n) => counts.get(n) !== 1)).toEqual([]);
  put(log, -1);
  expect(number(readNewest(log, 1).lines[0]?.text ?? "")).toBe(-1);
});
