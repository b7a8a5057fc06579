import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeOutputLog, OutputLog, type OutputStream } from "./output-log.ts";

const logOf = (chunks: readonly (readonly [OutputStream, Uint8Array])[]): OutputLog => {
  const log = new OutputLog();
  for (const [stream, bytes] of chunks) log.add(stream, bytes);
  return log;
};

test("an output log keeps the bytes of each stream and their interleaving", () => {
  const chunk = fc.tuple(fc.constantFrom<OutputStream>("stdout", "stderr"), fc.uint8Array({ maxLength: 20 }));
  fc.assert(
    fc.property(fc.array(chunk), (chunks) => {
      const tagged = (all: Iterable<{ stream: OutputStream; bytes: Uint8Array }>): string[] =>
        [...all].flatMap(({ stream, bytes }) => [...bytes].map((byte) => `${stream} ${byte}`));
      const decoded = decodeOutputLog(logOf(chunks).done());
      expect(tagged(decoded ?? [])).toEqual(tagged(chunks.map(([stream, bytes]) => ({ stream, bytes }))));
    }),
  );
});

test("neighbours of one stream become one chunk, and the size is known", () => {
  const log = logOf([
    ["stdout", Buffer.from("a")],
    ["stdout", Buffer.from("b")],
    ["stderr", Buffer.from("c")],
  ]);
  const bytes = log.done();
  expect(decodeOutputLog(bytes)).toHaveLength(2);
  expect(log.sizeBytes).toBe(bytes.length);
});

test("a log cut at any byte that is not the end of a chunk is none", () => {
  const bytes = logOf([
    ["stdout", Buffer.from("hello")],
    ["stderr", Buffer.from("world")],
  ]).done();
  const whole = new Set([4, 14, bytes.length]);
  for (let length = 0; length <= bytes.length; length++)
    expect(decodeOutputLog(bytes.subarray(0, length)) !== undefined, `cut at ${length}`).toBe(whole.has(length));
});

test("an unknown tag is none", () => {
  expect(decodeOutputLog(Buffer.from("FGO\x01\x03\0\0\0\0", "latin1"))).toBeUndefined();
});
