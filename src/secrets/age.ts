// age files (age-encryption.org/v1) for what leaves the store: exports, and the audit log's first key for an auditor. The age
// command opens them too. Loaded only when used.
import { ForegoneError } from "../core/errors.ts";

/** Who can open the file: one X25519 recipient (`age1..`), or whoever knows a passphrase. */
export type AgeTarget = { readonly recipient: string } | { readonly passphrase: string };
/** What opens a file: identities (`AGE-SECRET-KEY-1..`), or a passphrase. */
export type AgeKey = { readonly identities: readonly string[] } | { readonly passphrase: string };

export async function ageEncrypt(bytes: Uint8Array, target: AgeTarget): Promise<Buffer> {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  if ("recipient" in target) {
    try {
      encrypter.addRecipient(target.recipient);
    } catch {
      throw new ForegoneError("E_USAGE", `"${target.recipient}" is not an age recipient`, {
        hint: "age-keygen prints one: age1...",
      });
    }
  } else encrypter.setPassphrase(target.passphrase);
  return Buffer.from(await encrypter.encrypt(bytes));
}

/** @throws ForegoneError E_KEY if the key does not open it; E_DAMAGED if it is not a whole age file */
export async function ageDecrypt(file: Uint8Array, key: AgeKey): Promise<Buffer> {
  const { armor, Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  try {
    if ("passphrase" in key) decrypter.addPassphrase(key.passphrase);
    else for (const identity of key.identities) decrypter.addIdentity(identity);
  } catch {
    throw new ForegoneError("E_KEY", "not an age identity", { hint: "a file made by age-keygen: AGE-SECRET-KEY-1..." });
  }
  const armored = Buffer.from(file.subarray(0, 11)).toString("latin1") === "-----BEGIN ";
  try {
    return Buffer.from(await decrypter.decrypt(armored ? armor.decode(Buffer.from(file).toString("latin1")) : file));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (/no identity|incorrect|passphrase/i.test(why))
      throw new ForegoneError("E_KEY", "this key does not open the age file", { cause: error });
    throw new ForegoneError("E_DAMAGED", `not a whole age file: ${why}`, { cause: error });
  }
}

/** Identities of an age-keygen file: comments and empty lines are skipped. */
export function parseIdentities(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
