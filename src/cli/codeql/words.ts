// The words of the scan cache: one line of verdict, then what a person needs to act. Names and paths are from the scanned code:
// what could drive a terminal or a workflow is taken out.
import type { ComponentChange, UnansweredComponent } from "../../codeql/component.ts";
import type { Explanation, Hit, Scan } from "../../codeql/decide-scan.ts";
import { shown } from "../../codeql/work-tree.ts";
import { DEPENDENCIES, type ScanKey, SOURCE_EXACT, SOURCE_RELEVANT } from "../../codeql/scan-key.ts";
import { describeCounts, type SeverityCounts } from "../../codeql/sarif/severity.ts";
import type { FileChange } from "../../codeql/source.ts";
import type { Miss } from "../../core/decision.ts";
import type { EpochMs } from "../../ports.ts";
import { missText } from "../../report/misses.ts";
import { ageText, countText, durationText } from "../../report/units.ts";
import { printable } from "../../report/printable.ts";

const PARTIAL_HINT =
  "full scans of pull requests: CODEQL_ACTION_DIFF_INFORMED_QUERIES=false, CODEQL_ACTION_OVERLAY_ANALYSIS=false, CODEQL_ACTION_FILE_COVERAGE_ON_PRS=true";

export function hitLines(name: string, key: ScanKey, hit: Hit, now: EpochMs): string[] {
  const { provenance, result } = hit.record;
  const { compared, inert } = { compared: key.source.compared.length, inert: key.source.inertCount };
  const what =
    hit.basis === "exact"
      ? "exact: the same tree"
      : `relevant: ${countText(compared)} of ${countText(compared + inert)} files compared, ${countText(inert)} inert`;
  const run = provenance.runId === undefined ? "a scan here" : `run ${provenance.runId}`;
  const about = [provenance.event, provenance.ref, provenance.commit?.slice(0, 8)].filter((x) => x !== undefined);
  const where = about.length === 0 ? "" : `${about.join(" ")}, `;
  return [
    `skip   ${name}   ${what}`,
    `  proved by ${run} (${where}${ageText(now - provenance.recordedAt)}); ${describeCounts((provenance.seal["severity"] ?? {}) as SeverityCounts)}`,
    `  the recorded scan took ${durationText(result.durationMs)}`,
  ].map(printable);
}

export function scanLines(name: string, { misses, explanation, auditOf, hole }: Scan, all = false): string[] {
  const changes = explanation === undefined ? [] : changeTexts(explanation);
  const [first] = misses;
  const named = (first.kind === "no-record" || first.kind === "changed") && changes.length > 0;
  const reason = named ? `changed ${changes[0]}` : scanMissText(first);
  const more = named ? changes.length - 1 : misses.length - 1;
  const lines = [`run    ${name}   ${reason}${more > 0 && !all ? `, ${more} more` : ""}`];
  if (all) {
    for (const change of named ? changes.slice(1, 51) : changes.slice(0, 50)) lines.push(`  changed  ${change}`);
    if (changes.length > 51) lines.push(`  ${changes.length - 51} more`);
    for (const miss of misses.slice(named ? 0 : 1)) lines.push(`  ${miss.kind}  ${scanMissText(miss)}`);
    if (explanation !== undefined) {
      const { provenance } = explanation.record;
      lines.push(
        `  compared with ${explanation.id.slice(7, 15)} (${provenance.commit?.slice(0, 8) ?? "no commit"}, ${provenance.ref ?? "no ref"})`,
      );
    }
  }
  if (auditOf !== undefined) lines.push(`  an audit: the result is compared with ${auditOf.id.slice(7, 15)}`);
  if (hole !== undefined) lines.push("  the key has a hole: every record of this scan is disowned");
  return lines.map(printable);
}

export function unansweredLines(name: string, unanswered: readonly UnansweredComponent[]): string[] {
  return unanswered.flatMap(({ component, why, hint }, i) => [
    printable(`${i === 0 ? `run    ${name}   ` : "  "}unanswered ${component}: ${why}`),
    ...(hint === undefined ? [] : [printable(`  hint: ${hint}`)]),
  ]);
}

export function refusalHint(code: string): string | undefined {
  return code === "partial-run" ? PARTIAL_HINT : undefined;
}

function changeTexts({ components, files }: Explanation): string[] {
  return [...components.map(componentText), ...(files ?? []).map(fileText)];
}

function componentText({ component, member, was, now }: ComponentChange): string {
  return `${component} ${member} ${short(was)} -> ${short(now)}`;
}

function fileText({ path, was, now }: FileChange): string {
  if (was === undefined) return `source ${shown(path)} appeared`;
  if (now === undefined) return `source ${shown(path)} is gone`;
  const [wasMode, wasId] = was.split(" ");
  const [nowMode, nowId] = now.split(" ");
  if (wasId === nowId) return `source ${shown(path)} mode ${wasMode} -> ${nowMode}`;
  return `source ${shown(path)} ${shortId(wasId)} -> ${shortId(nowId)}`;
}

function scanMissText(miss: Miss): string {
  if (miss.kind !== "changed")
    return miss.kind === "no-record" && miss.why === undefined ? "no record of this scan" : missText(miss);
  switch (miss.question.key) {
    case SOURCE_EXACT:
      return "the tree changed";
    case SOURCE_RELEVANT:
      return "the source changed";
    case DEPENDENCIES:
      return "dependencies or toolchain changed";
    default:
      return missText(miss);
  }
}

/** Digests to 8 digits, other values to a line. */
function short(value: string | undefined): string {
  if (value === undefined) return "nothing";
  const text = value.replace(/[0-9a-f]{32,64}/g, (hex) => hex.slice(0, 8));
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function shortId(id: string | undefined): string {
  return (id ?? "").replace(/^git-sha1:|^git-sha256:/, "").slice(0, 8);
}

/** @param recordedMs 0: nobody said when the scan began */
export function skippedText(saved: number, recordedMs: number): string {
  if (recordedMs === 0) return "time saved is not known";
  return saved > 0 ? `saved ${durationText(saved)}` : "no time saved: the scan is as fast as its replay";
}
