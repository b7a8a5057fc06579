// Everything the API cache hands to the store is sealed: AES-256-GCM under a key that every machine of one trust domain
// holds and nobody else does. So a disk, a peer or a bucket sees neither bodies nor which repositories are read; what opens
// was written within the domain; and losing the key (`api clear`) is losing the cache.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";

export interface ApiKeys {
  /** Seals bodies and records. */
  readonly seal: Uint8Array;
  /** Makes nonces. */
  readonly nonce: Uint8Array;
  /** 64 hex digits that enter every search key: without them nobody can ask for a URL. */
  readonly domain: string;
}

/** @param secret 32 bytes, the domain's. @param generation changes when the cache is cleared */
export function deriveKeys(secret: Uint8Array, generation: string): ApiKeys {
  const part = (name: string): Buffer =>
    Buffer.from(hkdfSync("sha256", secret, generation, `foregone github-api 1 ${name}`, 32));
  return { seal: part("seal"), nonce: part("nonce"), domain: part("domain").toString("hex") };
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * nonce || ciphertext || tag. The nonce is a keyed digest of the plain bytes, so equal bytes seal alike (the store keeps one
 * copy), and two different ones share a nonce with a chance of 2^-96.
 * @param context binds what the bytes are for: opened under another context they do not open
 */
export function seal(keys: ApiKeys, context: string, plain: Uint8Array): Buffer {
  const nonce = createHmac("sha256", keys.nonce).update(`${context}\0`).update(plain).digest().subarray(0, NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keys.seal, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** @returns undefined for bytes that were not sealed so: a miss, never an error */
export function open(keys: ApiKeys, context: string, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", keys.seal, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    const first = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
    decipher.final();
    return first;
  } catch {
    return undefined;
  }
}
