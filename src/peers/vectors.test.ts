// Known answers: computed apart, in Python (hashlib, cryptography) and with Node 20 and 24.
import { expect, test } from "vitest";
import { helloMac } from "./hello.ts";
import { peerIdOf } from "./identity.ts";
import { meshKey, stretched } from "./mesh-key.ts";
import { scoreOf } from "./ring.ts";
import { cidOf, cidText, openValue, sealValue } from "./seal.ts";
import { sha256 } from "./bytes.ts";

const NETWORK = "github.com/acme/demo";
const key = meshKey(Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 1, NETWORK);
const [A, B] = [peerIdOf(Buffer.alloc(32, 1)), peerIdOf(Buffer.alloc(32, 2))];
const context = {
  keyHash: Buffer.alloc(32),
  digest: sha256(Buffer.from("hello")),
  writer: A,
  expiresAt: 1762423200000,
};
const salt = Buffer.from(Array.from({ length: 16 }, (_, i) => i));

test("a key's id", () => expect(key.kid.toString("hex")).toBe("845c63a09d609c6f"));

test("a sealed value, and its CID", () => {
  const sealed = sealValue(key, context, Buffer.from("hello"), salt);
  const head = `01${key.kid.toString("hex")}${salt.toString("hex")}`;
  expect(sealed.toString("hex")).toBe(`${head}75a2bae162be4b13482a2620f3631655e65dcbbbef`);
  expect(cidText(cidOf(sealed))).toBe("bafkreicnb77ad2ptrrolt6bthfrf6zy32zevgvnckaqmcubscb3ky5saum");
  expect(openValue([key], context, sealed)?.toString()).toBe("hello");
});

test("the dialer's MAC, which is not the listener's", () => {
  const transcript = { dialerId: A, listenerId: B, hello: Buffer.from("A"), helloAck: Buffer.from("B") };
  expect(helloMac(key, "dialer", transcript).toString("hex")).toBe(
    "cdf1dc3f096bcf185b49b83854d75bbde4df9a91375f8aeaf4b045ff41c61e79",
  );
  expect(helloMac(key, "listener", transcript)).not.toEqual(helloMac(key, "dialer", transcript));
});

test("a stretched pass-phrase", async () => {
  const secret = await stretched("correct horse battery staple", NETWORK, 600_000);
  expect(secret.toString("hex")).toBe("cc8ae3e462f659e987125354d573f8ffe154c3421540745839f659d7dffcb60d");
});

test("scores of two nodes", () => {
  expect([A, B].map((id) => scoreOf(id, Buffer.alloc(32)).toString(16))).toEqual([
    "16f9df3603e5d43b",
    "6c6f4163f0c26027",
  ]);
});
