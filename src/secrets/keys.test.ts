import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Random } from "../ports.ts";
import { openVersion, sealVersion, type Attributes } from "./envelope.ts";
import { commitment, hkdfSha256, scopeKeys } from "./keys.ts";

interface HkdfCase {
  readonly tcId: number;
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
  readonly result: "valid" | "invalid";
}
const hex = (text: string): Buffer => Buffer.from(text, "hex");

test("hkdfSha256() agrees with every Wycheproof case", () => {
  const file = JSON.parse(readFileSync("test/vectors/wycheproof/hkdf_sha256_test.json", "utf8")) as {
    testGroups: { tests: HkdfCase[] }[];
  };
  const cases = file.testGroups.flatMap((g) => g.tests);
  expect([cases.length, cases.filter((c) => c.result === "valid").length]).toEqual([86, 83]);
  for (const c of cases)
    expect(hkdfSha256(hex(c.ikm), hex(c.salt), hex(c.info), c.size), `${c.tcId}`).toEqual(
      c.result === "valid" ? hex(c.okm) : undefined,
    );
});

// The format's own known answer: docs/secrets.md, "Known answer". Computed by two independent programs.
const master = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const attributes: Attributes = {
  storeId: "store-1",
  credentialId: "c1",
  name: "DEPLOY_TOKEN",
  scopeKind: "repo",
  scopeId: "456",
  version: 1,
  notBefore: 1767225600,
  notAfter: 1767312000,
  policy: {},
};
const WRAP = "2928eeb76bcec96ed646cbfab6de6f60875ea21403cd6d7c8489540c9215791a08a65e3beba2cb9dda39975168e74417";
const VALUE = "7b96d8671ed1079c61d6a7fab69d51397edb8ff84f41c8ce8e5d99227dbb";
const NONCE = "000102030405060708090a0b";

test("the key tree and the envelope give the known answer", () => {
  const { wrap } = scopeKeys(master, "store-1", "repo", "456");
  expect(wrap.toString("hex")).toBe("f49c3048b5c595219b00d285bd8a4b5a6a5cd7b9ad6e10f54867e7089d8646f4");
  expect(commitment(master, "k1").toString("hex")).toBe(
    "6872f6f1f72cedd264843dee48454afb1a68045738672479ae39d2c2fbc46c58",
  );
  const random: Random = {
    bytes: (count) => (count === 32 ? Buffer.alloc(32, 0x11) : hex(NONCE)),
    fraction: () => 0,
  };
  const sealed = sealVersion(random, wrap, "k1", attributes, Buffer.from("hunter2hunter2"));
  expect(sealed.wrap.toString("hex")).toBe(NONCE + WRAP);
  expect(sealed.value.toString("hex")).toBe(NONCE + VALUE);
  expect(openVersion(wrap, "k1", attributes, sealed)).toEqual(Buffer.from("hunter2hunter2"));
});

test("a version renamed, re-scoped, prolonged, predated, swapped, bumped or given another policy does not open", () => {
  const { wrap } = scopeKeys(master, "store-1", "repo", "456");
  const sealed = { wrap: hex(NONCE + WRAP), value: hex(NONCE + VALUE) };
  const edits: Partial<Attributes>[] = [
    { name: "OTHER_TOKEN" },
    { scopeId: "457" },
    { scopeKind: "owner" },
    { notAfter: 1767312001 },
    { notAfter: null },
    { notBefore: 1767225599 },
    { credentialId: "c2" },
    { version: 2 },
    { policy: { assurance: "local" } },
    { storeId: "store-2" },
  ];
  for (const edit of edits)
    expect(openVersion(wrap, "k1", { ...attributes, ...edit }, sealed), JSON.stringify(edit)).toBe(
      "wrap-not-authentic",
    );
  expect(openVersion(wrap, "k2", attributes, sealed)).toBe("wrap-not-authentic");
  expect(openVersion(wrap, "k1", attributes, { ...sealed, wrap: sealed.wrap.subarray(0, 59) })).toBe("wrap-length");
  expect(openVersion(wrap, "k1", attributes, { ...sealed, value: sealed.value.subarray(0, 20) })).toBe(
    "value-too-short",
  );
  expect(openVersion(wrap, "k1", attributes, { ...sealed, value: sealed.value.subarray(0, 40) })).toBe(
    "value-not-authentic",
  );
});
