// Opening a value, and judging one that shall be stored.
import { ForegoneError } from "../core/errors.ts";
import { scopeText } from "../core/scope.ts";
import { openVersion } from "./envelope.ts";
import { scopeKeys } from "./keys.ts";
import { attributesOf, type StoredVersion, type StoreState } from "./model.ts";
import { SecretValue } from "./secret-value.ts";

/** GitHub's own limit for a secret: 48 KB. */
export const MAX_VALUE_BYTES = 48 * 1024;
/** A mask of fewer would blacken half the log, and is guessed by trying. */
export const MIN_VALUE_BYTES = 8;

/** @throws ForegoneError E_DAMAGED: its seals do not fit what the store says of it */
export function openValue(state: StoreState, master: Uint8Array, version: StoredVersion): SecretValue {
  const { wrap } = scopeKeys(master, state.storeId, version.scope.kind, version.scope.id);
  const value = openVersion(wrap, version.kid, attributesOf(state.storeId, version), version);
  if (typeof value === "string")
    throw new ForegoneError(
      "E_DAMAGED",
      `${version.name} v${version.version} in ${scopeText(version.scope)} does not open (${value}): it is not as it was set`,
      { hint: "foregone secrets doctor" },
    );
  return new SecretValue(version.name, value);
}

/** Why a value cannot be stored, or undefined. `short` is a warning that `MIN_VALUE_BYTES` makes an error. */
export function valueFault(bytes: Uint8Array): "empty" | "blank" | "nul" | "short" | "long" | "not-utf8" | undefined {
  if (bytes.length === 0) return "empty";
  if (bytes.length > MAX_VALUE_BYTES) return "long";
  if (bytes.includes(0)) return "nul";
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "not-utf8";
  }
  if (text.trim() === "") return "blank";
  return bytes.length < MIN_VALUE_BYTES ? "short" : undefined;
}
