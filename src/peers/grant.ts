// Who may write records: a root key's owner signs that this peer may, in these scopes, for at most a day. Without a grant a peer
// writes API bodies and blobs, which authorise nothing, and no records.
import { lp } from "./bytes.ts";
import { bytesIn, countIn, decodeMap, encodeMap, listIn, textIn } from "./cbor.ts";
import { isSigned, PEER_ID_BYTES, type Signer, SIGNATURE_BYTES } from "./identity.ts";
import { type MeshScope, parseMeshScope } from "./scope.ts";

export interface Grant {
  readonly peer: Uint8Array;
  readonly network: string;
  readonly scopes: readonly MeshScope[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly expiresAt: number;
}

export const MAX_GRANT_MS = 24 * 3_600_000;
export const MAX_GRANT_BYTES = 600;
const MAX_SCOPES = 8;

const signedBytes = (grant: Uint8Array): Buffer => lp("foregone/grant/v1", grant);

/** Map, then 64 bytes of signature. */
export function signGrant(root: Signer, { peer, network, scopes, notBefore, expiresAt }: Grant): Buffer {
  const map = encodeMap({ v: 1, peer, network, scopes: [...scopes], nbf: notBefore, exp: expiresAt });
  return Buffer.concat([map, root.sign(signedBytes(map))]);
}

/** @param rootKeys 32 bytes each. @returns undefined unless one of them signed exactly this, for at most a day */
export function readGrant(bytes: Uint8Array, rootKeys: readonly Uint8Array[]): Grant | undefined {
  if (bytes.length <= SIGNATURE_BYTES || bytes.length > MAX_GRANT_BYTES) return undefined;
  const map = bytes.subarray(0, bytes.length - SIGNATURE_BYTES);
  const signature = bytes.subarray(map.length);
  if (!rootKeys.some((key) => isSigned(key, signedBytes(map), signature))) return undefined;
  const fields = decodeMap(map);
  if (fields === undefined || fields["v"] !== 1) return undefined;
  const peer = bytesIn(fields, "peer", PEER_ID_BYTES);
  const network = textIn(fields, "network", 300);
  const [notBefore, expiresAt] = [countIn(fields, "nbf"), countIn(fields, "exp")];
  const scopes = listIn(fields, "scopes", MAX_SCOPES, (value) => parseMeshScope(String(value)));
  if (peer === undefined || network === undefined || notBefore === undefined || expiresAt === undefined)
    return undefined;
  return expiresAt - notBefore > MAX_GRANT_MS ? undefined : { peer, network, scopes, notBefore, expiresAt };
}

/** Whether this grant lets `writer` write in `scope` at that time. "" is no scope of records. */
export function covers(grant: Grant, network: string, writer: Uint8Array, scope: MeshScope, at: number): boolean {
  return (
    grant.network === network &&
    Buffer.compare(grant.peer, writer) === 0 &&
    scope !== "" &&
    grant.scopes.includes(scope) &&
    at >= grant.notBefore &&
    at < grant.expiresAt
  );
}
