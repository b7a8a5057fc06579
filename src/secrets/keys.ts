// The key tree (docs/secrets.md, "Keys"): everything comes from one master key M by HKDF, under the store's id as salt.
// Nothing here is stored except the commitment, which tells a wrong key from damaged data.
import { createHmac, hkdfSync } from "node:crypto";
import { type Scope, scopeText } from "../core/scope.ts";
import { lp } from "./bytes.ts";
import { KEY_BYTES } from "./seal.ts";

/** Names the format in every derivation, so that no key of another version or program fits. */
export const FORMAT = "foregone-secrets/1";

/**
 * HKDF-SHA256 (RFC 5869).
 * @returns undefined if more than 255 blocks are asked for
 */
export function hkdfSha256(
  key: Uint8Array,
  salt: Uint8Array | string,
  info: Uint8Array,
  sizeBytes: number,
): Buffer | undefined {
  if (sizeBytes > 255 * 32) return undefined;
  return Buffer.from(hkdfSync("sha256", key, salt, info, sizeBytes));
}

/** A child of `key`, bound to the store and to what it is for. */
function derive(key: Uint8Array, storeId: string, ...purpose: readonly string[]): Buffer {
  const child = hkdfSha256(key, storeId, lp(FORMAT, ...purpose), KEY_BYTES);
  if (child === undefined) throw new TypeError("derive: too long");
  return child;
}

/** What one scope's credentials hang from. Handing it out opens that scope and no other. */
export interface ScopeKeys {
  /** Seals the list of names, versions and policies. */
  readonly index: Buffer;
  /** Seals the data key of each version. */
  readonly wrap: Buffer;
}

export function scopeKeys(master: Uint8Array, storeId: string, kind: string, id: string): ScopeKeys {
  const scope = derive(master, storeId, "scope", kind, id);
  return { index: derive(scope, storeId, "index"), wrap: derive(scope, storeId, "wrap") };
}

/** `scopeKeys` for many versions of few scopes: three derivations a scope, 15 us each. */
export function scopeKeysOf(master: Uint8Array, storeId: string): (scope: Scope) => ScopeKeys {
  const known = new Map<string, ScopeKeys>();
  return (scope) => {
    const name = scopeText(scope);
    const keys = known.get(name) ?? scopeKeys(master, storeId, scope.kind, scope.id);
    known.set(name, keys);
    return keys;
  };
}

/** Authenticates the store file. */
export function fileKey(master: Uint8Array, storeId: string): Buffer {
  return derive(master, storeId, "file");
}

/** Names a value without revealing it: see `observationTag`. */
export function observeKey(master: Uint8Array, storeId: string): Buffer {
  return derive(master, storeId, "observe");
}

/** Seals the first key of the audit chain. */
export function auditKey(master: Uint8Array, storeId: string): Buffer {
  return derive(master, storeId, "audit");
}

/** Seed of the Ed25519 key that signs checkpoints. */
export function checkpointSeed(master: Uint8Array, storeId: string): Buffer {
  return derive(master, storeId, "checkpoint");
}

/** GCM does not commit to its key; this does: equal commitments mean the same M, so *wrong key* is not *damaged*. */
export function commitment(master: Uint8Array, kid: string): Buffer {
  return createHmac("sha256", master)
    .update(lp(FORMAT, "commit", kid))
    .digest();
}

/** Stands for one version of one credential wherever its value must not: a new version is another tag. */
export function observationTag(key: Uint8Array, credentialId: string, version: number): string {
  return createHmac("sha256", key)
    .update(lp(credentialId, String(version)))
    .digest("hex");
}
