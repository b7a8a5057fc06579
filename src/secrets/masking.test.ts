import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { redactPatterns, runnerEncodings, linesOf, unique } from "./forms.ts";
import { escapeData, maskCommands } from "./masking.ts";

interface Vectors {
  readonly runnerMasks: readonly { id: string; value: string; masked: readonly string[] }[];
  readonly commands: readonly { id: string; value: string; addMask: readonly string[] }[];
  readonly redactPatterns: readonly { id: string; value: string; patterns: readonly string[] }[];
  readonly commandEscape: readonly { value: string; escaped: string }[];
}
const vectors = JSON.parse(readFileSync("test/vectors/masking/masking.json", "utf8")) as Vectors;
const sorted = (texts: readonly string[]): string[] => [...texts].toSorted();

test.each(vectors.runnerMasks)("the runner masks of $id are its own", ({ value, masked }) => {
  expect(sorted(unique([value, ...linesOf(value)].flatMap(runnerEncodings)))).toEqual(sorted(masked));
});

test.each(vectors.commands)("the add-mask commands of $id", ({ value, addMask }) => {
  expect(sorted(maskCommands(value))).toEqual(sorted(addMask));
});

test.each(vectors.redactPatterns)("the redaction patterns of $id", ({ value, patterns }) => {
  expect(sorted(redactPatterns(value))).toEqual(sorted(patterns));
});

test.each(vectors.commandEscape)("command data $value is escaped", ({ value, escaped }) => {
  expect(escapeData(value)).toBe(escaped);
});
