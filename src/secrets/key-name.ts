// How a store names its master key, and what a place that keeps master keys can do.
import { ForegoneError } from "../core/errors.ts";
import { sameBytes } from "./bytes.ts";
import { commitment } from "./keys.ts";
import { KEY_BYTES } from "./seal.ts";

/** A master key and how the store names it. */
export interface KeyName {
  readonly kid: string;
  /** 64 hex digits. */
  readonly kc: string;
}

export interface KeySource {
  /** @throws ForegoneError E_KEY: missing, locked, or another key; the caller wipes what it gets */
  load(name: KeyName): Promise<Buffer>;
  /** Keeps a new key beside the older ones, durably, and proves that a later process will find it. */
  keep?(name: KeyName, master: Uint8Array): Promise<void>;
  /** For sources that are handed their keys: one whose commitment is not `current`'s. */
  offered?(kid: string, current: KeyName | undefined): Promise<Buffer>;
  remove?(name: KeyName): Promise<void>;
}

export function keyError(message: string, hint: string): ForegoneError {
  return new ForegoneError("E_KEY", message, { hint });
}

export function isKeyNamed(name: KeyName, master: Uint8Array): boolean {
  return master.length === KEY_BYTES && sameBytes(commitment(master, name.kid), Buffer.from(name.kc, "hex"));
}
