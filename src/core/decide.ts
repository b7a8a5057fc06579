// Run or skip: the one place that says "equal". Pure: the shells look, this file answers. An observation that nobody could
// answer is a miss, never a match, so every way I/O can fail already has a meaning.
import type { Miss } from "./decision.ts";
import { type Gap, gapDetail, NEVER_ACCEPTED } from "./gap.ts";
import { ABSENT, type Observation, type Question } from "./observation.ts";
import type { ActionRecord } from "./record.ts";

/** What the world says now; a `why` is an answer nobody could give (EACCES, time-out, shallow clone). */
export type Answer = string | { readonly why: string };

export interface Judgement {
  /** Empty: every observation holds and nothing else stands against a skip. First-read first. */
  readonly misses: readonly Miss[];
  readonly compared: number;
  readonly equal: number;
}

/**
 * Judges one record against the world as it is now.
 * @param answers one per observation of the record, in first-read order
 * @param ageMs age of the producing run: whole milliseconds >= 0, from a Clock
 * @param accepted gap kinds, or `kind:detail`, that the user accepts by name
 * @throws TypeError if `answers.length` differs from the observations: a bug in the caller
 * @see docs/soundness.md; BuildXL, Two-Phase Cache Lookup
 */
export function judge(
  record: ActionRecord,
  answers: readonly Answer[],
  limits: { readonly ageMs: number; readonly maxAgeMs: number; readonly accepted: readonly string[] },
): Judgement {
  const { observations, gaps } = record.trace;
  if (answers.length !== observations.length)
    throw new TypeError(`judge: ${answers.length} answers to ${observations.length} observations`);
  const misses: Miss[] = [];
  let equal = 0;
  for (const [i, observation] of observations.entries()) {
    const answer = answers[i];
    if (answer === observation.value) equal++;
    else misses.push(difference(observation, answer ?? { why: "not asked" }));
  }
  for (const gap of gaps) if (!accepts(limits.accepted, gap)) misses.push({ kind: "gap", gap });
  // A record from the future is as untrustworthy as an old one: some clock is wrong.
  if (limits.ageMs < 0) misses.push({ kind: "untrusted", why: "recorded in the future" });
  if (limits.ageMs > limits.maxAgeMs) misses.push({ kind: "expired", ageMs: limits.ageMs, maxAgeMs: limits.maxAgeMs });
  if (record.result.exitCode !== 0) misses.push({ kind: "untrusted", why: `exit code ${record.result.exitCode}` });
  return { misses, compared: observations.length, equal };
}

/** Is this gap accepted: by kind, or as `kind:detail`, where a host may leave out its port? Some never are. */
export function accepts(accepted: readonly string[], gap: Gap): boolean {
  if (NEVER_ACCEPTED.has(gap.kind)) return false;
  const names = [gap.kind, `${gap.kind}:${gapDetail(gap)}`];
  if (gap.kind === "untraced-network") names.push(`${gap.kind}:${gap.host}`);
  return names.some((name) => accepted.includes(name));
}

function difference(observation: Observation, answer: Answer): Miss {
  const question: Question = { kind: observation.kind, key: observation.key };
  if (typeof answer !== "string") return { kind: "unanswered", question, why: answer.why };
  return { kind: "changed", question, was: observation.value, now: answer, by: observation.by };
}

/** What may be said of one changed input without its content: "appeared", "gone", or "changed". */
export function changeWord(miss: Extract<Miss, { kind: "changed" }>): "appeared" | "gone" | "changed" {
  if (miss.was === ABSENT) return "appeared";
  return miss.now === ABSENT ? "gone" : "changed";
}
