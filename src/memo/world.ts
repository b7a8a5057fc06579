// Asks the working tree (and the file system around it) the questions of a path set. Contents are hashed from the bytes that
// are really there, never from git's index: with eol conversion or filters the two differ. Synchronous, about 3 µs a look.
import type { Answer } from "../core/decide.ts";
import { type Digest, gitBlobOf, sha256Of } from "../core/digest.ts";
import { type InputPath, inWorkspace, type Roots, toAbsolute } from "../core/input-path.ts";
import {
  ABSENT,
  fileAnswer,
  listingDigest,
  probeAnswer,
  type Question,
  statAnswer,
  UNSET,
} from "../core/observation.ts";
import { type EntryType, type Files, type Hasher, type Stat, Unreadable } from "../ports.ts";
import { withoutChance } from "../trace/interpret/pseudo.ts";
import { envDigest } from "./env-policy.ts";
import type { Made } from "./made.ts";
import { parent } from "./workspace.ts";

/** A remembered answer that an unchanged lstat confirms without reading content (src/store/witness.ts). */
export interface Remembered {
  readonly value: string;
  holds(stat: Stat): boolean;
}

export interface World {
  ask(question: Question, remembered?: Remembered): Answer;
}

export interface WorktreeParts {
  readonly roots: Roots;
  readonly files: Files;
  readonly hasher: Hasher;
  readonly made: Made;
  readonly env: Readonly<Record<string, string>>;
  readonly envKey: Uint8Array;
  /** Answers `git` questions by key (git-facts.ts). */
  readonly git: (key: string) => Answer;
}

export class WorktreeWorld implements World {
  readonly #parts: WorktreeParts;
  /** Known to be folders, or to lead to one: absent paths share theirs. */
  readonly #folders = new Set<string>();

  constructor(parts: WorktreeParts) {
    this.#parts = parts;
  }

  ask(question: Question, remembered?: Remembered): Answer {
    const { env, envKey, hasher, git } = this.#parts;
    switch (question.kind) {
      case "env": {
        const value = env[question.key];
        return value === undefined ? UNSET : envDigest(question.key, value, envKey, hasher);
      }
      case "git":
        return git(question.key);
      case "http":
        return { why: "no API cache here" };
      default:
        return this.#look(question.kind, question.key as InputPath, remembered);
    }
  }

  #look(kind: PathKind, path: InputPath, remembered: Remembered | undefined): Answer {
    const { roots, files, made } = this.#parts;
    const absolute = toAbsolute(path, roots);
    if (absolute === undefined) return { why: "its root folder is not known here" };
    const stat = files.lstat(absolute);
    if (stat instanceof Unreadable) return { why: stat.code };
    if (stat === undefined) return this.#missing(absolute);
    if (made.size > 0 && made.has(path)) return ABSENT;
    const executable = (stat.mode & 0o100) !== 0;
    const probe = probeAnswer(stat.type, executable);
    switch (kind) {
      case "absent":
      case "probe":
        return probe;
      case "stat":
        return statAnswer(stat.type, executable, stat.sizeBytes);
      case "symlink":
        return stat.type === "symlink" ? this.#target(absolute) : probe;
      case "file":
        if (stat.type !== "file") return probe;
        return remembered?.holds(stat) === true ? remembered.value : this.#content(path, absolute, executable);
      case "directory":
        if (stat.type !== "dir") return probe;
        // Names that an earlier run made are left out one by one: then the folder's own times say too little.
        return made.size === 0 && remembered?.holds(stat) === true ? remembered.value : this.#listing(path, absolute);
      default:
        return kind satisfies never;
    }
  }

  /** ENOENT and ENOTDIR are different answers: below something that is no folder, a program hears the latter. */
  #missing(absolute: string): Answer {
    for (let folder = parent(absolute); folder !== "/"; folder = parent(folder)) {
      if (this.#folders.has(folder)) break;
      const stat = this.#parts.files.lstat(folder);
      if (stat === undefined) continue;
      if (stat instanceof Unreadable) return { why: stat.code };
      if (stat.type !== "dir" && !this.#leadsToFolder(folder, stat)) return "absent, below no folder";
      this.#folders.add(folder);
      break;
    }
    return ABSENT;
  }

  #leadsToFolder(path: string, { type }: Stat): boolean {
    return type === "symlink" && this.#parts.files.lstat(`${path}/.`) !== undefined;
  }

  #target(absolute: string): Answer {
    const target = this.#parts.files.readlink(absolute);
    if (target instanceof Unreadable) return { why: target.code };
    return target === undefined ? ABSENT : gitBlobOf(this.#parts.hasher, Buffer.from(target));
  }

  #content(path: InputPath, absolute: string, executable: boolean): Answer {
    const bytes = this.#parts.files.read(absolute);
    if (bytes instanceof Unreadable) return { why: bytes.code };
    return bytes === undefined
      ? ABSENT
      : fileAnswer(executable, contentDigest(path, withoutChance(path, bytes), this.#parts.hasher));
  }

  #listing(path: InputPath, absolute: string): Answer {
    const entries = this.#parts.files.list(absolute);
    if (entries instanceof Unreadable) return { why: entries.code };
    if (entries === undefined) return ABSENT;
    return listingDigest(this.#parts.hasher, visible(path, entries, this.#parts.made));
  }
}

type PathKind = Exclude<Question["kind"], "env" | "git" | "http">;

/** Tracked or not, a workspace file is named as git would name it: the same input has one name in a tree and on disk. */
export function contentDigest(path: InputPath, bytes: Uint8Array, hasher: Hasher): Digest {
  return inWorkspace(path) ? gitBlobOf(hasher, bytes) : sha256Of(hasher, bytes);
}

/** The entries of a folder that count: not `.git` of the workspace itself, and nothing this Action made. */
export function visible(
  path: InputPath,
  entries: readonly (readonly [string, EntryType])[],
  made: { readonly size: number; has(path: string): boolean },
): readonly (readonly [string, EntryType])[] {
  const root = path === ".";
  if (!root && made.size === 0) return entries;
  return entries.filter(
    ([name]) => !(root && name === ".git") && !(made.size > 0 && made.has(root ? name : `${path}/${name}`)),
  );
}
