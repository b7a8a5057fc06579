// Adds `primaryLocationLineHash` where GitHub would compute it: only the first location counts, only with a start line, and
// a value that is there stays. github/codeql-action 4.36.3, src/fingerprints.ts.
import type { Log, Result, Run } from "sarif";
import { lineHashes } from "./line-hash.ts";
import { locate } from "./locate.ts";
import type { Loose } from "./look.ts";

export const LINE_HASH = "primaryLocationLineHash";

/** Content of a file of the checkout by path; undefined if it is not there or no regular file. */
export type ReadFile = (path: string) => Uint8Array | undefined;

/** What was done: hashes added; results whose own value differs from ours. */
export interface Fingerprinted {
  readonly added: number;
  readonly differing: readonly {
    readonly path: string;
    readonly line: number;
    readonly theirs: string;
    readonly ours: string;
  }[];
}

/** @param log changed in place */
export function addFingerprints(log: Log, checkoutUri: string | undefined, readFile: ReadFile): Fingerprinted {
  const hashes = new Map<string, readonly string[] | undefined>();
  const differing: { path: string; line: number; theirs: string; ours: string }[] = [];
  let added = 0;
  for (const run of log.runs)
    for (const result of run.results ?? []) {
      const place = primaryPlace(result, run, checkoutUri);
      if (place === undefined) continue;
      if (!hashes.has(place.path)) {
        const bytes = readFile(place.path);
        hashes.set(place.path, bytes === undefined ? undefined : lineHashes(bytes));
      }
      const ours = hashes.get(place.path)?.[place.line - 1];
      if (ours === undefined) continue;
      const theirs = result.partialFingerprints?.[LINE_HASH];
      if (theirs === undefined || theirs === "") {
        result.partialFingerprints = { ...result.partialFingerprints, [LINE_HASH]: ours };
        added++;
      } else if (theirs !== ours) differing.push({ ...place, theirs, ours });
    }
  return { added, differing };
}

/** File and line of the first location; undefined where GitHub computes no hash. */
function primaryPlace(
  result: Result,
  run: Run,
  checkoutUri: string | undefined,
): { readonly path: string; readonly line: number } | undefined {
  const place = result.locations?.[0]?.physicalLocation;
  const line = place?.region?.startLine;
  if (line === undefined) return undefined;
  const where = locate(place?.artifactLocation, run as unknown as Loose, checkoutUri);
  return where.kind === "inside" && where.path !== "" ? { path: where.path, line } : undefined;
}
