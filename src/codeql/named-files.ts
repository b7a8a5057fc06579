// The files that a SARIF log names, and what is known of each when it is stored: the second net under the key. At replay each
// must still be there with the same bytes, and the fingerprints computed from them must be the same.
import type { Log } from "sarif";
import { type Digest, gitBlobOf } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import { LINE_HASH, primaryPlace, type ReadFile } from "./sarif/fingerprint.ts";
import { lineHashes } from "./sarif/line-hash.ts";
import { locate } from "./sarif/locate.ts";
import { asText, at, type Loose, objects } from "./sarif/look.ts";
import { resultLocations } from "./sarif/verdict.ts";

export interface NamedFile {
  /** Relative to the checkout, "/"-separated. */
  readonly path: string;
  /** Blob id of the bytes in the work tree, or "absent". */
  readonly oid: Digest | "absent";
  readonly lines: number;
  /** The highest line that a result points to. */
  readonly lastLine: number;
  /** Line -> primaryLocationLineHash, where the log and we agree. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** Every path inside the checkout that results name, and all that the tool says it read. */
export function namedPaths(log: Log): { readonly byResults: ReadonlySet<string>; readonly read: ReadonlySet<string> } {
  const byResults = new Set<string>();
  const read = new Set<string>();
  const add = (set: Set<string>, location: unknown, run: Loose): void => {
    const where = locate(location, run, undefined);
    if (where.kind === "inside" && where.path !== "") set.add(where.path);
  };
  for (const run of log.runs as unknown as Loose[]) {
    for (const location of resultLocations(run)) add(byResults, location, run);
    for (const artifact of objects(run["artifacts"])) add(read, at(artifact, "location"), run);
    for (const invocation of objects(run["invocations"]))
      for (const notification of objects(invocation["toolExecutionNotifications"]))
        if (
          asText(at(notification, "descriptor", "id"))?.endsWith("/diagnostics/successfully-extracted-files") === true
        )
          for (const location of objects(notification["locations"]))
            add(read, at(location, "physicalLocation", "artifactLocation"), run);
  }
  return { byResults, read };
}

/** @param paths which files to describe, in any order */
export function describeFiles(log: Log, paths: ReadonlySet<string>, readFile: ReadFile, hasher: Hasher): NamedFile[] {
  const places = new Map<string, Map<number, string | undefined>>();
  const last = new Map<string, number>();
  for (const run of log.runs)
    for (const result of run.results ?? []) {
      const place = primaryPlace(result, run, undefined);
      if (place === undefined) continue;
      const hash = result.partialFingerprints?.[LINE_HASH];
      const lines = places.get(place.path) ?? new Map<number, string | undefined>();
      lines.set(place.line, hash);
      places.set(place.path, lines);
      last.set(place.path, Math.max(last.get(place.path) ?? 0, place.line));
    }
  return [...paths].sort().map((path) => {
    const bytes = readFile(path);
    if (bytes === undefined) return { path, oid: "absent", lines: 0, lastLine: 0, hashes: {} };
    const wanted = places.get(path);
    const computed = wanted === undefined ? undefined : lineHashes(bytes);
    const hashes: Record<string, string> = {};
    for (const [line, theirs] of wanted ?? []) {
      const ours = computed?.[line - 1];
      // Where they differ (the tool strips a BOM) only the blob id is compared.
      if (ours !== undefined && (theirs === undefined || theirs === ours)) hashes[String(line)] = ours;
    }
    return { path, oid: gitBlobOf(hasher, bytes), lines: computed?.length ?? 0, lastLine: last.get(path) ?? 0, hashes };
  });
}

/** @returns the first file that is not as it was, in words; undefined: all are */
export function firstDifference(files: readonly NamedFile[], readFile: ReadFile, hasher: Hasher): string | undefined {
  for (const { path, oid, lines, lastLine, hashes } of files) {
    const bytes = readFile(path);
    if (bytes === undefined) {
      if (oid === "absent") continue;
      return `${path} is gone`;
    }
    if (oid === "absent") return `${path} appeared`;
    if (gitBlobOf(hasher, bytes) !== oid) return `${path} changed`;
    if (lines > 0 && lastLine > lines) return `${path} has no line ${lastLine}`;
    const wanted = Object.entries(hashes);
    if (wanted.length === 0) continue;
    const computed = lineHashes(bytes);
    for (const [line, hash] of wanted)
      if (computed[Number(line) - 1] !== hash) return `${path}:${line} has another fingerprint`;
  }
  return undefined;
}
