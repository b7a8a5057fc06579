// The bodies of all frames that are not values: small maps, read with bounds. What does not parse is a fault of the sender.
import { bytesIn, countIn, decodeMap, encodeMap, listIn, textIn } from "./cbor.ts";
import { KINDS } from "./claim.ts";
import { addressOf, MAX_ADDRESSES } from "./hello.ts";
import { PEER_ID_BYTES } from "./identity.ts";
import type { GetAnswer, GetRequest, GrantedLease } from "./owner.ts";
import { parseMeshScope } from "./scope.ts";

const HASH_BYTES = 32;
const MAX_SCOPES = 8;
/** FIND and HAVE. */
export const MAX_KEYS = 64;
export const MAX_TOLD_PEERS = 32;
const MAX_MS = 3_600_000;

export function encodeGet({ kind, keyHash, scopes, wantsLease, originMs }: GetRequest): Buffer {
  return encodeMap({ kind, key: keyHash, scopes: [...scopes], lease: wantsLease, ms: Math.round(originMs) });
}

export function decodeGet(body: Buffer): GetRequest | undefined {
  const map = decodeMap(body);
  const keyHash = map && bytesIn(map, "key", HASH_BYTES);
  const kind = KINDS.find((each) => each === map?.["kind"]);
  const originMs = map && countIn(map, "ms", MAX_MS);
  if (map === undefined || keyHash === undefined || kind === undefined || originMs === undefined) return undefined;
  const scopes = listIn(map, "scopes", MAX_SCOPES, (scope) => parseMeshScope(String(scope)));
  return { kind, keyHash, scopes, wantsLease: map["lease"] === true, originMs };
}

type Miss = Extract<GetAnswer, { kind: "miss" }>;

export function encodeMiss({ lease, holders }: Miss): Buffer {
  return encodeMap({
    ...(lease !== undefined && { lease: lease.token, left: Math.round(lease.leftMs) }),
    ...(holders.length > 0 && { holders: [...holders] }),
  });
}

export function decodeMiss(body: Buffer): Miss | undefined {
  const map = decodeMap(body);
  if (map === undefined) return undefined;
  const token = textIn(map, "lease", 64);
  const leftMs = countIn(map, "left", MAX_MS);
  const holders = listIn(map, "holders", 3, peerIdIn);
  const lease: GrantedLease | undefined = token === undefined || leftMs === undefined ? undefined : { token, leftMs };
  return { kind: "miss", holders, ...(lease !== undefined && { lease }) };
}

type Wait = Extract<GetAnswer, { kind: "wait" }>;

export function encodeWait({ ageMs, leftMs }: Wait): Buffer {
  return encodeMap({ age: Math.round(ageMs), left: Math.round(leftMs) });
}

export function decodeWait(body: Buffer): Wait | undefined {
  const map = decodeMap(body);
  const [ageMs, leftMs] = [map && countIn(map, "age", MAX_MS), map && countIn(map, "left", MAX_MS)];
  return ageMs === undefined || leftMs === undefined ? undefined : { kind: "wait", ageMs, leftMs };
}

export function encodeRelease(keyHash: Uint8Array, token: string): Buffer {
  return encodeMap({ key: keyHash, lease: token });
}

export function decodeRelease(body: Buffer): { readonly keyHash: Uint8Array; readonly token: string } | undefined {
  const map = decodeMap(body);
  const [keyHash, token] = [map && bytesIn(map, "key", HASH_BYTES), map && textIn(map, "lease", 64)];
  return keyHash === undefined || token === undefined ? undefined : { keyHash, token };
}

/** FIND, HAVE: at most 64 key hashes. */
export function encodeKeys(keys: readonly Uint8Array[]): Buffer {
  return encodeMap({ keys: Buffer.concat(keys) });
}

export function decodeKeys(body: Buffer): readonly Uint8Array[] | undefined {
  const keys = decodeMap(body)?.["keys"];
  if (!(keys instanceof Uint8Array) || keys.length % HASH_BYTES !== 0) return undefined;
  const count = keys.length / HASH_BYTES;
  if (count > MAX_KEYS) return undefined;
  return Array.from({ length: count }, (_, n) => keys.slice(n * HASH_BYTES, (n + 1) * HASH_BYTES));
}

/** FOUND: one byte a key, 1 for here. */
export function encodeFound(found: readonly boolean[]): Buffer {
  return encodeMap({ found: Buffer.from(found.map(Number)) });
}

export function decodeFound(body: Buffer, count: number): readonly boolean[] | undefined {
  const map = decodeMap(body);
  const found = map && bytesIn(map, "found", count);
  return found && [...found].map((each) => each === 1);
}

export interface ToldPeer {
  readonly id: Uint8Array;
  readonly addresses: readonly string[];
}

export interface Told {
  readonly peers: readonly ToldPeer[];
  /** Whether the sender could dial the receiver. */
  readonly reachable: boolean;
}

export function encodePeers({ peers, reachable }: Told): Buffer {
  const list = peers.slice(0, MAX_TOLD_PEERS).map(({ id, addresses }) => [id, ...addresses.slice(0, 1)]);
  return encodeMap({ peers: list, reachable });
}

export function decodePeers(body: Buffer): Told | undefined {
  const map = decodeMap(body);
  if (map === undefined) return undefined;
  const peers = listIn(map, "peers", MAX_TOLD_PEERS, (each) => {
    const [first, ...rest] = Array.isArray(each) ? (each as unknown[]) : [];
    const id = peerIdIn(first);
    return id && { id, addresses: rest.slice(0, MAX_ADDRESSES).flatMap((address) => addressOf(address) ?? []) };
  });
  return { peers, reachable: map["reachable"] === true };
}

/** What changed, so that others look again; never an authority. */
export interface Changed {
  readonly host?: string;
  readonly owner?: string;
  readonly repo?: string;
}

export function encodeChanged(changed: Changed): Buffer {
  return encodeMap({ ...changed });
}

export function decodeChanged(body: Buffer): Changed | undefined {
  const map = decodeMap(body);
  if (map === undefined) return undefined;
  const [host, owner, repo] = [textIn(map, "host", 255), textIn(map, "owner", 100), textIn(map, "repo", 100)];
  return {
    ...(host !== undefined && { host }),
    ...(owner !== undefined && { owner }),
    ...(repo !== undefined && { repo }),
  };
}

function peerIdIn(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array && value.length === PEER_ID_BYTES ? value : undefined;
}
