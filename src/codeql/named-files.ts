// The files that a SARIF log names, by content, as they were when it was stored: the second net under the key. At replay each
// must still be there with the same bytes; then its lines and their fingerprints are the same too, and are not computed again.
import type { Log } from "sarif";
import { type Digest, sha256Of } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import type { ReadFile } from "./sarif/fingerprint.ts";
import { locate } from "./sarif/locate.ts";
import { asText, at, type Loose, objects } from "./sarif/look.ts";
import { resultLocations } from "./sarif/verdict.ts";

export interface NamedFile {
  /** Relative to the checkout, "/"-separated. */
  readonly path: string;
  /** Of the bytes in the work tree. SHA-256 where git has SHA-1: what it takes for one file, this net must tell apart. */
  readonly content: Digest | "absent";
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

/** @param paths in any order */
export function describeFiles(paths: ReadonlySet<string>, readFile: ReadFile, hasher: Hasher): NamedFile[] {
  return [...paths].sort().map((path) => {
    const bytes = readFile(path);
    return { path, content: bytes === undefined ? "absent" : sha256Of(hasher, bytes) };
  });
}

/** @returns the first file that is not as it was, in words; undefined: all are */
export function firstDifference(files: readonly NamedFile[], readFile: ReadFile, hasher: Hasher): string | undefined {
  for (const { path, content } of files) {
    const bytes = readFile(path);
    if (bytes === undefined) {
      if (content === "absent") continue;
      return `${path} is gone`;
    }
    if (content === "absent") return `${path} appeared`;
    if (sha256Of(hasher, bytes) !== content) return `${path} changed`;
  }
  return undefined;
}
