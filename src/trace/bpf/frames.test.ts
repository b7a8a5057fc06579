import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FRAME, frameHead, FrameReader, jsonFrame } from "./frames.ts";

test("frames come out whole, whatever pieces they come in", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 50 })), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
      (frames, sizes) => {
        const stream = Buffer.concat(frames.flatMap(([type, payload]) => [frameHead(type, payload.length), payload]));
        const got: [number, string][] = [];
        const reader = new FrameReader((type, payload) => {
          expect(payload.byteOffset % 8).toBe(0);
          got.push([type, payload.toString("hex")]);
        });
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          reader.push(stream.subarray(at, at + size));
          at += size;
        }
        // An empty frame is complete only when something follows it.
        expect(got).toEqual(frames.map(([type, p]) => [type, Buffer.from(p).toString("hex")]));
      },
    ),
  );
});

test("a length that cannot be ours is refused before any memory is taken for it", () => {
  expect(() => new FrameReader(() => undefined).push(frameHead(FRAME.records, 0xffff_ffff))).toThrow(RangeError);
});

test("JSON keeps every byte of a mount table", () => {
  const mountinfo = "1 0 8:1 / /caf\xe9\\040x rw\n";
  let got: unknown;
  new FrameReader((_, payload) => (got = JSON.parse(payload.toString()))).push(jsonFrame(FRAME.mounts, { mountinfo }));
  expect(got).toEqual({ mountinfo });
});
