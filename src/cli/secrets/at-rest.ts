// The store as it lies there, authenticated by its key, without a session: for checks that must not settle or change anything.
import { join } from "node:path";
import { ForegoneError } from "../../core/errors.ts";
import { isPrivateFolder, readPrivate } from "../../secrets/disk.ts";
import type { StoreState } from "../../secrets/model.ts";
import { type SessionContext, STORE_FILE } from "../../secrets/session.ts";
import { decodeStore, MAX_STORE_BYTES, readHeader } from "../../secrets/store-file.ts";

export interface StoreAtRest {
  readonly state: StoreState;
  readonly master: Buffer;
}

/** @throws ForegoneError as a session would, but for what the audit log says */
export async function storeAtRest({ folder, source }: SessionContext): Promise<StoreAtRest> {
  const bytes = isPrivateFolder(folder) ? readPrivate(join(folder, STORE_FILE), MAX_STORE_BYTES) : undefined;
  if (bytes === undefined)
    throw new ForegoneError("E_STORE", `no credential store in ${folder}`, { hint: "foregone secrets init" });
  const header = readHeader(bytes);
  if (typeof header === "string") throw new ForegoneError("E_DAMAGED", `${STORE_FILE} is not a store: ${header}`);
  const master = await source(header.provider, folder).load({ kid: header.kid, kc: header.kc.toString("hex") });
  const state = decodeStore(header, master);
  if (typeof state === "string")
    throw new ForegoneError(state === "wrong-key" ? "E_KEY" : "E_DAMAGED", `${STORE_FILE} cannot be used: ${state}`);
  return { state, master };
}
