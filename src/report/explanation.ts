// `foregone explain`: one decision in full. Answers are shown as short ids: enough to tell two apart, never content.
import { NEVER_ACCEPTED, unreachable } from "../core/gap.ts";
import type { Miss } from "../core/decision.ts";
import { gapHint, gapText, questionText } from "./misses.ts";
import { ageText, countText, durationText, plural } from "./units.ts";

export interface Explanation {
  readonly command: readonly string[];
  readonly kind: "skip" | "run";
  readonly basis?: "exact-tree" | "trace";
  readonly misses: readonly Miss[];
  /** More than `misses` if those were cut. */
  readonly missCount: number;
  /** Observations compared, by kind. */
  readonly compared: Readonly<Record<string, number>>;
  readonly record?: string;
  readonly proof?: {
    readonly recordedAt: number;
    readonly runId?: string;
    readonly commit?: string;
    readonly ref?: string;
  };
  readonly optOuts: readonly string[];
  readonly decideMs: number;
  readonly at: number;
  readonly savedMs?: number;
  readonly audit?: "same" | "false-skip";
}

export function explanationText(facts: Explanation, nowMs: number): string {
  const lines = [headLine(facts, nowMs)];
  const rows = facts.misses.map(row);
  const widths = [0, 1, 2].map((i) => Math.min(40, Math.max(0, ...rows.map((r) => r[i]?.length ?? 0))));
  for (const cells of rows) lines.push(`  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
  if (facts.missCount > facts.misses.length)
    lines.push(`  and ${countText(facts.missCount - facts.misses.length)} more`);
  const total = Object.values(facts.compared).reduce((sum, n) => sum + n, 0);
  const different = facts.misses.filter((m) => m.kind === "changed" || m.kind === "unanswered").length;
  if (total > 0) {
    const other = different === 0 ? "" : " other";
    lines.push(`  equal  ${countText(total - different)}${other} observations (${kindsOf(facts.compared)})`);
  }
  if (facts.optOuts.length > 0) lines.push(`  opt-outs  ${facts.optOuts.join(", ")}`);
  if (facts.audit !== undefined) lines.push(`  audit  ${facts.audit === "same" ? "same result" : "FALSE SKIP"}`);
  if (facts.kind === "run") lines.push(...remedy(facts));
  return `${lines.join("\n")}\n`;
}

function headLine(facts: Explanation, nowMs: number): string {
  const against = facts.record === undefined ? "" : ` against ${shortOf(facts.record)}${proofOf(facts, nowMs)}`;
  const basis = facts.basis === undefined ? "" : ` by ${facts.basis === "trace" ? "trace" : "the same tree"}`;
  const saved = facts.savedMs === undefined ? "" : `, saved ${durationText(facts.savedMs)}`;
  const when = `decided ${ageText(nowMs - facts.at)} in ${durationText(facts.decideMs)}`;
  return `${facts.kind.padEnd(5)}  ${facts.command.join(" ")}   ${when}${basis}${against}${saved}`;
}

function proofOf({ proof }: Explanation, nowMs: number): string {
  if (proof === undefined) return "";
  const by = proof.runId === undefined ? "a run here" : `run ${proof.runId}`;
  const where = [by, proof.ref, proof.commit?.slice(0, 8), ageText(nowMs - proof.recordedAt)];
  return ` (${where.filter((part) => part !== undefined).join(", ")})`;
}

function row(miss: Miss): string[] {
  switch (miss.kind) {
    case "changed":
      return [
        "changed",
        miss.question.kind,
        questionText(miss.question),
        `${short(miss.was)} -> ${short(miss.now)}`,
        `first asked by ${miss.by}`,
      ];
    case "unanswered":
      return ["unanswered", miss.question.kind, questionText(miss.question), miss.why];
    case "gap":
      return ["gap", gapText(miss.gap)];
    case "no-record":
      return ["no-record", miss.why ?? "this command has not been recorded here"];
    case "blob-missing":
      return ["blob-missing", shortOf(miss.digest)];
    case "untrusted":
      return ["untrusted", miss.why];
    case "expired":
      return ["expired", `${durationText(miss.ageMs)} old, at most ${durationText(miss.maxAgeMs)}`];
    case "audit":
      return ["audit", miss.why];
    default:
      return unreachable(miss);
  }
}

/** What would make it skippable. */
function remedy({ misses, missCount, proof }: Explanation): string[] {
  const [first] = misses;
  const differing =
    misses.filter((m) => m.kind === "changed" || m.kind === "unanswered").length + missCount - misses.length;
  const gaps = misses.flatMap((miss) => (miss.kind === "gap" ? [miss.gap] : []));
  const lines: string[] = [];
  if (differing > 0) {
    const then = proof?.commit === undefined ? "in the recorded run" : `at ${proof.commit.slice(0, 8)}`;
    lines.push(`would skip if ${plural(differing, "input")} ${differing === 1 ? "was" : "were"} as ${then}`);
  }
  for (const gap of gaps.slice(0, 3)) {
    const hint = gapHint(gap);
    if (NEVER_ACCEPTED.has(gap.kind)) lines.push(`no opt-out fits ${gap.kind}: only the very same tree may be skipped`);
    else if (hint !== undefined) lines.push(`hint: ${hint}`);
  }
  if (first?.kind === "no-record" && differing === 0) lines.push("would skip after one passing run that is recorded");
  if (first?.kind === "audit") lines.push("would skip otherwise: this run was asked for");
  return lines;
}

function kindsOf(compared: Readonly<Record<string, number>>): string {
  return Object.entries(compared)
    .sort((a, b) => b[1] - a[1])
    .map(([kind, count]) => `${countText(count)} ${kind}`)
    .join(", ");
}

/** "644 git-sha1:3fa1c2d8..." -> "3fa1c2d8"; other answers as they are. */
function short(answer: string): string {
  const digest = /(?:sha256|git-sha1|git-sha256):([0-9a-f]{8})/.exec(answer)?.[1];
  return digest ?? (/^[0-9a-f]{32,}$/.test(answer) ? answer.slice(0, 8) : answer);
}

function shortOf(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 8);
}
