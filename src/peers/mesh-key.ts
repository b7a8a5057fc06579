// From `FOREGONE_MESH_SECRET` to keys: who has the secret is a member, may seal and open, and can ask for any key of its network.
import { pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { hkdf, lp } from "./bytes.ts";

export interface MeshKey {
  readonly epoch: number;
  /** 8 bytes that name the key without telling it. */
  readonly kid: Buffer;
  readonly hello: Buffer;
  readonly registry: Buffer;
  readonly seal: Buffer;
  /** Seals what rests in shared stores (store/sealed.ts). */
  readonly store: Buffer;
  /** For keyed digests of environment values, which must be equal on all members. */
  readonly env: Buffer;
}

/** The first seals and announces; the others, of older epochs, are accepted. */
export type MeshKeys = readonly [MeshKey, ...MeshKey[]];

export interface MeshSecretProblem {
  readonly problem: string;
}

const EPOCH = /^(\d{1,9}):(.*)$/s;
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
/** A pass-phrase is guessed offline by whoever records one handshake: 20 characters and 600,000 rounds are the least. */
const MIN_PHRASE = 20;
export const MIN_PBKDF2_ITERATIONS = 600_000;
const MAX_KEYS = 4;

/** @param text `[epoch:]secret[,epoch:older]`; a secret is 64 hex digits, base64(url) of 32 bytes, or a pass-phrase */
export async function meshKeys(
  text: string,
  networkId: string,
  iterations: number = MIN_PBKDF2_ITERATIONS,
): Promise<MeshKeys | MeshSecretProblem> {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length > MAX_KEYS) return { problem: `more than ${MAX_KEYS} secrets` };
  const keys: MeshKey[] = [];
  for (const part of parts) {
    const [, epochText, rest] = EPOCH.exec(part) ?? [undefined, undefined, part];
    const epoch = epochText === undefined ? 1 : Number(epochText);
    const secret = await secretOf(rest ?? "", networkId, Math.max(iterations, MIN_PBKDF2_ITERATIONS));
    if (secret === undefined)
      return { problem: `neither 32 bytes in hex or base64 nor a pass-phrase of ${MIN_PHRASE} characters` };
    if (keys.some((key) => key.epoch === epoch)) return { problem: `two secrets of epoch ${epoch}` };
    keys.push(meshKey(secret, epoch, networkId));
  }
  keys.sort((a, b) => b.epoch - a.epoch);
  return keys as unknown as MeshKeys;
}

/** @param secret 32 bytes */
export function meshKey(secret: Uint8Array, epoch: number, networkId: string): MeshKey {
  const part = (purpose: string, length: number): Buffer =>
    hkdf(secret, new Uint8Array(), lp("foregone/mesh/v1", purpose, String(epoch), networkId), length);
  return {
    epoch,
    kid: part("kid", 8),
    hello: part("hello", 32),
    registry: part("registry", 32),
    seal: part("seal", 32),
    store: part("store", 32),
    env: part("env", 32),
  };
}

async function secretOf(text: string, networkId: string, iterations: number): Promise<Buffer | undefined> {
  if (HEX.test(text)) return Buffer.from(text, "hex");
  if (BASE64.test(text)) return Buffer.from(text, "base64");
  return text.length < MIN_PHRASE ? undefined : stretched(text, networkId, iterations);
}

/** 0.2 s, once, off the main thread. */
export function stretched(phrase: string, networkId: string, iterations: number): Promise<Buffer> {
  return promisify(pbkdf2)(phrase, `foregone/mesh/v1|${networkId}`, iterations, 32, "sha256");
}
