import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { lineHashes } from "./line-hash.ts";

interface Case {
  readonly name: string;
  readonly input?: string;
  readonly inputRepeat?: readonly (readonly [string, number])[];
  readonly inputBase64?: string;
  readonly lines: readonly string[];
}
const { cases } = JSON.parse(readFileSync("test/vectors/primary-location-line-hash.json", "utf8")) as { cases: Case[] };

function bytesOf({ input, inputRepeat, inputBase64 }: Case): Uint8Array {
  if (inputBase64 !== undefined) return Buffer.from(inputBase64, "base64");
  return Buffer.from(input ?? (inputRepeat ?? []).map(([text, count]) => text.repeat(count)).join(""));
}

test("there are 39 known answers", () => expect(cases).toHaveLength(39));

test.each(cases.map((c) => [c.name, c] as const))("lineHashes() of %s", (_, c) => {
  const hashes = lineHashes(bytesOf(c));
  expect(hashes).toEqual(c.lines);
});

function slow(text: string): string[] {
  const mod = 2n ** 64n;
  const window = Array<bigint>(100).fill(0n);
  const out: { start: number; hash: string }[] = [];
  const units: number[] = [];
  const starts: number[] = [];
  let fresh = true;
  for (const unit of text
    .replace(/[ \t]*(\r\n|\r|\n)/g, "\n")
    .replace(/[ \t]/g, "")
    .split("")) {
    if (fresh) starts.push(units.length);
    fresh = unit === "\n";
    units.push(unit.charCodeAt(0));
  }
  if (fresh) starts.push(units.length);
  units.push(65535, ...Array<number>(100).fill(0));
  const counts = new Map<string, number>();
  for (const start of starts) {
    window.fill(0n);
    let hash = 0n;
    for (let i = 0; i < 100; i++) hash = (hash * 37n + BigInt(units[start + i] ?? 0)) % mod;
    const value = hash.toString(16);
    counts.set(value, (counts.get(value) ?? 0) + 1);
    out.push({ start, hash: `${value}:${counts.get(value)}` });
  }
  return out.map((o) => o.hash);
}

test("lineHashes() equals the definition, without a rolling window, for any text", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "é", "\n", "xyz", "0", "\u{1f600}", "}".repeat(130)), { maxLength: 300 }),
      (parts) => {
        const text = parts.join("");
        expect(lineHashes(Buffer.from(text))).toEqual(slow(text));
      },
    ),
  );
});
