// What a person sees of a step or job: lines in the log, a summary of the job, one annotation at most. Names come from the checkout and
// from records: they never begin a line, and in the summary they are text and nothing else.
import type { Decision, Miss } from "../../core/decision.ts";
import type { Gap } from "../../core/gap.ts";
import type { ActionRecord } from "../../core/record.ts";
import type { Decided } from "../../memo/memo.ts";
import { escapeMarkdown } from "../../codeql/sarif/summary.ts";
import { countKinds, optOutText, proofText, savedText } from "../../report/decision.ts";
import { gapHint, missText } from "../../report/misses.ts";
import { ageText, countText, durationText, plural } from "../../report/units.ts";
import type { Proof, RemoteRecords } from "../remote-records.ts";
import { NO_PERMISSIONS } from "./definition.ts";

export interface Verdict {
  /** "npm test", or the job. */
  readonly name: string;
  readonly decision: Decision;
  /** The record that was compared, if any. */
  readonly compared: ActionRecord | undefined;
  readonly decideMs: number;
  readonly withheld: readonly string[];
  readonly audit: number;
  readonly trust: string;
  /** Who made it, as GitHub states it; only of a record that is used. */
  readonly proof: Proof | undefined;
  readonly nowMs: number;
  readonly repository: string;
  readonly serverUrl: string;
  readonly full: boolean;
}

const MAX_MISSES = 20;
const MAX_LINE = 400;

export function proofOf(
  { remote }: { readonly remote: RemoteRecords | undefined },
  { verdict: { decision } }: Decided,
): Proof | undefined {
  return decision.kind === "skip" ? remote?.provedBy(decision.id) : undefined;
}

/** The first line of a script. */
export function nameOf(run: string): string {
  const first = run.split("\n").find((line) => line.trim() !== "" && !/^\s*#/.test(line)) ?? "";
  const clean = oneLine(first).trim();
  return clean.length > 60 ? `${clean.slice(0, 59)}…` : clean;
}

export function decisionLines(verdict: Verdict): string[] {
  const { decision, name } = verdict;
  if (decision.kind === "skip") return hitLines(verdict, decision.record);
  const [first, ...more] = decision.misses;
  const rest = more.length === 0 ? "" : `; ${plural(more.length, "more reason")}`;
  const lines = [`Foregone ${name}: running, ${missText(first)}${rest}`];
  const hint = hintOf(first);
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  const shown = verdict.full ? more : [];
  return [...lines, ...shown.map((miss) => `  also: ${missText(miss)}`)].map(oneLine);
}

function hitLines({ name, nowMs, decideMs, audit, withheld, trust, proof }: Verdict, record: ActionRecord): string[] {
  const notPassed =
    withheld.length === 0
      ? ""
      : `; not passed: ${withheld[0]}${withheld.length > 1 ? `, ${withheld.length - 1} more` : ""}`;
  const draw = audit === 0 ? "off" : `1 in ${Math.round(1 / audit)}, not drawn`;
  return [
    `Foregone ${name}: hit. ${comparedText(record)}: all equal`,
    `  proved by ${proof?.text ?? `${proofText(record, nowMs)} [${trust}]`}, ${ageText(nowMs - record.provenance.recordedAt)}`,
    `  saved ${savedText(record, decideMs)} (decided in ${durationText(decideMs)}); opt-outs: ${optOutText(record.optOuts)}; audit: ${draw}${notPassed}`,
  ].map(oneLine);
}

/** "1,204 files, 311 absent, 58 directories" */
export function comparedText(record: ActionRecord): string {
  const words: Readonly<Record<string, string>> = {
    file: "files",
    directory: "directories",
    symlink: "symlinks",
    stat: "looked at",
    probe: "probed",
    git: "git queries",
  };
  const counts = Object.entries(countKinds(record)).sort((a, b) => b[1] - a[1]);
  return counts.length === 0
    ? "nothing to compare"
    : counts.map(([kind, count]) => `${countText(count)} ${words[kind] ?? kind}`).join(", ");
}

export function hintOf(miss: Miss): string | undefined {
  if (miss.kind !== "gap") return undefined;
  return jobGapHint(miss.gap) ?? gapHint(miss.gap);
}

function jobGapHint(gap: Gap): string | undefined {
  switch (gap.kind) {
    case "privileged-job":
      return gap.why === NO_PERMISSIONS
        ? "permissions: { contents: read, actions: read }"
        : "if a skip may leave undone what this job is trusted with, ignore: privileged-job";
    case "expression-context":
      return /^(?:needs|vars|inputs|strategy)\b/.test(gap.what)
        ? `salt: \${{ toJSON(${gap.what.split(".")[0]}) }}`
        : `use it before Foregone, or in step mode (run:)`;
    case "job-outputs":
    case "overlapping-steps":
    case "step-tolerated":
      return "step mode (run:) keeps what a step hands on";
    case "foreign-definition":
      return "check out the commit that the workflow runs for";
    default:
      return undefined;
  }
}

/** At most 32 KiB of Markdown. */
export function summaryText(verdict: Verdict, result: string): string {
  const { name, decision, compared, decideMs, trust } = verdict;
  const skipped = decision.kind === "skip";
  const rows: [string, string][] = [];
  if (compared !== undefined) {
    rows.push([skipped ? "proved by" : "compared with", proofCell(verdict, compared)]);
    rows.push(["compared", comparedText(compared)]);
    rows.push([
      "runner",
      Object.entries(compared.action.platform)
        .filter(([k]) => ["os", "arch", "image", "kernel"].includes(k))
        .map(([, v]) => v)
        .join(", "),
    ]);
    if (skipped) rows.push(["saved", savedText(compared, decideMs)]);
    rows.push(["opt-outs", optOutText(compared.optOuts)]);
  }
  if (!skipped) {
    const [first] = decision.misses;
    rows.push(["why", missText(first)]);
    const hint = hintOf(first);
    if (hint !== undefined) rows.push(["to skip it", hint]);
  }
  rows.push(["trust", trust], ["decided in", durationText(decideMs)]);
  if (result !== "") rows.push(["then", result]);
  const title = `### Foregone: ${escapeMarkdown(name)} ${skipped ? "skipped" : "ran"}`;
  const table = [
    "| | |",
    "|---|---|",
    ...rows.map(([what, text]) => `| ${what} | ${text.startsWith("<a ") ? text : escapeMarkdown(text)} |`),
  ];
  const more = skipped
    ? []
    : decision.misses.slice(1, MAX_MISSES + 1).map((miss) => `- ${escapeMarkdown(missText(miss))}`);
  const left = skipped ? 0 : decision.misses.length - 1 - more.length;
  const details =
    more.length === 0
      ? []
      : [
          "",
          "<details><summary>More that differs</summary>",
          "",
          ...more,
          ...(left > 0 ? [`- ${left} more`] : []),
          "",
          "</details>",
        ];
  return [title, "", ...table, ...details, ""].join("\n").slice(0, 32_000);
}

/** The run can be opened; its number and address are digits and the server's own. */
function proofCell({ repository, serverUrl, nowMs, proof }: Verdict, record: ActionRecord): string {
  const { runId, runAttempt } = record.provenance;
  const text = escapeMarkdown(proof?.text ?? proofText(record, nowMs));
  const safe =
    /^\d+$/.test(runId ?? "") && /^[\w.-]+\/[\w.-]+$/.test(repository) && /^https?:\/\/[\w.:-]+$/.test(serverUrl);
  return safe
    ? `<a href="${serverUrl}/${repository}/actions/runs/${runId}/attempts/${runAttempt ?? 1}">${text}</a>`
    : text;
}

/** No control characters: a name with a line break would begin a line of the log, and there it could be a command. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, " ");
  return clean.length > MAX_LINE ? `${clean.slice(0, MAX_LINE - 1)}…` : clean;
}
