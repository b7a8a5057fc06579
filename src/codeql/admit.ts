// From the SARIF a scan wrote to what may be stored of it, or the reason why nothing is. Refusing costs one scan; storing a
// log that is partial, failed or foreign could close alerts that are open.
import { gzipSync } from "node:zlib";
import type { Log } from "sarif";
import type { Hasher } from "../ports.ts";
import type { GitSource } from "./git-source.ts";
import { inertOf } from "./inert.ts";
import { describeFiles, type NamedFile, namedPaths } from "./named-files.ts";
import type { ReadFile } from "./sarif/fingerprint.ts";
import { normalise } from "./sarif/normalise.ts";
import { readSarif, writeSarif } from "./sarif/read.ts";
import { addCounts, countSeverities, type SeverityCounts } from "./sarif/severity.ts";
import { type Finding, judge, LIMITS, type Refusal, type VerdictOptions, type Warning } from "./sarif/verdict.ts";
import type { ScanKey } from "./scan-key.ts";
import type { Tier } from "./source.ts";

export type Admitted =
  | {
      readonly kind: "admitted";
      readonly log: Log;
      /** Normalised, gzipped. */
      readonly sarif: Uint8Array;
      readonly files: readonly NamedFile[];
      readonly tier: Tier;
      readonly severity: SeverityCounts;
      readonly warnings: readonly Finding<Warning>[];
      /** Why it may serve the exact tree only. */
      readonly exactOnly: string | undefined;
    }
  | { readonly kind: "refused"; readonly reasons: readonly Finding<Refusal | "input-modified">[] };

export interface AdmitParts {
  readonly bytes: Uint8Array;
  readonly key: ScanKey;
  /** The source as it was decided on, and as it is now that the scan is over. */
  readonly before: GitSource;
  readonly after: GitSource;
  readonly checkoutUri: string;
  readonly tool: VerdictOptions["tool"];
  readonly maxBytes: number;
  readonly readFile: ReadFile;
  readonly hasher: Hasher;
}

export function admit(parts: AdmitParts): Admitted {
  const { checkoutUri, key, tool } = parts;
  const read = readSarif(parts.bytes, parts.maxBytes);
  if (read.kind === "refused") return { kind: "refused", reasons: [{ code: read.code, detail: read.why }] };
  const verdict = judge(read.log, { checkoutUri, tool, bom: read.bom });
  if (!verdict.accepted) return { kind: "refused", reasons: verdict.reasons };
  const modified = modifiedInput(parts.before, parts.after);
  if (modified !== undefined) return { kind: "refused", reasons: [{ code: "input-modified", detail: modified }] };
  const log = read.log as Log;
  normalise(log, checkoutUri);
  const sarif = gzipSync(writeSarif(log));
  if (sarif.length > LIMITS.gzipBytes)
    return { kind: "refused", reasons: [{ code: "over-limit", detail: `${sarif.length} bytes gzipped` }] };
  const named = namedPaths(log);
  const compared = new Set(key.source.compared.map(([path]) => path));
  const outside = [...named.byResults, ...named.read].filter(
    (path) => !compared.has(Buffer.from(path).toString("latin1")),
  );
  const exactOnly =
    outside[0] !== undefined
      ? `${outside[0]} was read, and is not among the compared files`
      : appeared(parts.before, parts.after, inertOf(key.components.interpret));
  return {
    kind: "admitted",
    log,
    sarif,
    // Files that the key does not compare are compared one by one.
    files: describeFiles(new Set([...named.byResults, ...outside]), parts.readFile, parts.hasher),
    tier: exactOnly === undefined ? key.tier : "exact",
    severity: addCounts(log.runs.map((run) => countSeverities(run as never))),
    warnings: verdict.warnings,
    exactOnly,
  };
}

/** A file that was there when the scan was decided on, and is not the same any more: the scan may have read either. */
function modifiedInput(before: GitSource, after: GitSource): string | undefined {
  if (before.head !== after.head) return `HEAD moved from ${before.head.slice(0, 8)} to ${after.head.slice(0, 8)}`;
  for (const [path, entry] of before.entries)
    if (after.entries.get(path) !== entry) return `${Buffer.from(path, "latin1").toString()} changed during the scan`;
  return undefined;
}

/** A file that came into being before or while the scan ran: another job may not have it when it decides. */
function appeared(before: GitSource, after: GitSource, inert: (path: string) => boolean): string | undefined {
  for (const path of after.entries.keys())
    if (!before.entries.has(path) && !inert(path))
      return `${Buffer.from(path, "latin1").toString()} was made between deciding and scanning`;
  return undefined;
}
