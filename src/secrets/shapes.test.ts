import { expect, test } from "vitest";
import { ShapeSearch } from "./shapes.ts";

const JWT = `eyJ${"a".repeat(300)}.eyJ${"b".repeat(3000)}.${"c".repeat(43)}`;
const TOKENS = [
  `ghp_${"A1".repeat(18)}`,
  `github_pat_${"b_2".repeat(20)}`,
  "xoxb-0123456789ab",
  `AKIA${"Z9".repeat(8)}`,
  "-----BEGIN OPENSSH PRIVATE KEY-----",
  JWT,
  "::add-mask::hunter2",
];

function foundIn(...writes: readonly string[]): boolean {
  const search = new ShapeSearch();
  for (const write of writes) search.write(Buffer.from(write));
  return search.found;
}

test.each(TOKENS)("finds %s, however it is cut into writes and wherever a piece ends", (token) => {
  expect(foundIn(`x ${token} y`)).toBe(true);
  for (let cut = 1; cut < token.length; cut += Math.ceil(token.length / 40)) {
    expect(foundIn("x ", token.slice(0, cut), token.slice(cut), " y"), `cut at ${cut}`).toBe(true);
    expect(foundIn(" ".repeat(64 * 1024 - cut), token, " "), `${cut} bytes in the first piece`).toBe(true);
  }
  expect(foundIn(...token.split(""))).toBe(true);
});

test("ordinary output has none", () => {
  expect(foundIn()).toBe(false);
  expect(foundIn("ghp_short", "AKIA but no key", "eyJhbGciOiJub25lIn0", "-----BEGIN CERTIFICATE-----")).toBe(false);
  expect(foundIn(...Array.from({ length: 5000 }, (_, i) => `line ${i} ${"0".repeat(60)}\n`))).toBe(false);
});

test("what was written is copied: a stream uses its buffer again", () => {
  const search = new ShapeSearch();
  const buffer = Buffer.from(TOKENS[0] ?? "");
  search.write(buffer);
  buffer.fill(0x20);
  expect(search.found).toBe(true);
});
