// The words of `gc`, `verify` and `stats`.
import { type Metrics, sumOf, sumsBy } from "./metrics.ts";
import { ageText, bytesText, countText, durationText, plural } from "./units.ts";

const DAY_MS = 24 * 3_600_000;

export interface GcFacts {
  readonly dryRun: boolean;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly entriesKept: number;
  readonly entriesRemoved: number;
  readonly blobsRemoved: number;
  readonly leftOversRemoved: number;
}

export function gcText(facts: GcFacts): string {
  const { bytesBefore, bytesAfter, maxBytes, maxAgeMs } = facts;
  const parts = [
    plural(facts.entriesRemoved, "record entry", "record entries"),
    plural(facts.blobsRemoved, "blob"),
    plural(facts.leftOversRemoved, "left-over"),
  ];
  const verb = facts.dryRun ? "would remove" : "removed";
  const limits = `limits: ${bytesText(maxBytes)}, unused for ${maxAgeMs >= 2 * DAY_MS ? plural(Math.round(maxAgeMs / DAY_MS), "day") : durationText(maxAgeMs)}`;
  return lines(
    `${verb} ${parts.join(", ")}: ${bytesText(Math.max(0, bytesBefore - bytesAfter))}`,
    `${facts.dryRun ? "would keep" : "kept"} ${plural(facts.entriesKept, "record entry", "record entries")}, ${bytesText(bytesAfter)} (${limits})`,
    ...(bytesAfter > maxBytes ? ["the rest was used within the last hour, or is the newest record: it stays"] : []),
  );
}

interface ProblemFacts {
  readonly kind: string;
  readonly path: string;
  readonly detail: string;
}

export interface VerificationFacts {
  readonly blobs: number;
  readonly blobBytes: number;
  readonly logs: number;
  readonly entries: number;
  readonly problems: readonly ProblemFacts[];
  readonly repaired: readonly ProblemFacts[];
  readonly leftOvers: number;
  readonly tornLines: number;
  readonly newer: number;
  readonly strangers: readonly string[];
}

export function verificationText(facts: VerificationFacts): string {
  const { problems, repaired, leftOvers, tornLines, newer, strangers } = facts;
  const notes = [
    ...(leftOvers + tornLines > 0
      ? [`${plural(leftOvers + tornLines, "left-over")} of killed processes or a full disk; mend: foregone gc`]
      : []),
    ...(newer > 0 ? [`${plural(newer, "record")} of a newer version, not checked`] : []),
    ...strangers.map((path) => `${path} is not of the store`),
  ];
  return lines(
    `ok    blobs    ${countText(facts.blobs)} hashed again (${bytesText(facts.blobBytes)})`,
    `ok    records  ${plural(facts.entries, "entry", "entries")} in ${plural(facts.logs, "log")} authenticated, with all they need`,
    ...repaired.map(({ kind, path, detail }) => `mended  ${kind}  ${path}: ${detail}`),
    ...problems.map(({ kind, path, detail }) => `fail  ${kind}  ${path}: ${detail}`),
    ...notes.map((note) => `note  ${note}`),
    problems.length === 0
      ? "nothing wrong"
      : `${plural(problems.length, "problem")}; mend: foregone verify --repair (the next runs make anew what it removes)`,
  );
}

export interface StoreFacts {
  readonly path: string;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly records: number;
  readonly blobs: number;
  readonly witnesses: number;
  readonly marks: number;
  readonly leftOvers: number;
  /** Epoch milliseconds of the blob that was used longest ago. */
  readonly oldestUse?: number;
}

export interface DecisionFacts {
  readonly decisions: number;
  readonly skips: number;
  readonly runs: number;
  /** Of runs, by the kind of the first miss; most frequent first. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly recorded: number;
  readonly savedMs: number;
  readonly decideMs: number;
  readonly audits: number;
  readonly falseSkips: number;
}

/** What this store's counters say of decisions: all that were ever made on it, whoever made them. */
export function decisionFacts(metrics: Metrics): DecisionFacts {
  const [skips, runs] = ["skip", "run"].map((kind) => sumOf(metrics, "foregone_decisions_total", { kind }));
  const reasons = Object.entries(sumsBy(metrics, "foregone_misses_total", "reason")).sort((a, b) => b[1] - a[1]);
  return {
    decisions: (skips ?? 0) + (runs ?? 0),
    skips: skips ?? 0,
    runs: runs ?? 0,
    reasons: Object.fromEntries(reasons),
    recorded: sumOf(metrics, "foregone_records_total"),
    savedMs: sumOf(metrics, "foregone_saved_seconds_total") * 1000,
    decideMs: sumOf(metrics, "foregone_decide_seconds_total") * 1000,
    audits: sumOf(metrics, "foregone_audits_total"),
    falseSkips: sumOf(metrics, "foregone_audits_total", { result: "false-skip" }),
  };
}

export function statsText(
  facts: { readonly store: StoreFacts; readonly decisions: DecisionFacts },
  now: number,
): string {
  const { store, decisions } = facts;
  const { skips, runs, audits, falseSkips } = decisions;
  const oldest = store.oldestUse === undefined ? "" : `, the oldest last used ${ageText(now - store.oldestUse)}`;
  const share = decisions.decisions === 0 ? "" : ` (${Math.round((100 * skips) / decisions.decisions)}%)`;
  const reasons = Object.entries(decisions.reasons).map(([kind, count]) => `${kind} ${countText(count)}`);
  return lines(
    `store      ${bytesText(store.bytes)} of ${bytesText(store.maxBytes)} in ${store.path}`,
    `           ${plural(store.records, "record")}, ${plural(store.blobs, "blob")}${oldest}`,
    ...(store.marks > 0 ? [`           ${plural(store.marks, "command")} disowned after a false skip`] : []),
    ...(decisions.decisions === 0
      ? ["decisions  none yet"]
      : [
          `decisions  ${countText(decisions.decisions)}: ${plural(skips, "skip")}${share}, ${plural(runs, "run")}`,
          ...(reasons.length > 0 ? [`           runs by first reason: ${reasons.join(", ")}`] : []),
          `saved      ${durationText(decisions.savedMs)}; spent on deciding ${durationText(decisions.decideMs)}`,
          `audits     ${countText(audits)}${audits === 0 ? "" : falseSkips === 0 ? ", all with the same result" : `, ${plural(falseSkips, "FALSE SKIP")}`}`,
        ]),
  );
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
