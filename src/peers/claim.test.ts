import { describe, expect, test } from "vitest";
import { sha256 } from "./bytes.ts";
import { decodeMap, encodeMap } from "./cbor.ts";
import { type Claim, endOf, judgeClaim, keyHash, MAX_LIFE_MS, parseClaim, signClaim } from "./claim.ts";
import { MAX_GRANT_MS, readGrant, signGrant } from "./grant.ts";
import { peerIdOf, signerOf } from "./identity.ts";
import { meshKey } from "./mesh-key.ts";
import { type MeshScope, PROTECTED } from "./scope.ts";
import { cidOf, openValue, sealValue } from "./seal.ts";

const NOW = 1_762_423_200_000;
const network = "github.com/acme/demo";
const [root, writer, other] = [1, 2, 3].map((n) => signerOf(Buffer.alloc(32, n))) as [
  ReturnType<typeof signerOf>,
  ReturnType<typeof signerOf>,
  ReturnType<typeof signerOf>,
];
const key = meshKey(Buffer.alloc(32, 9), 1, network);
const plain = Buffer.from("what a run observed");
const rules = { network, rootKeys: [root.publicKey] };
const asked = { keyHash: keyHash("record", "sha256:aa"), now: NOW };

const grantOf = (change: Partial<Parameters<typeof signGrant>[1]> = {}, by = root): Buffer =>
  signGrant(by, {
    peer: peerIdOf(writer.publicKey),
    network,
    scopes: [PROTECTED],
    notBefore: NOW - 1000,
    expiresAt: NOW + 1000,
    ...change,
  });
const claimOf = (change: Partial<Claim> = {}): Claim => ({
  kind: "record",
  keyHash: asked.keyHash,
  digest: sha256(plain),
  cid: Buffer.alloc(36),
  size: 100,
  scope: PROTECTED,
  createdAt: NOW,
  expiresAt: NOW + 60_000,
  writer: peerIdOf(writer.publicKey),
  grant: grantOf(),
  ...change,
});
const judged = (claim: Claim, by = writer): string | undefined => judgeClaim(signClaim(by, claim), asked, rules);

describe("a claim is believed", () => {
  test("if its writer signed it, may write there, and it is what was asked for", () => {
    expect(judged(claimOf())).toBeUndefined();
    const { bytes, signature, claim } = signClaim(writer, claimOf());
    expect(parseClaim(bytes, signature)?.claim).toEqual(claim);
  });

  test.each([
    ["signed by somebody else", claimOf({ writer: peerIdOf(other.publicKey) }), "signature"],
    ["of another key (replayed)", claimOf({ keyHash: keyHash("record", "sha256:bb") }), "key"],
    ["from the future", claimOf({ createdAt: NOW + 60_001 }), "grant"],
    ["without a grant", { ...claimOf(), grant: Buffer.alloc(0) }, "grant"],
    ["with a grant of nobody we trust", claimOf({ grant: grantOf({}, other) }), "grant"],
    ["with another peer's grant", claimOf({ grant: grantOf({ peer: peerIdOf(other.publicKey) }) }), "grant"],
    ["with another network's grant", claimOf({ grant: grantOf({ network: "github.com/acme/x" }) }), "grant"],
    ["with a grant that is over", claimOf({ createdAt: NOW + 1000 }), "grant"],
    ["with a grant that has not begun", claimOf({ createdAt: NOW - 1001 }), "grant"],
    ["in a scope beyond its grant", claimOf({ scope: "pr:7" as MeshScope }), "grant"],
    ["expired", claimOf({ expiresAt: NOW }), "expired"],
  ])("not %s", (_name, claim, fault) => expect(judged(claim)).toBe(fault));

  test("not from beyond a minute ahead, where no grant is needed", () => {
    const api = (createdAt: number): Claim => {
      const { grant: _, ...rest } = claimOf({ kind: "api", scope: "" as MeshScope, createdAt });
      return rest;
    };
    expect(judged(api(NOW + 60_000))).toBeUndefined();
    expect(judged(api(NOW + 60_001))).toBe("future");
  });

  test("not for longer than our own table says", () => {
    const endless = claimOf({ expiresAt: Number.MAX_SAFE_INTEGER });
    expect(endOf(endless)).toBe(NOW + MAX_LIFE_MS.record);
  });

  test("as received: changed in any byte it is not", () => {
    const { bytes, signature } = signClaim(writer, claimOf());
    expect(bytes.length).toBeGreaterThan(300);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      const parsed = parseClaim(changed, signature);
      const fault = parsed === undefined ? "signature" : judgeClaim(parsed, asked, rules);
      expect(fault, `byte ${at}`).toBe("signature");
    }
  });
});

test("a grant for more than a day is none", () => {
  expect(readGrant(grantOf({ expiresAt: NOW - 1000 + MAX_GRANT_MS }), rules.rootKeys)).toBeDefined();
  expect(readGrant(grantOf({ expiresAt: NOW - 999 + MAX_GRANT_MS }), rules.rootKeys)).toBeUndefined();
});

test("a seal opens only for the key, writer and life it was made for", () => {
  const context = { keyHash: asked.keyHash, digest: sha256(plain), writer: peerIdOf(writer.publicKey), expiresAt: NOW };
  const sealed = sealValue(key, context, plain);
  expect(openValue([meshKey(Buffer.alloc(32, 8), 2, network), key], context, sealed)).toEqual(plain);
  for (const change of [
    { keyHash: Buffer.alloc(32) },
    { digest: sha256(Buffer.from("other")) },
    { writer: peerIdOf(other.publicKey) },
    { expiresAt: NOW + 1 },
  ])
    expect(openValue([key], { ...context, ...change }, sealed)).toBeUndefined();
  expect(openValue([meshKey(Buffer.alloc(32, 8), 1, network)], context, sealed)).toBeUndefined();
  for (const bad of [sealed.subarray(0, 40), sealed.subarray(0, -1), Buffer.alloc(0)])
    expect(openValue([key], context, bad)).toBeUndefined();
  expect(cidOf(sealed)).not.toEqual(cidOf(sealValue(key, context, plain)));
});

test("what is no map, or too large a one, decodes to nothing", () => {
  for (const bytes of ["", "a0a0", "80", "01", "a16161", "ff", "bfff"])
    expect(Object.keys(decodeMap(Buffer.from(bytes, "hex")) ?? {})).toEqual([]);
  expect(decodeMap(encodeMap({ a: Buffer.alloc(4096) }))).toBeUndefined();
});
