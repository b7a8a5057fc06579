// A value is sealed once, by who writes it, and travels and rests so: any carrier can check its CID, only members can open it.
//   01 | kid 8 | salt 16 | AES-256-GCM text | tag 16
// Key and nonce come from a fresh salt: under one group key, random nonces would reach their bound in days.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { equalBytes, hkdf, lp, sha256, u64be } from "./bytes.ts";
import type { MeshKey } from "./mesh-key.ts";

const VERSION = 1;
const KID_BYTES = 8;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const TEXT_AT = 1 + KID_BYTES + SALT_BYTES;
const INFO = "foregone/seal/v1";
export const SEAL_OVERHEAD_BYTES = TEXT_AT + TAG_BYTES;

/** What a seal is bound to: moved to another key, writer or life, it does not open. */
export interface SealContext {
  readonly keyHash: Uint8Array;
  /** SHA-256 of the bytes inside. */
  readonly digest: Uint8Array;
  readonly writer: Uint8Array;
  readonly expiresAt: number;
}

/** @param salt 16 fresh random bytes; given by tests only */
export function sealValue(
  key: MeshKey,
  context: SealContext,
  plain: Uint8Array,
  salt: Uint8Array = randomBytes(SALT_BYTES),
): Buffer {
  const [secret, nonce] = keyAndNonce(key, salt);
  const cipher = createCipheriv("aes-256-gcm", secret, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(key, context));
  return Buffer.concat([
    Buffer.from([VERSION]),
    key.kid,
    salt,
    cipher.update(plain),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

/** @returns undefined for what was not sealed so, under one of these keys, or holds other bytes than `digest` says */
export function openValue(keys: readonly MeshKey[], context: SealContext, sealed: Buffer): Buffer | undefined {
  const tagAt = sealed.length - TAG_BYTES;
  if (tagAt < TEXT_AT || sealed[0] !== VERSION) return undefined;
  const kid = sealed.subarray(1, 1 + KID_BYTES);
  const key = keys.find((each) => each.kid.equals(kid));
  if (key === undefined) return undefined;
  const [secret, nonce] = keyAndNonce(key, sealed.subarray(1 + KID_BYTES, TEXT_AT));
  // Without authTagLength Node accepts a tag of 4 bytes (DEP0182).
  const decipher = createDecipheriv("aes-256-gcm", secret, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(key, context)).setAuthTag(sealed.subarray(tagAt));
  try {
    const plain = decipher.update(sealed.subarray(TEXT_AT, tagAt));
    // GCM holds nothing back: this only checks the tag.
    decipher.final();
    return equalBytes(sha256(plain), context.digest) ? plain : undefined;
  } catch {
    return undefined;
  }
}

export function isKidKnown(keys: readonly MeshKey[], sealed: Buffer): boolean {
  const kid = sealed.subarray(1, 1 + KID_BYTES);
  return sealed[0] === VERSION && keys.some((key) => key.kid.equals(kid));
}

function keyAndNonce(key: MeshKey, salt: Uint8Array): readonly [Buffer, Buffer] {
  const bytes = hkdf(key.seal, salt, INFO, 44);
  return [bytes.subarray(0, 32), bytes.subarray(32)];
}

function boundTo(key: MeshKey, { keyHash, digest, writer, expiresAt }: SealContext): Buffer {
  return lp(INFO, key.kid, keyHash, digest, writer, u64be(expiresAt));
}

/** CIDv1, raw, sha2-256. */
const CID_HEAD = Buffer.from([0x01, 0x55, 0x12, 0x20]);
export const CID_BYTES = 36;

export function cidOf(sealed: Uint8Array): Buffer {
  return Buffer.concat([CID_HEAD, sha256(sealed)]);
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** As tools print it: "b" and RFC 4648 base32 in lower case without padding. */
export function cidText(cid: Uint8Array): string {
  let text = "b";
  let bits = 0;
  let value = 0;
  for (const byte of cid) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >> bits) & 31];
    }
  }
  return bits > 0 ? text + BASE32[(value << (5 - bits)) & 31] : text;
}
