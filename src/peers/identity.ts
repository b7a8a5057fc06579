// A peer's id holds its Ed25519 key: 00 24 08 01 12 20 | 32 bytes (an identity multihash of a protobuf key). Who signs as a peer
// is that peer; no list of keys is needed.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { LRUCache } from "lru-cache";
import { equalBytes, hexKey } from "./bytes.ts";

const ID_HEAD = Buffer.from([0x00, 0x24, 0x08, 0x01, 0x12, 0x20]);
export const PEER_ID_BYTES = 38;
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
export const SIGNATURE_BYTES = 64;

/** Making a key object costs as much as verifying. */
const keys = new LRUCache<string, KeyObject>({ max: 4096 });

/** @returns undefined unless these are the id of an Ed25519 key */
export function publicKeyOf(peerId: Uint8Array): Uint8Array | undefined {
  if (peerId.length !== PEER_ID_BYTES || !equalBytes(peerId.subarray(0, ID_HEAD.length), ID_HEAD)) return undefined;
  return peerId.subarray(ID_HEAD.length);
}

/** @param publicKey 32 bytes */
export function peerIdOf(publicKey: Uint8Array): Buffer {
  return Buffer.concat([ID_HEAD, publicKey]);
}

export function isSigned(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const id = hexKey(publicKey);
  let key = keys.get(id);
  try {
    if (key === undefined) {
      key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, publicKey]), format: "der", type: "spki" });
      keys.set(id, key);
    }
    return verify(null, bytes, key, signature);
  } catch {
    return false;
  }
}

export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  sign(bytes: Uint8Array): Buffer;
}

/** @param seed 32 bytes */
export function signerOf(seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(SPKI_HEAD.length);
  return { publicKey, sign: (bytes) => sign(null, bytes, key) };
}

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** @returns undefined for anything but the text of an Ed25519 key's peer id */
export function parsePeerId(text: string): Uint8Array | undefined {
  if (!/^12D3Koo[1-9A-HJ-NP-Za-km-z]{45}$/.test(text)) return undefined;
  let value = 0n;
  for (const digit of text) value = value * 58n + BigInt(BASE58.indexOf(digit));
  const hex = value.toString(16);
  const id = Buffer.from(hex.padStart(2 * PEER_ID_BYTES, "0"), "hex");
  return publicKeyOf(id) === undefined ? undefined : id;
}

/** As libp2p prints it: 12D3Koo... */
export function peerIdText(peerId: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(peerId).toString("hex")}`);
  let text = "";
  for (; value > 0n; value /= 58n) text = (BASE58[Number(value % 58n)] ?? "") + text;
  // Each leading zero byte is a "1"; an id of an Ed25519 key has one.
  return "1".repeat(peerId.findIndex((byte) => byte !== 0)) + text;
}
