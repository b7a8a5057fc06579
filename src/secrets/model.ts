// What a credential store holds, in memory. Values stay sealed in here; only `openVersion` yields one.
import type { AccessVersion } from "../core/access.ts";
import { type Scope, scopeText } from "../core/scope.ts";
import type { Attributes } from "./envelope.ts";

export const KEY_PROVIDERS = ["keyring", "file", "passphrase", "env", "fd", "systemd", "command"] as const;
/** Who keeps the master key. */
export type KeyProvider = (typeof KEY_PROVIDERS)[number];

export interface StoredVersion extends AccessVersion {
  readonly credentialId: string;
  /** Unix seconds from which `list` and `doctor` warn; null: never. Not bound into the seals. */
  readonly rotateAfter: number | null;
  readonly kid: string;
  readonly wrap: Buffer;
  readonly value: Buffer;
  /** The scope as it was typed, e.g. "acme/shop". Shown, never compared. */
  readonly scopeName?: string;
}

export interface KeyEntry {
  readonly kid: string;
  /** Commitment, 64 hex digits. */
  readonly kc: string;
  readonly provider: KeyProvider;
  /** Texts sealed by keys that hang from this one: a bound, 2^31 at most. */
  readonly seals: number;
  readonly state: "current" | "retired";
  /** Unix seconds; set when retired. */
  readonly retiredAt?: number;
}

/** K_0 of the audit chain: under the master key, or as an age file that only the auditor opens. */
export interface AuditSetting {
  readonly verifyKey: "sealed" | "recipient";
  readonly firstKey: Buffer;
}

export interface StoreState {
  readonly storeId: string;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Grows by one with each write. */
  readonly generation: number;
  readonly keys: readonly KeyEntry[];
  readonly audit: AuditSetting;
  readonly versions: readonly StoredVersion[];
}

export function currentKey(state: StoreState): KeyEntry {
  const key = state.keys.find((k) => k.state === "current");
  if (key === undefined) throw new TypeError("store without a current key");
  return key;
}

export function attributesOf(storeId: string, v: StoredVersion): Attributes {
  return {
    storeId,
    credentialId: v.credentialId,
    name: v.name,
    scopeKind: v.scope.kind,
    scopeId: v.scope.id,
    version: v.version,
    notBefore: v.notBefore,
    notAfter: v.notAfter,
    policy: v.policy,
  };
}

/** All versions of one credential, newest first. */
export function versionsOf(state: StoreState, name: string, scope: Scope): readonly StoredVersion[] {
  const where = scopeText(scope);
  return state.versions
    .filter((v) => v.name === name && scopeText(v.scope) === where)
    .toSorted((a, b) => b.version - a.version);
}
