import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeDeflate } from "../node/store-files.ts";
import { sampleRecord, syntheticObservations } from "../testing/sample-record.ts";
import { QUESTION_KINDS, type Observation } from "./observation.ts";
import { decodeRecord, encodeRecord, recordReferences } from "./record-codec.ts";
import type { ActionRecord } from "./record.ts";

function encode(record: ActionRecord): Uint8Array {
  const bytes = encodeRecord(record, nodeDeflate);
  if (bytes === undefined) throw new Error("too large");
  return bytes;
}

const withObservations = (observations: readonly Observation[]): ActionRecord => ({
  ...sampleRecord,
  trace: { ...sampleRecord.trace, observations },
});

describe("a record", () => {
  test("comes back as it was, with its observations in first-read order", () => {
    expect(decodeRecord(encode(sampleRecord), nodeDeflate)).toEqual({ kind: "record", record: sampleRecord });
  });

  test("without observations too", () => {
    const record = withObservations([]);
    expect(decodeRecord(encode(record), nodeDeflate)).toEqual({ kind: "record", record });
  });

  test("of any text comes back as it was", () => {
    const text = fc.string({ unit: "binary" }).filter((s) => !/\p{Surrogate}/u.test(s));
    const hex = fc.stringMatching(/^[0-9a-f]{0,70}$/);
    const observation = fc.record({
      kind: fc.constantFrom(...QUESTION_KINDS),
      key: text.filter((s) => !s.includes("\0")),
      value: fc.oneof(
        text,
        hex,
        hex.map((h) => `644 sha256:${h}`),
        fc.nat().map((n) => `file 644 ${n}`),
      ),
      by: text,
    });
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 40 }), (observations) => {
        const record = withObservations(observations);
        expect(decodeRecord(encode(record), nodeDeflate)).toEqual({ kind: "record", record });
      }),
    );
  });

  test("of 10,000 observations takes 300 kB at most, even with 32-byte digests", () => {
    expect(encode(withObservations(syntheticObservations(10_000, 32))).length).toBeLessThanOrEqual(300_000);
  });

  test("names the blobs it needs without its observations being decoded", () => {
    const { output, outputs } = sampleRecord.result;
    expect(recordReferences(encode(sampleRecord), nodeDeflate)).toEqual([output, outputs[0]?.content]);
  });

  test("of a newer version is told apart from damage", () => {
    const bytes = Uint8Array.from(encode(sampleRecord));
    bytes[3] = 2;
    expect(decodeRecord(bytes, nodeDeflate)).toEqual({ kind: "newer", version: 2 });
  });

  test("with text that UTF-8 cannot say, or a NUL in a key, is refused when written", () => {
    for (const key of ["a\0b", "a\ud800"])
      expect(() => encode(withObservations([{ kind: "absent", key, value: "absent", by: "sh" }]))).toThrow(TypeError);
  });
});

describe("decodeRecord never throws", () => {
  const whole = encode(sampleRecord);

  test("for a record cut at any byte, which is never a record", () => {
    for (let length = 0; length < whole.length; length++)
      expect(decodeRecord(whole.subarray(0, length), nodeDeflate).kind, `cut at ${length}`).toBe("corrupt");
  });

  test("for a record with bytes behind it", () => {
    expect(decodeRecord(Buffer.concat([whole, Buffer.from([0])]), nodeDeflate).kind).toBe("corrupt");
  });

  test("for any one byte changed", () => {
    for (let at = 0; at < whole.length; at++)
      for (const flip of [1, 0x80, 0xff]) {
        const bytes = Uint8Array.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        expect(["record", "corrupt", "newer"]).toContain(decodeRecord(bytes, nodeDeflate).kind);
      }
  });

  test("for random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        const bytes = Buffer.concat([Buffer.from("FGR\x01", "latin1"), noise]);
        expect(["corrupt", "record"]).toContain(decodeRecord(bytes, nodeDeflate).kind);
      }),
    );
  });

  test("for a header that says more than it holds", () => {
    const bomb = nodeDeflate.deflate(Buffer.alloc(50_000_000));
    const claim = Buffer.concat([
      Buffer.from("FGR\x01", "latin1"),
      Buffer.from([
        0xff,
        0xff,
        0xff,
        0x0f,
        0x80 | (bomb.length & 0x7f),
        0x80 | ((bomb.length >> 7) & 0x7f),
        bomb.length >> 14,
        1,
        1,
      ]),
      bomb,
    ]);
    expect(decodeRecord(claim, nodeDeflate).kind).toBe("corrupt");
  });
});

test("a record with an unknown kind of gap, or a field of the wrong type, is corrupt", () => {
  const wrong: unknown[] = [
    { ...sampleRecord, weak: "sha256:xyz" },
    { ...sampleRecord, result: { ...sampleRecord.result, exitCode: "0" } },
    { ...sampleRecord, provenance: { ...sampleRecord.provenance, recordedAt: -1 } },
    { ...sampleRecord, trace: { ...sampleRecord.trace, gaps: [{ kind: "from-the-future", what: "x" }] } },
    { ...sampleRecord, trace: { ...sampleRecord.trace, gaps: [{ kind: "io-uring" }] } },
  ];
  for (const record of wrong) expect(decodeRecord(encode(record as ActionRecord), nodeDeflate).kind).toBe("corrupt");
});
