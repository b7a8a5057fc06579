// What a writer says of a sealed value: these bytes, under this key, written by me then. CID proves the bytes, the seal a member,
// the signature this member's word. Whether it is true, only the write policy or the origin says.
import { LRUCache } from "lru-cache";
import { equalBytes, hexKey, lp, sha256 } from "./bytes.ts";
import { bytesIn, countIn, decodeMap, encodeMap, textIn } from "./cbor.ts";
import { covers, MAX_GRANT_BYTES, readGrant } from "./grant.ts";
import { isSigned, PEER_ID_BYTES, publicKeyOf, type Signer, SIGNATURE_BYTES } from "./identity.ts";
import { ANY, type MeshScope, parseMeshScope } from "./scope.ts";
import { CID_BYTES, SEAL_OVERHEAD_BYTES } from "./seal.ts";

/** `api`: an entry and its candidate; `record`: a writer's entries of one Action; `blob`: bytes by digest. */
export const KINDS = ["api", "record", "blob"] as const;
export type Kind = (typeof KINDS)[number];

export interface Claim {
  readonly kind: Kind;
  /** 32 bytes: see `keyHash`. */
  readonly keyHash: Uint8Array;
  /** SHA-256 of the bytes inside the seal. */
  readonly digest: Uint8Array;
  /** Of the sealed bytes. */
  readonly cid: Uint8Array;
  /** Of the sealed bytes. */
  readonly size: number;
  readonly scope: MeshScope;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly writer: Uint8Array;
  readonly grant?: Uint8Array;
}

export interface SignedClaim {
  readonly claim: Claim;
  /** As received: what was signed. */
  readonly bytes: Buffer;
  readonly signature: Buffer;
}

/** 350 B, and a grant. */
export const MAX_CLAIM_BYTES = 400 + MAX_GRANT_BYTES;
/** By GitHub's clock or ours: two machines' clocks differ by less, or one of them is wrong. */
export const MAX_AHEAD_MS = 60_000;
/** How long a value is kept and believed at most, whatever its writer says. An API body is certified at each use anyway. */
export const MAX_LIFE_MS: Readonly<Record<Kind, number>> = {
  api: 24 * 3_600_000,
  record: 7 * 24 * 3_600_000,
  blob: 7 * 24 * 3_600_000,
};

/** Names a value without telling what it is of. @param name a Digest: of an Action, or of a blob */
export function keyHash(kind: Kind, name: string): Buffer {
  return sha256(Buffer.from(`foregone/key/v1\0${kind}\0${name}`));
}

const signedBytes = (claim: Uint8Array): Buffer => lp("foregone/claim/v1", claim);

export function signClaim(signer: Signer, claim: Claim): SignedClaim {
  const { grant, ...fields } = claim;
  const bytes = encodeMap({ v: 1, ...fields, ...(grant !== undefined && { grant }) });
  return { claim, bytes, signature: signer.sign(signedBytes(bytes)) };
}

/** @returns undefined for anything malformed. Nothing is verified yet */
export function parseClaim(bytes: Buffer, signature: Buffer): SignedClaim | undefined {
  if (bytes.length > MAX_CLAIM_BYTES || signature.length !== SIGNATURE_BYTES) return undefined;
  const map = decodeMap(bytes);
  if (map === undefined || map["v"] !== 1) return undefined;
  const kind = KINDS.find((each) => each === map["kind"]);
  const [key, digest, cid] = [bytesIn(map, "keyHash", 32), bytesIn(map, "digest", 32), bytesIn(map, "cid", CID_BYTES)];
  const size = countIn(map, "size", 2 ** 32);
  const scope = parseMeshScope(textIn(map, "scope", 300) ?? "?");
  const [createdAt, expiresAt] = [countIn(map, "createdAt"), countIn(map, "expiresAt")];
  const writer = bytesIn(map, "writer", PEER_ID_BYTES);
  const given = map["grant"];
  const grant = given instanceof Uint8Array ? Buffer.from(given.buffer, given.byteOffset, given.length) : undefined;
  if (kind === undefined || key === undefined || digest === undefined || cid === undefined) return undefined;
  if (size === undefined || size < SEAL_OVERHEAD_BYTES || scope === undefined) return undefined;
  if (createdAt === undefined || expiresAt === undefined || writer === undefined) return undefined;
  const facts = { kind, keyHash: key, digest, cid, size, scope, createdAt, expiresAt, writer };
  return { claim: { ...facts, ...(grant !== undefined && { grant }) }, bytes, signature };
}

/** Why a claim is not believed. `signature` and `key` are lies; the rest can be bad luck. */
export type ClaimFault = "signature" | "key" | "grant" | "future" | "expired";

export interface ClaimRules {
  readonly network: string;
  readonly rootKeys: readonly Uint8Array[];
}

/** Signatures that held: 4,096 x ~150 B. A claim is met again and again. */
const held = new LRUCache<string, true>({ max: 4096 });

/**
 * All that can be judged without the sealed bytes. In this order: who said it, whether they may, whether it is what was asked
 * for, and when.
 * @param asked the key hash asked for, and milliseconds since the epoch
 */
export function judgeClaim(
  { claim, bytes, signature }: SignedClaim,
  asked: { readonly keyHash: Uint8Array; readonly now: number },
  rules: ClaimRules,
): ClaimFault | undefined {
  const publicKey = publicKeyOf(claim.writer);
  if (publicKey === undefined || !isSignedOnce(publicKey, bytes, signature)) return "signature";
  if (!mayWrite(claim, rules)) return "grant";
  if (!equalBytes(claim.keyHash, asked.keyHash)) return "key";
  if (claim.createdAt > asked.now + MAX_AHEAD_MS) return "future";
  return asked.now >= endOf(claim) ? "expired" : undefined;
}

/** The writer's word, cut to ours. */
export function endOf({ kind, createdAt, expiresAt }: Claim): number {
  return Math.min(expiresAt, createdAt + MAX_LIFE_MS[kind]);
}

function isSignedOnce(publicKey: Uint8Array, bytes: Buffer, signature: Buffer): boolean {
  const id = hexKey(sha256(publicKey, signature, bytes));
  if (held.has(id)) return true;
  if (!isSigned(publicKey, signedBytes(bytes), signature)) return false;
  held.set(id, true);
  return true;
}

function mayWrite({ kind, scope, writer, createdAt, grant }: Claim, { network, rootKeys }: ClaimRules): boolean {
  if (kind !== "record") return scope === ANY;
  const granted = grant === undefined ? undefined : readGrant(grant, rootKeys);
  return granted !== undefined && covers(granted, network, writer, scope, createdAt);
}
