import { expect, test } from "vitest";
import { nodeDeflate } from "../../node/store-files.ts";
import { type BundleLine, decodeBundle, encodeBundle, MAX_LINES, MAX_UNITS } from "./bundle.ts";

const lineOf = (text: string, values: Record<string, Uint8Array> = {}): BundleLine => ({
  line: Buffer.from(text),
  values: new Map(Object.entries(values)),
});
const texts = (bytes: Uint8Array): string[] | undefined =>
  decodeBundle(bytes, nodeDeflate)?.map(({ line }) => Buffer.from(line).toString());

test("lines and values come back in their order", () => {
  const bytes = encodeBundle(
    [lineOf("old"), lineOf("", { empty: Buffer.alloc(0), "blobs/1": Buffer.from("x") })],
    nodeDeflate,
  );
  expect(texts(bytes)).toEqual(["old", ""]);
  const last = decodeBundle(bytes, nodeDeflate)?.at(-1)?.values;
  expect([...(last ?? [])].map(([key, value]) => [key, Buffer.from(value).toString()])).toEqual([
    ["empty", ""],
    ["blobs/1", "x"],
  ]);
  expect(texts(encodeBundle([], nodeDeflate))).toEqual([]);
});

test("the oldest lines go, and the values of all but the newest", () => {
  const all = Array.from({ length: MAX_LINES + 1 }, (_, i) => lineOf(`${i}`, { [`v${i}`]: Buffer.from(`${i}`) }));
  const decoded = decodeBundle(encodeBundle(all, nodeDeflate), nodeDeflate) ?? [];
  expect(decoded).toHaveLength(MAX_LINES);
  expect(Buffer.from(decoded[0]?.line ?? []).toString()).toBe("1");
  expect(decoded.filter(({ values }) => values.size > 0)).toHaveLength(MAX_UNITS);
  expect(decoded.at(-1)?.values.has(`v${MAX_LINES}`)).toBe(true);
});

test("cut at each byte or with each byte another: no bundle, or one that is whole; never an exception", () => {
  const good = encodeBundle([lineOf("a"), lineOf("b", { v: Buffer.from("value") })], nodeDeflate);
  for (let at = 0; at < good.length; at++) {
    expect(texts(good.subarray(0, at))).toBeUndefined();
    const spoiled = Buffer.from(good);
    spoiled[at] = (spoiled[at] ?? 0) ^ 0x2a;
    expect([undefined, 2]).toContain(decodeBundle(spoiled, nodeDeflate)?.length);
  }
});

test("one that claims more than is read is none", () => {
  const huge = Buffer.concat([Buffer.from("FGU\x01", "latin1"), Buffer.from([0xff, 0xff, 0xff, 0x7f])]);
  expect(decodeBundle(Buffer.concat([huge, nodeDeflate.deflate(Buffer.alloc(1 << 20))]), nodeDeflate)).toBeUndefined();
});
