// Lines signed by who may write, for stores that more can write to than are believed. A sealed line proves a member; this proves
// which member, and only those whose key is trusted count. It decorates a Bucket, above `sealed`.
//   "FGN" 01 | Ed25519 public key 32 | signature 64 | line      signed: "foregone/line/v1" 00 network 00 key 00 line
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { Clock } from "../ports.ts";
import { type Bucket, MARKS } from "./bucket.ts";
import { decodeBody } from "./entry-codec.ts";
import type { OnStoreEvent } from "./events.ts";

export const PUBLIC_KEY_BYTES = 32;
const MAGIC = Buffer.from("FGN\x01", "latin1");
const SIGNATURE_BYTES = 64;
const SIGNATURE_AT = MAGIC.length + PUBLIC_KEY_BYTES;
const LINE_AT = SIGNATURE_AT + SIGNATURE_BYTES;
/** DER around the 32 bytes of a key (RFC 8410). */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
/** Two machines' clocks differ by less, or one of them is wrong. */
const MAX_AHEAD_MS = 60_000;

export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

/** @param seed 32 bytes */
export function signingKey(seed: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { publicKey: spki.subarray(SPKI.length), privateKey };
}

export interface Signing {
  /** Undefined: this process signs nothing, so nobody will believe the entries it adds. */
  readonly key: SigningKey | undefined;
  /** 32 bytes each: whose lines count. */
  readonly trusted: readonly Uint8Array[];
  /** Bound into each signature: a key that serves two networks must not let lines wander. */
  readonly network: string;
}

/**
 * Lines of anybody else are left out and told. Marks that disown need no signature: they only ever make somebody run, and a
 * false skip may be found by who signs nothing. One from the future would disown for ever, and is left out.
 */
export function signed(inner: Bucket, { key, trusted, network }: Signing, clock: Clock, onEvent: OnStoreEvent): Bucket {
  const keys = new Map(trusted.map((each) => [Buffer.from(each).toString("hex"), publicKeyOf(each)]));
  const bound = (name: string, line: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from(`foregone/line/v1\0${network}\0${name}\0`), line]);
  const open = (name: string, bytes: Uint8Array): Uint8Array | undefined => {
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!line.subarray(0, MAGIC.length).equals(MAGIC)) return isPastMark(name, line, clock) ? line : undefined;
    const signer = keys.get(line.toString("hex", MAGIC.length, SIGNATURE_AT));
    const text = line.subarray(LINE_AT);
    if (signer !== undefined && isSigned(signer, bound(name, text), line.subarray(SIGNATURE_AT, LINE_AT))) return text;
    return isPastMark(name, text, clock) ? text : undefined;
  };
  return {
    ...inner,
    addLine(name, line) {
      if (key === undefined) return inner.addLine(name, line);
      const signature = sign(null, bound(name, line), key.privateKey);
      return inner.addLine(name, Buffer.concat([MAGIC, key.publicKey, signature, line]));
    },
    async lines(name) {
      const all = await inner.lines(name);
      const believed = all.flatMap((line) => open(name, line) ?? []);
      if (believed.length < all.length)
        onEvent({ type: "not-believed", layer: inner.name, count: all.length - believed.length });
      return believed;
    },
  };
}

function isPastMark(name: string, line: Uint8Array, clock: Clock): boolean {
  if (!name.startsWith(MARKS)) return false;
  const entry = decodeBody(line);
  return entry?.disowned === true && entry.recordedAt <= clock.now() + MAX_AHEAD_MS;
}

/** @returns undefined for 32 bytes that are no key: nothing is signed by it then */
function publicKeyOf(bytes: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function isSigned(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, bytes, key, signature);
  } catch {
    return false;
  }
}
