// One version of one credential: its value under a key of its own (DEK), the DEK under the scope's key. Both seals are
// bound to everything that says what the value is, for whom and until when: changed alone, none of it opens.
import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "../core/canonical.ts";
import type { Policy } from "../core/access.ts";
import type { Random } from "../ports.ts";
import { lp } from "./bytes.ts";
import { FORMAT } from "./keys.ts";
import { KEY_BYTES, open, seal, SEAL_OVERHEAD_BYTES, type SealFault, shortTag } from "./seal.ts";

/** What both seals are bound to. Times are Unix seconds; null: no expiry. */
export interface Attributes {
  readonly storeId: string;
  readonly credentialId: string;
  readonly name: string;
  readonly scopeKind: string;
  readonly scopeId: string;
  readonly version: number;
  readonly notBefore: number;
  readonly notAfter: number | null;
  readonly policy: Policy;
}

export interface SealedVersion {
  readonly wrap: Buffer;
  readonly value: Buffer;
}

/** `wrap-length`: the wrapped key is not 60 bytes. The others say which of the two seals did not open. */
export type EnvelopeFault = "wrap-length" | `wrap-${SealFault}` | `value-${SealFault}`;

export function sealVersion(
  random: Random,
  wrapKey: Uint8Array,
  kid: string,
  attributes: Attributes,
  value: Uint8Array,
): SealedVersion {
  const dek = Buffer.from(random.bytes(KEY_BYTES));
  try {
    const bound = encodeAttributes(attributes);
    const wrap = seal(random, wrapKey, dek, lp("wrap", bound, kid));
    return { wrap, value: seal(random, dek, value, lp("value", bound)) };
  } finally {
    dek.fill(0);
  }
}

/** @returns the value, to be wiped by the caller, or which seal did not open and how */
export function openVersion(
  wrapKey: Uint8Array,
  kid: string,
  attributes: Attributes,
  sealed: SealedVersion,
): Buffer | EnvelopeFault {
  const bound = encodeAttributes(attributes);
  const dek = unwrap(wrapKey, kid, bound, sealed.wrap);
  if (typeof dek === "string") return dek;
  const value = open(dek, sealed.value, lp("value", bound));
  dek.fill(0);
  return typeof value === "string" ? `value-${value}` : value;
}

/** @returns how many bytes the value's tag was cut to; undefined if that is not what is wrong with it */
export function shortValueTag(
  wrapKey: Uint8Array,
  kid: string,
  attributes: Attributes,
  sealed: SealedVersion,
): number | undefined {
  const bound = encodeAttributes(attributes);
  const dek = unwrap(wrapKey, kid, bound, sealed.wrap);
  if (typeof dek === "string") return undefined;
  const left = shortTag(dek, sealed.value, lp("value", bound));
  dek.fill(0);
  return left;
}

/** The same DEK under another master key's wrap key: the value itself is not touched, so its AAD does not name the kid. */
export function rewrap(
  random: Random,
  from: { readonly wrapKey: Uint8Array; readonly kid: string },
  to: { readonly wrapKey: Uint8Array; readonly kid: string },
  attributes: Attributes,
  wrap: Uint8Array,
): Buffer | EnvelopeFault {
  const bound = encodeAttributes(attributes);
  const dek = unwrap(from.wrapKey, from.kid, bound, wrap);
  if (typeof dek === "string") return dek;
  const wrapped = seal(random, to.wrapKey, dek, lp("wrap", bound, to.kid));
  dek.fill(0);
  return wrapped;
}

function unwrap(wrapKey: Uint8Array, kid: string, bound: Buffer, wrap: Uint8Array): Buffer | EnvelopeFault {
  if (wrap.length !== KEY_BYTES + SEAL_OVERHEAD_BYTES) return "wrap-length";
  const dek = open(wrapKey, wrap, lp("wrap", bound, kid));
  return typeof dek === "string" ? `wrap-${dek}` : dek;
}

function encodeAttributes(a: Attributes): Buffer {
  const policy = createHash("sha256")
    .update(canonicalJson(a.policy as Json))
    .digest("hex");
  return lp(
    FORMAT,
    a.storeId,
    a.credentialId,
    a.name,
    a.scopeKind,
    a.scopeId,
    String(a.version),
    String(a.notBefore),
    a.notAfter === null ? "none" : String(a.notAfter),
    policy,
    "A256GCM",
  );
}
