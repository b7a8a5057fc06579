import { expect, test } from "vitest";
import { agreedKey, decodeHello, encodeAuth, encodeHello, type Hello, helloMac, isAuth } from "./hello.ts";
import { peerIdOf } from "./identity.ts";
import { meshKey, meshKeys } from "./mesh-key.ts";
import { encodeMap } from "./cbor.ts";

const NETWORK = "github.com/acme/demo";
const [one, two, three] = [1, 2, 3].map((n) => meshKey(Buffer.alloc(32, n), n, NETWORK)) as [
  ReturnType<typeof meshKey>,
  ReturnType<typeof meshKey>,
  ReturnType<typeof meshKey>,
];
const helloWith = (...kids: Uint8Array[]): Hello => ({
  kids,
  nonce: Buffer.alloc(32, 5),
  upMs: 1000,
  addresses: ["/ip4/10.0.0.1/tcp/9000"],
  agent: "foregone 1",
});

test("a hello comes back as it was sent; anything else is none", () => {
  const hello = helloWith(one.kid);
  expect(decodeHello(encodeHello(hello))).toEqual(hello);
  const bytes = encodeHello(hello);
  for (let at = 0; at < bytes.length; at++) expect(() => decodeHello(bytes.subarray(0, at))).not.toThrow();
  expect(decodeHello(Buffer.from('{"x":1}'))).toBeUndefined();
  expect(
    decodeHello(Buffer.concat([Buffer.from("GHC1"), encodeMap({ v: [2], nonce: Buffer.alloc(32) })])),
  ).toBeUndefined();
  expect(decodeHello(encodeHello({ ...hello, addresses: ["not one", "/ip4/1.2.3.4/tcp/1 x"] }))?.addresses).toEqual([]);
});

test("in the middle of a rotation both sides agree on the dialer's first key that both have", () => {
  const dialer = helloWith(three.kid, two.kid);
  const listener = helloWith(two.kid, one.kid);
  expect(agreedKey([three, two], dialer, listener)).toBe(two);
  expect(agreedKey([two, one], dialer, listener)).toBe(two);
  expect(agreedKey([one], helloWith(three.kid), helloWith(one.kid))).toBeUndefined();
});

test("a MAC holds for one direction, one pair of peers and one pair of hellos only", () => {
  const transcript = {
    dialerId: peerIdOf(Buffer.alloc(32, 1)),
    listenerId: peerIdOf(Buffer.alloc(32, 2)),
    hello: Buffer.from("a"),
    helloAck: Buffer.from("b"),
  };
  const mac = helloMac(one, "dialer", transcript);
  expect(isAuth(encodeAuth(mac), mac)).toBe(true);
  for (const other of [
    helloMac(one, "listener", transcript),
    helloMac(two, "dialer", transcript),
    helloMac(one, "dialer", { ...transcript, dialerId: transcript.listenerId, listenerId: transcript.dialerId }),
    helloMac(one, "dialer", { ...transcript, hello: Buffer.from("ab"), helloAck: Buffer.alloc(0) }),
  ])
    expect(isAuth(encodeAuth(other), mac)).toBe(false);
  for (const bad of [encodeMap({}), encodeMap({ mac: "text" }), encodeMap({ mac: mac.subarray(1) }), Buffer.from("x")])
    expect(isAuth(bad, mac)).toBe(false);
});

test("secrets are 32 bytes in hex or base64, or a pass-phrase of 20 characters; the newest epoch comes first", async () => {
  const hex = "00".repeat(32);
  const epochs = async (text: string): Promise<readonly number[] | string> => {
    const keys = await meshKeys(text, NETWORK);
    return "problem" in keys ? keys.problem : keys.map(({ epoch }) => epoch);
  };
  expect(await epochs(hex)).toEqual([1]);
  expect(await epochs(Buffer.alloc(32).toString("base64"))).toEqual([1]);
  expect(await epochs(`2:${hex},3:${Buffer.alloc(32, 1).toString("base64url")}`)).toEqual([3, 2]);
  expect(await epochs("short")).toMatch(/neither/);
  expect(await epochs(`1:${hex},1:${hex}`)).toMatch(/two secrets/);
  expect(await epochs("")).toMatch(/neither/);
});
