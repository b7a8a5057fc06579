// AES-256-GCM, the one cipher of the credential store. A sealed text is nonce 12 | ciphertext | tag 16: the tag's length
// is fixed by the format, because Node accepts tags of 4 bytes unless told otherwise (DEP0182).
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../ports.ts";

const CIPHER = "aes-256-gcm";
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What sealing adds to a text. */
export const SEAL_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/** `too-short`: fewer bytes than a nonce and a tag. `not-authentic`: another key, other bound data, or altered bytes. */
export type SealFault = "too-short" | "not-authentic";

/**
 * @param random draws the nonce. One key seals at most 2^31 texts (NIST SP 800-38D allows 2^32 with random nonces)
 * @throws TypeError if the key is not 32 bytes: a bug in the caller
 */
export function seal(random: Random, key: Uint8Array, text: Uint8Array, aad: Uint8Array): Buffer {
  assertKey(key);
  const nonce = random.bytes(NONCE_BYTES);
  if (nonce.length !== NONCE_BYTES) throw new TypeError(`seal: nonce of ${nonce.length} bytes`);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad);
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** @returns the text, or why there is none; nothing of an inauthentic text is ever handed out */
export function open(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Buffer | SealFault {
  assertKey(key);
  if (sealed.length < SEAL_OVERHEAD_BYTES) return "too-short";
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(aad)
    .setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const text = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return text;
  } catch {
    text.fill(0);
    return "not-authentic";
  }
}

/**
 * For finding out what became of a text that does not open: was its tag cut off in part? GCM verifies tags of 4, 8 and 12 to
 * 15 bytes, so this is proof. The text itself is not handed out: a tag that short can be forged.
 * @returns how many bytes of the tag are there; undefined if it was not cut
 */
export function shortTag(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): number | undefined {
  assertKey(key);
  return [15, 14, 13, 12, 8, 4].find((authTagLength) => {
    const end = sealed.length - authTagLength;
    if (end < NONCE_BYTES) return false;
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength })
      .setAAD(aad)
      .setAuthTag(sealed.subarray(end));
    decipher.update(sealed.subarray(NONCE_BYTES, end)).fill(0);
    try {
      decipher.final();
      return true;
    } catch {
      return false;
    }
  });
}

function assertKey(key: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new TypeError(`seal: key of ${key.length} bytes`);
}
