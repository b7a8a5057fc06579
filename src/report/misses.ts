// The words for a Miss: neutral, first what changed, then who read it. A miss is no failure.
import type { Miss } from "../core/decision.ts";
import { type Gap, gapDetail, unreachable } from "../core/gap.ts";
import { ABSENT, type Question, UNSET } from "../core/observation.ts";
import { durationText } from "./units.ts";

/** One line without its end, e.g. "src/parser.ts changed, first read by node (vitest)". */
export function missText(miss: Miss): string {
  switch (miss.kind) {
    case "no-record":
      return miss.why === undefined ? "no record of this command" : `no record of this command: ${miss.why}`;
    case "gap":
      return `the recorded run had a gap: ${gapText(miss.gap)}`;
    case "changed":
      return `${questionText(miss.question)} ${changeText(miss)}, first ${verbOf(miss.question)} by ${miss.by}`;
    case "unanswered":
      return `${questionText(miss.question)} cannot be looked at (${miss.why})`;
    case "blob-missing":
      return `stored bytes are gone (${miss.digest.slice(0, 15)})`;
    case "untrusted":
      return `the record is not trusted: ${miss.why}`;
    case "expired":
      return `the record is ${durationText(miss.ageMs)} old, more than ${durationText(miss.maxAgeMs)}`;
    case "audit":
      return `asked to run: ${miss.why}`;
    default:
      return unreachable(miss);
  }
}

export function gapText(gap: Gap): string {
  return `${gap.kind} ${gapDetail(gap)}`;
}

export function questionText({ kind, key }: Question): string {
  switch (kind) {
    case "env":
      return `environment variable ${key}`;
    case "git":
      return `git ${key}`;
    case "http":
      return `answer of ${key}`;
    case "directory":
      return key === "." ? "the workspace folder" : `${key}/`;
    case "file":
    case "probe":
    case "stat":
    case "absent":
    case "symlink":
      return key;
    default:
      return unreachable(kind);
  }
}

function verbOf({ kind }: Question): string {
  switch (kind) {
    case "file":
      return "read";
    case "directory":
      return "listed";
    case "symlink":
      return "followed";
    case "absent":
      return "looked for";
    case "probe":
    case "stat":
      return "looked at";
    case "env":
    case "git":
    case "http":
      return "asked";
    default:
      return unreachable(kind);
  }
}

function changeText(miss: Extract<Miss, { kind: "changed" }>): string {
  if (miss.question.kind === "directory" && miss.now !== ABSENT) return "has other entries";
  if (miss.was === ABSENT || miss.was === UNSET) return "appeared";
  if (miss.now === ABSENT || miss.now === UNSET) return "is gone";
  return "changed";
}

/**
 * A hint one can paste for gaps that have an opt-out; undefined if none fits.
 * @see docs/soundness.md, 2.9 (network), 2.8 (git)
 */
export function gapHint(gap: Gap): string | undefined {
  switch (gap.kind) {
    case "untraced-network":
      return `to reuse its answers for a day, skip.network: [{host: ${gap.host}, ttl: 24h}]`;
    case "git-head-used":
      return "if the result does not depend on the commit, skip.ignore: [git.head]";
    case "no-observer":
      return "see `foregone doctor`";
    case "side-effect":
    case "input-modified":
    case "too-large":
    case "opaque-service":
      return `if it does not matter for the result, skip.accept: [${gap.kind}]`;
    default:
      return undefined;
  }
}
