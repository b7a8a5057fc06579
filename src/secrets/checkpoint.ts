// A checkpoint names the first n lines of an audit log by one hash and is kept where the log's owner cannot reach it: in each
// job's summary, in a folder on another machine. It finds what the chain alone cannot: lines cut from the end, a whole folder
// put back. Format: C2SP tlog-checkpoint in a C2SP signed-note, Ed25519.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { fromBase64 } from "./bytes.ts";
import { checkpointSeed } from "./keys.ts";
import { type MerkleRange, merkleRoot } from "./merkle.ts";

export interface CheckpointKey {
  readonly origin: string;
  /** `<origin>+<8 hex>+<base64>`, the verifier key of signed-note. */
  readonly publicText: string;
  readonly privateKey: KeyObject;
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

const ED25519 = Buffer.of(1);
// RFC 8410: the fixed bytes before a raw seed, and before a raw public key.
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

export function checkpointKey(master: Uint8Array, storeId: string): CheckpointKey {
  const seed = checkpointSeed(master, storeId);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  seed.fill(0);
  const raw = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(SPKI.length);
  const origin = `foregone.audit/${storeId}`;
  const id = keyId(origin, raw).toString("hex");
  return { origin, publicText: `${origin}+${id}+${Buffer.concat([ED25519, raw]).toString("base64")}`, privateKey };
}

/** The whole note, with its last line feed. */
export function makeCheckpoint(key: CheckpointKey, tree: MerkleRange): string {
  const text = `${key.origin}\n${tree.size}\n${merkleRoot(tree).toString("base64")}\n`;
  const id = Buffer.from(key.publicText.split("+")[1] ?? "", "hex");
  const signature = Buffer.concat([id, sign(null, Buffer.from(text), key.privateKey)]);
  return `${text}\n\u2014 ${key.origin} ${signature.toString("base64")}\n`;
}

/**
 * @param publicTexts keys that may have signed it: a new master key signs with a new one
 * @returns undefined if it is no checkpoint or none of these signed it
 */
export function readCheckpoint(note: string, publicTexts: readonly string[]): Checkpoint | undefined {
  const [, text = "", origin = "", size = "", root = "", signer = "", signature = ""] =
    /^(([^\n+ ]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n)\n\u2014 ([^\n+ ]+) ([A-Za-z0-9+/]+=*)\n$/.exec(note) ??
    [];
  const bytes = fromBase64(signature);
  const hash = fromBase64(root);
  if (bytes?.length !== 68 || hash?.length !== 32 || signer !== origin) return undefined;
  for (const publicText of publicTexts) {
    const [name = "", , encoded = ""] = splitVerifier(publicText);
    const raw = fromBase64(encoded)?.subarray(1);
    if (name !== origin || raw?.length !== 32 || !keyId(origin, raw).equals(bytes.subarray(0, 4))) continue;
    const key = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
    if (verify(null, Buffer.from(text), key, bytes.subarray(4))) return { origin, size: Number(size), root: hash };
  }
  return undefined;
}

/** base64 may hold a "+" of its own. */
function splitVerifier(text: string): string[] {
  return /^([^+]*)\+([0-9a-f]{8})\+(.*)$/.exec(text)?.slice(1) ?? [];
}

function keyId(name: string, raw: Uint8Array): Buffer {
  return createHash("sha256").update(`${name}\n`).update(ED25519).update(raw).digest().subarray(0, 4);
}
