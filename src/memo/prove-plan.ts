// The scramble proof, planned: which files of the workspace a record says were not read. If the record is complete, the command
// gives the same result when every one of those holds noise; and any file that was read, changed, makes it run.
import { type InputPath, inWorkspace } from "../core/input-path.ts";
import type { ActionRecord } from "../core/record.ts";

export interface ProvePlan {
  /** Copied as they are: content was read, or they are symlinks that were followed. */
  readonly kept: readonly string[];
  /** Tracked, and not read: same size and mode, random bytes. */
  readonly scrambled: readonly string[];
  /** Not tracked and not read, but their folder was listed or they were looked at: only their names and types count. */
  readonly placeholders: readonly string[];
}

/**
 * @param tracked workspace paths in git's index
 * @param listed entries of each folder the record lists, as they are now
 */
export function planProof(
  record: ActionRecord,
  tracked: ReadonlySet<string>,
  listed: (folder: string) => readonly string[],
): ProvePlan {
  const kept = new Set<string>();
  const looked = new Set<string>();
  const made = new Set<string>(record.result.outputs.filter((output) => output.created).map((output) => output.path));
  for (const { kind, key } of record.trace.observations) {
    if (kind === "env" || kind === "git" || kind === "http" || !inWorkspace(key as InputPath)) continue;
    if (kind === "file" || kind === "symlink") kept.add(key);
    else if (kind === "directory") {
      if (key !== ".") looked.add(key);
      for (const name of listed(key))
        if (!(key === "." && name === ".git")) looked.add(key === "." ? name : `${key}/${name}`);
    } else if (kind !== "absent") looked.add(key);
  }
  const scrambled = [...tracked].filter((path) => !kept.has(path) && !made.has(path));
  const placeholders = [...looked].filter((path) => !kept.has(path) && !tracked.has(path) && !made.has(path));
  return { kept: [...kept].sort(), scrambled: scrambled.sort(), placeholders: placeholders.sort() };
}

/** Spread evenly over the files read, in first-read order: early and late readers are both in the sample. */
export function sampleOf<T>(items: readonly T[], size: number): T[] {
  if (items.length <= size) return [...items];
  return Array.from({ length: size }, (_, i) => items[Math.floor((i * items.length) / size)] as T);
}
