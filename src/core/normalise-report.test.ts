import { expect, test } from "vitest";
import { reportDifference } from "./normalise-report.ts";

test("times, colours, order and temporary names are no difference", () => {
  const was =
    "\u001b[32m✓\u001b[39m a.test.ts (3 tests) 14ms\n✓ b.test.ts 1.2 s\nStart at 23:44:25\nin /tmp/x-1ab/out\n";
  const now = "✓ b.test.ts 0.9 s\n✓ a.test.ts (3 tests) 15ms\nStart at 23:45:01\nin /tmp/x-9zz/out\n";
  expect(reportDifference(was, now)).toBeUndefined();
});

test("another count, a missing line and another word are differences", () => {
  expect(reportDifference("3 tests passed in 2ms", "4 tests passed in 2ms")).toBe("3 tests passed in <duration>");
  expect(reportDifference("a\nb\n", "a\n")).toBe("b");
  expect(reportDifference("ok", "failed")).toBeDefined();
});

test("the machine's load and the seed of a shuffle are no difference", () => {
  const report = (load: string, seed: number) => `Using random seed: ${seed}\n0:00:01 load avg: ${load} [1/1] test_a\n`;
  expect(reportDifference(report("8.49", 1), report("0.02", 2142580060))).toBeUndefined();
  expect(reportDifference("load average: 0.10, 0.20, 1.30", "load average: 2.00, 0.21, 1.31")).toBeUndefined();
});
