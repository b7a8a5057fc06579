// K_0, from which every later key of the audit chain can be made. It rests sealed under the master key, or as an age file
// that only the auditor opens: then M's holder cannot rewrite the past unseen.
import { ForegoneError } from "../core/errors.ts";
import type { Random } from "../ports.ts";
import { ageDecrypt, type AgeKey } from "./age.ts";
import { lp } from "./bytes.ts";
import { auditKey, FORMAT } from "./keys.ts";
import type { AuditSetting } from "./model.ts";
import { open, seal } from "./seal.ts";

export function sealFirstKey(random: Random, master: Uint8Array, storeId: string, firstKey: Uint8Array): Buffer {
  return seal(random, auditKey(master, storeId), firstKey, lp(FORMAT, "audit", storeId));
}

/**
 * @param auditor needed only if K_0 was given to a recipient
 * @throws ForegoneError E_KEY if it is needed and is not the one
 */
export async function openFirstKey(
  master: Uint8Array,
  storeId: string,
  setting: AuditSetting,
  auditor: AgeKey | undefined,
): Promise<Buffer> {
  if (setting.verifyKey === "sealed") {
    const key = open(auditKey(master, storeId), setting.firstKey, lp(FORMAT, "audit", storeId));
    if (typeof key === "string") throw new ForegoneError("E_DAMAGED", "the audit log's first key does not open");
    return key;
  }
  if (auditor === undefined)
    throw new ForegoneError("E_KEY", "only the auditor's key verifies this audit log", {
      hint: "foregone secrets audit verify --key AGE_IDENTITY_FILE",
    });
  return ageDecrypt(setting.firstKey, auditor);
}
