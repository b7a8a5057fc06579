// A store that cannot work, as the command line says it.
import { EXIT, ForegoneError } from "../core/errors.ts";
import { StoreError } from "../store/store.ts";

/** @returns what to throw: E_STORE for a StoreError, anything else as it is */
export function storeTrouble(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  return new ForegoneError("E_STORE", error.message, {
    exitCode: EXIT.noStore,
    cause: error,
    ...(error.hint !== undefined && { hint: error.hint }),
  });
}
