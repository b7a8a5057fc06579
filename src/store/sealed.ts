// AES-256-GCM at rest, for stores that others can read or write. The key and the kind of each value are bound to it (AAD), so a
// value moved to another key does not open. What does not open is a miss and an event. It decorates a Bucket, not a Store:
// a sealed blob is named by the digest of what is inside, which a content-addressed layer could not check.
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import type { Random } from "../ports.ts";
import type { Bucket } from "./bucket.ts";
import type { OnStoreEvent } from "./events.ts";

const CIPHER = "aes-256-gcm";
const MAGIC = Buffer.from("FGS\x01", "latin1");
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const TEXT_AT = MAGIC.length + SALT_BYTES;
const INFO = "foregone/store-seal/v1";

/** @param secret >= 16 bytes with full entropy (a key, not a pass-phrase); who has it can read and write everything */
export function sealed(inner: Bucket, secret: Uint8Array, random: Random, onEvent: OnStoreEvent): Bucket {
  const open = (kind: Kind, key: string, bytes: Uint8Array): Uint8Array | undefined => {
    const text = unseal(secret, kind, key, bytes);
    if (text === undefined) onEvent({ type: "bad-bytes", layer: inner.name, key });
    return text;
  };
  return {
    name: inner.name,
    async get(key) {
      const bytes = await inner.get(key);
      return bytes === undefined ? undefined : open("value", key, bytes);
    },
    put: (key, bytes) => inner.put(key, seal(secret, random, "value", key, bytes)),
    missing: (keys) => inner.missing(keys),
    addLine: (key, line) => inner.addLine(key, seal(secret, random, "line", key, line)),
    lines: async (key) => (await inner.lines(key)).flatMap((line) => open("line", key, line) ?? []),
  };
}

type Kind = "value" | "line";

/** A key and nonce for each value, from a random salt: many writers under one secret never meet on a nonce. */
function keyed(secret: Uint8Array, salt: Uint8Array): { readonly key: Buffer; readonly nonce: Buffer } {
  const bytes = Buffer.from(hkdfSync("sha256", secret, salt, INFO, 44));
  return { key: bytes.subarray(0, 32), nonce: bytes.subarray(32) };
}

function seal(secret: Uint8Array, random: Random, kind: Kind, name: string, text: Uint8Array): Buffer {
  const salt = random.bytes(SALT_BYTES);
  const { key, nonce } = keyed(secret, salt);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound(kind, name));
  return Buffer.concat([MAGIC, salt, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

function unseal(secret: Uint8Array, kind: Kind, name: string, bytes: Uint8Array): Uint8Array | undefined {
  const tagAt = bytes.length - TAG_BYTES;
  if (tagAt < TEXT_AT || !MAGIC.equals(bytes.subarray(0, MAGIC.length))) return undefined;
  const { key, nonce } = keyed(secret, bytes.subarray(MAGIC.length, TEXT_AT));
  // Without authTagLength Node accepts a tag of 4 bytes (DEP0182).
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(bound(kind, name)).setAuthTag(bytes.subarray(tagAt));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(TEXT_AT, tagAt)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A kind has no NUL in it, so two pairs never look alike. */
function bound(kind: Kind, name: string): Buffer {
  return Buffer.from(`${INFO}\0${kind}\0${name}`);
}
