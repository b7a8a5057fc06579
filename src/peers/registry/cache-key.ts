// An announcement in the name of an Actions cache entry, where whoever may list caches reads it without downloading anything:
//   p2p-peers-v1-<kid>-<expiry s, base36>-<base64url(nonce 12, AES-256-GCM {peer, addrs})>
// Sealed: names of caches are shown to everybody who may read the repository.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { decodeMap, encodeMap, listIn, textIn } from "../cbor.ts";
import { addressOf, MAX_ADDRESSES } from "../hello.ts";
import type { MeshKey } from "../mesh-key.ts";
import type { Announcement } from "./registry.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** GitHub's limit for the name of a cache. */
const MAX_LENGTH = 512;

/** @param prefix `discovery.github.peer_cache_key`. @param expiresAt milliseconds. @returns undefined if it would be too long */
export function encodeCacheKey(
  prefix: string,
  key: MeshKey,
  { peer, addresses }: Announcement,
  expiresAt: number,
  nonce: Uint8Array = randomBytes(NONCE_BYTES),
): string | undefined {
  const head = `${prefixOf(prefix, key)}${Math.floor(expiresAt / 1000).toString(36)}-`;
  const cipher = createCipheriv("aes-256-gcm", key.registry, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(head));
  const plain = encodeMap({ peer, addrs: addresses.slice(0, MAX_ADDRESSES) });
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const text = head + sealed.toString("base64url");
  return text.length > MAX_LENGTH ? undefined : text;
}

/** What all announcements under this key begin with: what GitHub is asked for. */
export function prefixOf(prefix: string, key: MeshKey): string {
  return `${prefix}-v1-${key.kid.toString("hex")}-`;
}

/** @returns undefined for anything that a member did not write, or that is over at `now` or lives longer than `maxLifeMs` */
export function decodeCacheKey(
  prefix: string,
  keys: readonly MeshKey[],
  text: string,
  now: number,
  maxLifeMs: number,
): Announcement | undefined {
  const key = keys.find((each) => text.startsWith(prefixOf(prefix, each)));
  if (key === undefined || text.length > MAX_LENGTH) return undefined;
  const begin = prefixOf(prefix, key).length;
  const dash = text.indexOf("-", begin);
  const expiresAt = Number.parseInt(text.slice(begin, dash), 36) * 1000;
  if (dash < 0 || !(now < expiresAt && expiresAt <= now + maxLifeMs + 60_000)) return undefined;
  const sealed = Buffer.from(text.slice(dash + 1), "base64url");
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key.registry, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(text.slice(0, dash + 1))).setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const plain = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    const map = decodeMap(plain);
    const peer = map && textIn(map, "peer", 80);
    return map === undefined || peer === undefined
      ? undefined
      : { peer, addresses: listIn(map, "addrs", MAX_ADDRESSES, addressOf) };
  } catch {
    return undefined;
  }
}
