// A master key under a passphrase: slow on purpose (0.1 to 0.5 s), so that guessing costs as much for everybody.
import { pbkdf2, scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { Random } from "../ports.ts";
import { fromBase64, lp, toBase64 } from "./bytes.ts";
import { FORMAT } from "./keys.ts";
import { KEY_BYTES, open, seal } from "./seal.ts";

export type Kdf = "scrypt" | "pbkdf2";

// 2^17 x 8 x 128 B = 128 MiB for one guess; OWASP's first choice for scrypt. PBKDF2 only where FIPS forbids scrypt:
// OWASP's 600,000 rounds (the founding format had 100,000).
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const PBKDF2_ROUNDS = 600_000;
const SALT_BYTES = 16;
const LINE =
  /^foregone-sealed-key\/1 kid=(k[0-9]+) kdf=(scrypt|pbkdf2) salt=([A-Za-z0-9+/=]+) sealed=([A-Za-z0-9+/=]+)$/;

/** PBKDF2-HMAC-SHA256 (RFC 8018). */
export function pbkdf2Sha256(
  passphrase: Uint8Array,
  salt: Uint8Array,
  rounds: number,
  sizeBytes: number,
): Promise<Buffer> {
  return promisify(pbkdf2)(passphrase, salt, rounds, sizeBytes, "sha256");
}

/** One line of text without its end: what `openMasterKey` reads. */
export async function sealMasterKey(
  random: Random,
  passphrase: Uint8Array,
  kid: string,
  master: Uint8Array,
  kdf: Kdf,
): Promise<string> {
  const salt = Buffer.from(random.bytes(SALT_BYTES));
  const key = await stretch(kdf, passphrase, salt);
  const sealed = seal(random, key, master, binding(kid, kdf, salt));
  key.fill(0);
  return `foregone-sealed-key/1 kid=${kid} kdf=${kdf} salt=${toBase64(salt)} sealed=${toBase64(sealed)}`;
}

/** @returns `wrong-passphrase` if the passphrase or the line is not the one; `not-a-key` for any other text */
export async function openMasterKey(
  passphrase: Uint8Array,
  line: string,
): Promise<{ readonly kid: string; readonly master: Buffer } | "wrong-passphrase" | "not-a-key"> {
  const [, kid = "", kdf = "", saltText = "", sealedText = ""] = LINE.exec(line) ?? [];
  const salt = fromBase64(saltText);
  const sealed = fromBase64(sealedText);
  if (kid === "" || salt?.length !== SALT_BYTES || sealed === undefined) return "not-a-key";
  const key = await stretch(kdf as Kdf, passphrase, salt);
  const master = open(key, sealed, binding(kid, kdf as Kdf, salt));
  key.fill(0);
  return typeof master === "string" ? "wrong-passphrase" : { kid, master };
}

export function isSealedKey(text: string): boolean {
  return text.startsWith("foregone-sealed-key/1 ");
}

function binding(kid: string, kdf: Kdf, salt: Uint8Array): Buffer {
  return lp(FORMAT, "passphrase", kid, kdf, salt);
}

function stretch(kdf: Kdf, passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
  if (kdf === "pbkdf2") return pbkdf2Sha256(passphrase, salt, PBKDF2_ROUNDS, KEY_BYTES);
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, KEY_BYTES, SCRYPT, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
