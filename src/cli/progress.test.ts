import { expect, test } from "vitest";
import { Progress } from "./progress.ts";

function written(total: number, isTTY: boolean): string {
  const out: string[] = [];
  const stream = { isTTY, write: (text: string) => out.push(text) > 0 };
  const progress = new Progress(stream as unknown as ConstructorParameters<typeof Progress>[0], "checking");
  for (let done = 1; done <= total; done++) progress.show(done, total);
  progress.end();
  return out.join("");
}

test("CI gets a plain line each quarter, and short work none", () => {
  expect(written(400, false)).toBe([100, 200, 300, 400].map((done) => `foregone: checking ${done} of 400\n`).join(""));
  expect(written(399, false)).toBe("");
});

test("a terminal gets one line that is drawn over and wiped at the end", () => {
  const text = written(50, true);
  expect(text).not.toContain("\n");
  expect(text.endsWith("50 of 50\u001b[K\r\u001b[K")).toBe(true);
});
