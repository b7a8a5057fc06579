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
