// The two digests of a source tree and what they leave out: `exact` is everything, `relevant` everything but what is proven
// inert. Both are answers to `git` questions of a record, so a change is a Miss that names them.
import { type Digest, sha256Of } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import type { GitSource, SourceEntry } from "./git-source.ts";

export type Tier = "exact" | "relevant";

/** What does not count for a scan, and why it may be left out. */
export interface Relevance {
  /** Below it lies all that the scan reads; "" is the whole repository. */
  readonly sourceRoot: string;
  readonly inert: (path: string) => boolean;
  readonly ignored: (path: string) => boolean;
}

export interface Source {
  readonly exact: Digest;
  readonly relevant: Digest;
  /** The compared files of the relevant tier, sorted: path, entry. */
  readonly compared: readonly (readonly [path: string, entry: SourceEntry])[];
  readonly inertCount: number;
}

export function digestSource(git: GitSource, relevance: Relevance, hasher: Hasher): Source {
  const prefix = relevance.sourceRoot === "" ? "" : `${relevance.sourceRoot}/`;
  const compared: [string, SourceEntry][] = [];
  let inertCount = 0;
  let [last, sorted, text] = ["", true, ""];
  // 10,000 of them: `for of` would make an array for each, and its garbage costs more than the rest.
  git.entries.forEach((entry, path) => {
    if (!path.startsWith(prefix)) return;
    if (relevance.inert(path) || relevance.ignored(path)) {
      inertCount++;
      return;
    }
    compared.push([path, entry]);
    text += `${text === "" ? "" : "\0"}${entry} ${path}`;
    // As git lists them; only what lies about untracked comes late.
    sorted &&= last < path;
    last = path;
  });
  if (!sorted) {
    compared.sort(([a], [b]) => (a < b ? -1 : 1));
    text = compared.map(([path, entry]) => `${entry} ${path}`).join("\0");
  }
  const relevant = hasher.sha256(`relevant ${git.conversion} ${JSON.stringify(git.dependencyFolders)}\n${text}`);
  // HEAD's tree says everything of a clean work tree; what is not clean is said one by one.
  const unclean = [...git.unclean].sort().map((path) => `${git.entries.get(path) ?? "absent"} ${path}`);
  const exact = sha256Of(
    hasher,
    `exact ${git.headTree} ${git.conversion} ${JSON.stringify(git.dependencyFolders)}\n${unclean.join("\0")}`,
  );
  return { exact, relevant: `sha256:${relevant}` as Digest, compared, inertCount };
}

/** One changed file of the source: its entry was, and is now; undefined: not there. */
export interface FileChange {
  readonly path: string;
  readonly was: SourceEntry | undefined;
  readonly now: SourceEntry | undefined;
}

/** What differs between two lists of compared files. Both are sorted by path. */
export function changedFiles(
  was: readonly (readonly [string, SourceEntry])[],
  now: readonly (readonly [string, SourceEntry])[],
): readonly FileChange[] {
  const before = new Map(was);
  const changes: FileChange[] = [];
  for (const [path, entry] of now) {
    const old = before.get(path);
    before.delete(path);
    if (old !== entry) changes.push({ path, was: old, now: entry });
  }
  for (const [path, entry] of before) changes.push({ path, was: entry, now: undefined });
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}
