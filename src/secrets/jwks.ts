// The issuer's keys, cached: known ones serve for ten minutes without it, then no token is believed. The check is never skipped.
import { type CryptoKey, importJWK, type JWK } from "jose";
import type { Clock } from "../ports.ts";
import { fromBase64 } from "./bytes.ts";
import { ALGORITHM, type KeysById } from "./oidc.ts";

const CACHE_MS = 10 * 60 * 1000;
/** An unknown key id asks again, for a rotation; a flood of them asks once in this time. */
const COOLDOWN_MS = 30_000;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024;
const MAX_KEYS = 32;

/** Reads the whole key set. @throws whatever went wrong */
export type FetchKeySet = () => Promise<string>;

export function cachedKeys(fetchKeySet: FetchKeySet, clock: Clock): KeysById {
  let keys: ReadonlyMap<string, CryptoKey> = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  const ask = async (): Promise<void> => {
    triedAt = clock.monotonicMs();
    try {
      keys = await importKeySet(await fetchKeySet());
      fetchedAt = clock.monotonicMs();
    } catch {
      // Known keys serve until their age; without any, `isFresh` says so.
    }
  };
  const isFresh = (): boolean => clock.monotonicMs() - fetchedAt < CACHE_MS;
  return async (kid) => {
    const known = isFresh() ? keys.get(kid) : undefined;
    if (known !== undefined) return known;
    if (clock.monotonicMs() - triedAt >= COOLDOWN_MS) {
      asking ??= ask().finally(() => (asking = undefined));
    }
    await asking;
    return isFresh() ? keys.get(kid) : "unavailable";
  };
}

/**
 * Only keys that could sign RS256 safely: RSA of 2048 bits or more, exponent 65537, for signatures. Two keys of one id: the set
 * is refused, since nobody could say which is meant.
 * @throws TypeError, SyntaxError
 */
export async function importKeySet(text: string): Promise<ReadonlyMap<string, CryptoKey>> {
  const { keys } = JSON.parse(text) as { readonly keys?: readonly JWK[] };
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new TypeError("not a key set");
  const found = new Map<string, CryptoKey>();
  for (const jwk of keys as readonly JWK[]) {
    if (!isUsable(jwk)) continue;
    if (found.has(jwk.kid)) throw new TypeError(`two keys with the id ${jwk.kid}`);
    found.set(jwk.kid, (await importJWK({ kty: "RSA", n: jwk.n ?? "", e: jwk.e ?? "" }, ALGORITHM)) as CryptoKey);
  }
  return found;
}

function isUsable(jwk: JWK): jwk is JWK & { readonly kid: string } {
  const modulus = fromBase64(jwk.n ?? "", "base64url");
  if (jwk.kty !== "RSA" || jwk.use !== "sig" || jwk.e !== "AQAB" || modulus === undefined) return false;
  if (jwk.alg !== undefined && jwk.alg !== ALGORITHM) return false;
  if (jwk.key_ops !== undefined && !jwk.key_ops.includes("verify")) return false;
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  return bits >= 2048 && typeof jwk.kid === "string" && jwk.kid !== "";
}

/** The issuer's own address: `<issuer>/.well-known/jwks`. */
export function keySetOf(issuer: string): FetchKeySet {
  return async () => {
    const url = new URL(`${issuer}/.well-known/jwks`);
    const loopback = url.hostname === "127.0.0.1" || url.hostname === "[::1]";
    if (url.protocol !== "https:" && !loopback) throw new TypeError("the issuer must be https");
    const answer = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new TypeError(`HTTP ${answer.status}`);
    const text = await answer.text();
    if (text.length > MAX_BYTES) throw new TypeError("key set too large");
    return text;
  };
}
