// Whom we believe of what the Actions cache gave: it states no producer, only (when asked) under which refs it holds a key.
import {
  type Asker,
  type Belief,
  type Claims,
  jobPassed,
  refused,
  type TrustAnswers,
  type TrustQuestion,
  unanswered,
} from "./trust.ts";

export interface CacheOrigin {
  /** The key under which the entry was found. */
  readonly key: string;
  /** Scopes that the job's runtime token can read; empty if unknown. */
  readonly readable: readonly string[];
}

/**
 * May what the Actions cache gave be believed? Only what lies on the default branch, unless the user believes the scopes: in its
 * own scope a pull request's code can write, and an answer of the cache does not say where it was found.
 */
export function judgeScope(
  asker: Asker,
  claims: Claims,
  { key, readable }: CacheOrigin,
  answers: TrustAnswers,
): Belief {
  if (asker.level === "scope") return { kind: "believed", class: "scope" };
  const isDefault = (ref: string): boolean => ref === `refs/heads/${asker.defaultBranch}`;
  // A job that can read no other scope got it from there.
  if (readable.length === 0 || !readable.every(isDefault)) {
    const question: TrustQuestion = { ask: "cache-refs", key };
    const refs = answers(question);
    if (refs === undefined) return { kind: "ask", question };
    if (!Array.isArray(refs)) return refused(unanswered(question, refs));
    const mine = (refs as readonly string[]).filter((ref) => readable.length === 0 || readable.includes(ref));
    const other = mine.find((ref) => !isDefault(ref));
    if (other !== undefined) return refused(`it may come from ${other}, where the code of that branch can write`);
    if (mine.length === 0) return refused("GitHub does not know its cache entry");
  }
  if (asker.mode === "job") {
    const passed = jobPassed(asker, claims, answers);
    if (passed !== true) return passed;
  }
  return { kind: "believed", class: "protected" };
}
