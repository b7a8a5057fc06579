import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { systemRandom } from "../node/ports.ts";
import type { Random } from "../ports.ts";
import { open, seal } from "./seal.ts";

interface GcmCase {
  readonly tcId: number;
  readonly comment: string;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: "valid" | "invalid";
}
const hex = (text: string): Buffer => Buffer.from(text, "hex");
const drawing = (bytes: Uint8Array): Random => ({ bytes: () => bytes, fraction: () => 0 });

test("seal() and open() agree with every Wycheproof case of a 256-bit key and a 96-bit nonce", () => {
  const file = JSON.parse(readFileSync("test/vectors/wycheproof/aes_gcm_test.json", "utf8")) as {
    testGroups: { keySize: number; ivSize: number; tests: GcmCase[] }[];
  };
  const cases = file.testGroups.filter((g) => g.keySize === 256 && g.ivSize === 96).flatMap((g) => g.tests);
  expect([cases.length, cases.filter((c) => c.result === "valid").length]).toEqual([66, 39]);
  for (const c of cases) {
    const valid = c.result === "valid";
    const sealed = hex(c.iv + c.ct + c.tag);
    expect(open(hex(c.key), sealed, hex(c.aad)), `${c.tcId} ${c.comment}`).toEqual(
      valid ? hex(c.msg) : "not-authentic",
    );
    const ours = seal(drawing(hex(c.iv)), hex(c.key), hex(c.msg), hex(c.aad));
    expect(ours.equals(sealed), `${c.tcId} ${c.comment}`).toBe(valid);
  }
});

test("open() refuses every shortened tag: 4, 8 and 12 to 15 bytes are lengths that Node alone would take", () => {
  const key = Buffer.alloc(32, 7);
  const sealed = seal(systemRandom, key, Buffer.from("hunter2hunter2hunter2"), Buffer.alloc(0));
  for (let cut = 1; cut <= 16; cut++)
    expect(open(key, sealed.subarray(0, sealed.length - cut), Buffer.alloc(0)), `${cut} bytes cut`).toBe(
      "not-authentic",
    );
  expect(open(key, sealed.subarray(0, 27), Buffer.alloc(0))).toBe("too-short");
  expect(open(key, Buffer.alloc(0), Buffer.alloc(0))).toBe("too-short");
});

test("open() gives back what seal() took, and nothing after any one bit of it changed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 50 }), fc.nat(), (text, aad, bit) => {
      const key = Buffer.from(systemRandom.bytes(32));
      const sealed = seal(systemRandom, key, text, aad);
      expect(open(key, sealed, aad)).toEqual(Buffer.from(text));
      const at = bit % (sealed.length * 8);
      const byte = sealed[at >> 3] ?? 0;
      sealed[at >> 3] = byte ^ (1 << (at & 7));
      expect(open(key, sealed, aad)).toBe("not-authentic");
    }),
  );
});

test("seal() refuses a nonce or key of another length", () => {
  const aad = Buffer.alloc(0);
  expect(() => seal(drawing(Buffer.alloc(11)), Buffer.alloc(32), aad, aad)).toThrow("nonce of 11 bytes");
  expect(() => seal(drawing(Buffer.alloc(1)), Buffer.alloc(32), aad, aad)).toThrow("nonce of 1 bytes");
  expect(() => open(Buffer.alloc(16), Buffer.alloc(28), aad)).toThrow("key of 16 bytes");
});

test("two seals of one text differ: the nonce is drawn anew", () => {
  const key = Buffer.alloc(32, 1);
  const once = (): string => seal(systemRandom, key, Buffer.from("same"), Buffer.alloc(0)).toString("hex");
  expect(once()).not.toBe(once());
});
