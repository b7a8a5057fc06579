// One fact that a run saw and that must still hold. An observation is a question (kind, key) and the answer it got;
// deciding asks the same questions again and compares answers as strings. An unanswered question never matches.
import { canonicalJson, compareUtf8 } from "./canonical.ts";
import { type Digest, sha256Of } from "./digest.ts";
import type { EntryType, Hasher } from "../ports.ts";

/**
 * What was asked. The key is an InputPath, except for `env` (name), `git` (query) and `http` (request).
 * - file: content was read, mapped or executed. Answer: `<mode> <digest>`, mode 644 or 755; else as `probe`
 * - probe: only looked at without its size (access). Answer: `<type>`, for files `file <644|755>`
 * - stat: looked at, size included. Answer: as `probe`, for files followed by the size: `file 644 1234`
 * - absent: looked for and not found. Answer: `absent` (ENOENT; ENOTDIR is another answer), else as `probe`
 * - directory: listed. Answer: digest of the listing; `absent` or a type if it is no directory
 * - symlink: one hop was followed or read. Answer: digest of the target string, as the git blob it would be
 * - env: keyed digest of the value, or `unset`
 * - git: digest of the answer of a git query
 * - http: the validator (ETag) of an answer that came through our proxy
 */
export const QUESTION_KINDS = [
  "file",
  "probe",
  "stat",
  "absent",
  "directory",
  "symlink",
  "env",
  "git",
  "http",
] as const;
export type QuestionKind = (typeof QUESTION_KINDS)[number];

export interface Question {
  readonly kind: QuestionKind;
  readonly key: string;
}

export interface Observation extends Question {
  readonly value: string;
  /** Who asked first: the name of the program, e.g. "node (vitest)". Explains; never compared. */
  readonly by: string;
}

export const ABSENT = "absent";
export const UNSET = "unset";

/** `file` answers: content and x bit. */
export function fileAnswer(executable: boolean, digest: Digest): string {
  return `${executable ? "755" : "644"} ${digest}`;
}

/** `probe` answers: type and, for files, the x bit. */
export function probeAnswer(type: EntryType, executable: boolean): string {
  return type === "file" ? `file ${executable ? "755" : "644"}` : type;
}

/** `stat` answers: a probe that saw the size too. Only files have a size that is an input. */
export function statAnswer(type: EntryType, executable: boolean, sizeBytes: number): string {
  return type === "file" ? `${probeAnswer(type, executable)} ${sizeBytes}` : type;
}

/** Digest of the sorted (name, type) pairs of a directory. */
export function listingDigest(hasher: Hasher, entries: Iterable<readonly [name: string, type: EntryType]>): Digest {
  const sorted = [...entries].sort((a, b) => compareUtf8(a[0], b[0]));
  return sha256Of(hasher, canonicalJson(sorted));
}

export function compareQuestions(a: Question, b: Question): number {
  return compareUtf8(a.kind, b.kind) || compareUtf8(a.key, b.key);
}

/**
 * Digest of a path set: the sorted, distinct questions of one run, without their answers.
 * @param sorted by `compareQuestions`, without doubles
 */
export function pathSetDigest(hasher: Hasher, sorted: readonly Question[]): Digest {
  return sha256Of(hasher, canonicalJson(sorted.map(({ kind, key }) => [kind, key])));
}

/** @param values answers in the order of the path set */
export function strongFingerprint(hasher: Hasher, weak: Digest, pathSet: Digest, values: readonly string[]): Digest {
  return sha256Of(hasher, canonicalJson([weak, pathSet, values]));
}
