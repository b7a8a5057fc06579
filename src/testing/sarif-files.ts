// The real SARIF files of test/vectors/sarif, with what is expected of each.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface KnownSarif {
  readonly file: string;
  readonly sha256: string;
  readonly origin: { readonly licence: string };
  readonly checkoutUri?: string;
  readonly verdict: "accept" | "accept-with-warnings" | "refuse";
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  readonly schemaErrors: readonly string[];
  readonly results: readonly (number | null)[];
  readonly severity: readonly Record<string, number>[];
}

const FOLDER = "test/vectors/sarif";

export const knownSarif = (JSON.parse(readFileSync(join(FOLDER, "manifest.json"), "utf8")) as { files: KnownSarif[] })
  .files;

export const acceptedSarif = knownSarif.filter(({ verdict }) => verdict !== "refuse");

export const NOT_COPIED = "its licence keeps it out of this repository";

/** @returns undefined for a file that may not be copied into the repository, if it does not lie beside it either */
export function sarifBytes({ file, origin }: KnownSarif): Uint8Array | undefined {
  if (!origin.licence.startsWith("AGPL")) return readFileSync(join(FOLDER, file));
  const beside = join("../shared/sarif", file);
  return existsSync(beside) ? readFileSync(beside) : undefined;
}
