import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import { etagHex, namesTag, sameTag, tagHex } from "./etag.ts";

interface Vector {
  name: string;
  origin: string;
  headers: [string, string][];
  vary: string[] | null;
  body?: string;
  bodyRef?: string;
  expected: string;
}
const file = JSON.parse(readFileSync("test/vectors/github-etag/vectors.json", "utf8")) as {
  bodies: Record<string, { text: string }>;
  vectors: Vector[];
  comparison: { name: string; a: string; b: string | null; equal: boolean | null }[];
};

function grouped(headers: readonly [string, string][]): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const [name, value] of headers) (all[name.toLowerCase()] ??= []).push(value);
  return all;
}

for (const vector of file.vectors)
  test(`known answer (${vector.origin}): ${vector.name}`, () => {
    const body = Buffer.from(vector.body ?? file.bodies[vector.bodyRef ?? ""]?.text ?? "");
    expect(etagHex(nodeHasher, grouped(vector.headers), vector.vary ?? undefined, body)).toBe(vector.expected);
  });

test.each(file.comparison)(
  "tags compare weakly, and only 64 hex digits speak about the rule: $name",
  ({ a, b, equal }) => {
    expect(b === null ? (tagHex(a) ?? null) : sameTag(a, b)).toBe(equal);
  },
);

test("If-None-Match names a tag in a list, weakly, or all with *", () => {
  expect(namesTag('"a", W/"b"', '"b"')).toBe(true);
  expect(namesTag('"a"', '"b"')).toBe(false);
  expect(namesTag(" * ", '"b"')).toBe(true);
  expect(namesTag("b", '"b"')).toBe(false);
});
