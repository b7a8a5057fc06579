import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { systemRandom } from "../node/ports.ts";
import { parseCommandFile } from "../testing/command-file-parser.ts";
import type { Random } from "../ports.ts";
import { commandFileEntry } from "./command-file.ts";
import { valueFault } from "./values.ts";
import { nameFault } from "./variable-name.ts";

interface Vectors {
  readonly envFileParse: readonly {
    id: string;
    text: string;
    variables: Readonly<Record<string, string>>;
    blocked: number;
    error: string | null;
  }[];
  readonly envFileWrite: { readonly values: readonly string[] };
  readonly names: { readonly accepted: readonly string[]; readonly refused: readonly (readonly [string, string])[] };
  readonly refusedValues: readonly (readonly [string, string])[];
}
const vectors = JSON.parse(readFileSync("test/vectors/masking/masking.json", "utf8")) as Vectors;

// The parser is a port of the runner's, for tests alone; these vectors hold it to the original.
test.each(vectors.envFileParse)("the runner's parser reads $id", ({ text, variables, blocked, error }) => {
  const parsed = parseCommandFile(text);
  expect({ variables: Object.fromEntries(parsed.variables), blocked: parsed.blocked }).toEqual({ variables, blocked });
  expect(parsed.error ?? "").toContain(error ?? "");
  expect(parsed.error === undefined).toBe(error === null);
});

/** What the runner reads of PRE, our entry, POST. */
const written = (value: string, random: Random = systemRandom): ReturnType<typeof parseCommandFile> =>
  parseCommandFile(`PRE=1\n${commandFileEntry(random, "K", value)}POST=2\n`);
const exactly = (value: string) => ({
  variables: new Map([
    ["PRE", "1"],
    ["K", value],
    ["POST", "2"],
  ]),
  blocked: 0,
  error: undefined,
});

test.each(vectors.envFileWrite.values)("the value %j survives our writer and the runner's parser", (value) => {
  expect(written(value)).toEqual(exactly(value));
});

test("no value sets another variable, whatever it holds", () => {
  const line = fc.oneof(
    fc.constantFrom("EOF", "PATH=/evil", "NODE_OPTIONS=--require=/e", "K<<EOF", "ghadelimiter_x", "", "=", "<<"),
    fc.string(),
    fc.string({ unit: "binary" }),
  );
  const values = fc
    .array(line, { maxLength: 8 })
    .chain((lines) => fc.constantFrom("\n", "\r\n", "\r").map((end) => lines.join(end)));
  fc.assert(
    fc.property(values, (value) => {
      expect(written(value)).toEqual(exactly(value));
    }),
    { numRuns: 2000 },
  );
});

test("a delimiter that stands in the value is drawn again", () => {
  let draws = 0;
  const random: Random = { bytes: (count) => Buffer.alloc(count, draws++ === 0 ? 0xaa : 0xbb), fraction: () => 0 };
  const value = `x\nghadelimiter_${"aa".repeat(16)}\nPATH=/evil`;
  expect(written(value, random)).toEqual(exactly(value));
});

test.each(vectors.names.accepted)("the name %j is accepted", (name) => {
  expect(nameFault(name)).toBeUndefined();
});

test.each(vectors.names.refused)("the name %j is refused: %s", (name, fault) => {
  expect(nameFault(name)).toBe(fault);
});

test.each(vectors.refusedValues)("the value %j is refused: %s", (value, fault) => {
  expect(valueFault(Buffer.from(value))).toBe(fault);
});

test.each([
  ["1234567", "short"],
  ["12345678", undefined],
  ["x".repeat(48 * 1024), undefined],
  ["x".repeat(48 * 1024 + 1), "long"],
])("a value of that length is judged", (value, fault) => {
  expect(valueFault(Buffer.from(value))).toBe(fault);
});

test("a value that is no UTF-8 is refused: it would not reach a variable unaltered", () => {
  expect(valueFault(Buffer.from([0xff, 0xfe, 1, 2, 3, 4, 5, 6]))).toBe("not-utf8");
});
