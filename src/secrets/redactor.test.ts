import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { buildAutomaton } from "./automaton.ts";
import { redactPatterns } from "./forms.ts";
import { Redactor, secretsAutomaton } from "./redactor.ts";

interface Vectors {
  readonly maskText: readonly { id: string; secrets: readonly string[]; input: string; foregone?: string }[];
  readonly maskTextLeaks: readonly { id: string; secrets: readonly string[]; input: string; foregone: string }[];
  readonly stream: readonly {
    id: string;
    secrets: readonly string[];
    chunksUtf8Base64: readonly string[];
    expected: string;
  }[];
}
const vectors = JSON.parse(readFileSync("test/vectors/masking/masking.json", "utf8")) as Vectors;

function redact(secrets: readonly string[], chunks: readonly Buffer[]): string {
  const redactor = new Redactor(secretsAutomaton(secrets));
  return Buffer.concat([...chunks.map((chunk) => redactor.write(chunk)), redactor.end()]).toString();
}

test.each([...vectors.maskText.filter((v) => v.foregone !== undefined), ...vectors.maskTextLeaks])(
  "text $id is redacted as the vectors say",
  ({ secrets, input, foregone }) => {
    expect(redact(secrets, [Buffer.from(input)])).toBe(foregone);
  },
);

test.each(vectors.stream)("stream $id: $note", ({ secrets, chunksUtf8Base64, expected }) => {
  expect(
    redact(
      secrets,
      chunksUtf8Base64.map((chunk) => Buffer.from(chunk, "base64")),
    ),
  ).toBe(expected);
});

/** By definition: every byte that any occurrence of any pattern covers is masked, neighbours as one. */
function naive(patterns: readonly Buffer[], text: Buffer): string {
  const covered = new Uint8Array(text.length);
  for (const pattern of patterns)
    for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1))
      covered.fill(1, at, at + pattern.length);
  let out = "";
  for (let i = 0; i < text.length; i++)
    if (covered[i] !== 1) out += String.fromCharCode(text[i] ?? 0);
    else if (covered[i - 1] !== 1) out += "***";
  return out;
}

const word = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 6 }).map((cs) => cs.join(""));

test.each([undefined, 3])(
  "for all patterns, texts and cuts, exactly what a pattern covers is masked (rows: %s)",
  (maxRows) => {
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 8 }),
        fc.array(word, { maxLength: 30 }),
        (words, chunks) => {
          const patterns = words.map((w) => Buffer.from(w));
          const redactor = new Redactor(buildAutomaton(patterns, maxRows));
          const out = [...chunks.map((chunk) => redactor.write(Buffer.from(chunk))), redactor.end()];
          expect(Buffer.concat(out).toString("latin1")).toBe(naive(patterns, Buffer.from(chunks.join(""))));
        },
      ),
      { numRuns: 3000 },
    );
  },
);

test("no form of a value passes, alone or inside other text, cut anywhere", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 8, maxLength: 60, unit: "grapheme" }),
      fc.string(),
      fc.string(),
      fc.integer({ min: 1, max: 7 }),
      (value, before, after, size) => {
        for (const pattern of redactPatterns(value)) {
          const text = Buffer.from(`${before}${pattern}${after}`);
          const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
            text.subarray(i * size, (i + 1) * size),
          );
          const out = redact([value], chunks);
          expect(Buffer.from(out).includes(Buffer.from(pattern)) && !"***".includes(pattern)).toBe(false);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("100 secrets fit: their automaton has 100,000 states and makes only the rows a text reaches", () => {
  const secrets = Array.from({ length: 100 }, (_, i) => `secret-number-${i}-${"x".repeat(i % 30)}-${i * 7919}`);
  const automaton = secretsAutomaton(secrets);
  const redactor = new Redactor(automaton);
  const text = secrets.map((s) => `${s} ${Buffer.from(`${s}\n`).toString("base64")} plain`).join("\n");
  const out = Buffer.concat([redactor.write(Buffer.from(text)), redactor.end()]).toString();
  for (const secret of secrets) expect(out).not.toContain(secret);
  expect(out.split("plain").length).toBe(101);
});
