import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame, FRAME, FrameDecoder, MAX_BODY_BYTES, MAX_FRAME_BYTES } from "./frame.ts";

const frames = [
  { type: FRAME.ping, id: 0, body: Buffer.alloc(0) },
  { type: FRAME.get, id: 7, body: Buffer.from("question") },
  { type: FRAME.value, id: 0xffffffff, body: Buffer.alloc(300, 7) },
];
const wire = Buffer.concat(frames.map(({ type, id, body }) => encodeFrame(type, id, body)));

test("frames come out the same, wherever the stream is split in two", () => {
  for (let at = 0; at <= wire.length; at++) {
    const decoder = new FrameDecoder();
    expect([...decoder.push(wire.subarray(0, at)), ...decoder.push(wire.subarray(at))]).toEqual(frames);
  }
});

test("and byte by byte", () => {
  const decoder = new FrameDecoder();
  expect([...wire].flatMap((byte) => decoder.push(Buffer.from([byte])))).toEqual(frames);
});

test("the first byte of every frame is zero: no founding peer's push begins so", () => {
  expect(encodeFrame(FRAME.hello, 1, Buffer.alloc(MAX_BODY_BYTES))[0]).toBe(0);
});

describe("a frame is refused before its body is kept", () => {
  const head = (length: number, type: number): Buffer => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt32BE(length);
    bytes[4] = type;
    return bytes;
  };
  test.each([
    ["one byte above the limit", head(MAX_FRAME_BYTES + 1, FRAME.get), "oversize"],
    ["4 GiB", head(0xffffffff, FRAME.get), "oversize"],
    ["too short for a type and an id", head(4, FRAME.get), "undersize"],
    ["of no known type", head(20, 0x7f), "unknown-type"],
    ["a founding push", Buffer.from('{"type":"cache"}'), "oversize"],
  ])("%s", (_name, bytes, fault) => {
    const decoder = new FrameDecoder();
    expect(decoder.push(bytes)).toEqual([]);
    expect(decoder.fault).toBe(fault);
    expect(decoder.push(wire)).toEqual([]);
  });

  test("but one exactly at the limit is taken", () => {
    const decoder = new FrameDecoder();
    const [frame] = decoder.push(encodeFrame(FRAME.value, 1, Buffer.alloc(MAX_BODY_BYTES)));
    expect(frame?.body).toHaveLength(MAX_BODY_BYTES);
  });
});

test("types of later versions are skipped", () => {
  const later = encodeFrame(0x80, 9, Buffer.from("?"));
  expect(new FrameDecoder().push(Buffer.concat([later, wire]))).toEqual(frames);
});

test("whatever is changed in the stream, nothing is thrown, and no frame is larger than the limit", () => {
  const runs = process.env["FOREGONE_TEST_LONG"] === undefined ? 2000 : 1_000_000;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(wire.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.array(fc.nat(wire.length), { maxLength: 4 }),
      (changes, cuts) => {
        const bytes = Buffer.from(wire);
        for (const [at, value] of changes) bytes[at] = value;
        const decoder = new FrameDecoder();
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          for (const { body } of decoder.push(bytes.subarray(from, cut)))
            expect(body.length).toBeLessThanOrEqual(MAX_BODY_BYTES);
          from = cut;
        }
      },
    ),
    { numRuns: runs },
  );
});
