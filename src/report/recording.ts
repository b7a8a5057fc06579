// The one line with which a command that ran ends, and hints that can be pasted.
import { gapHint, gapText } from "./misses.ts";
import { bytesText, plural } from "./units.ts";
import type { Gap } from "../core/gap.ts";
import type { ActionRecord } from "../core/record.ts";

export type RecordingFacts =
  | {
      readonly kind: "recorded";
      readonly id: string;
      readonly made: { readonly record: ActionRecord; readonly outputBytes: number };
    }
  | { readonly kind: "not-recorded"; readonly why: string };

export type AuditResult = { readonly kind: "same" } | { readonly kind: "false-skip"; readonly what: string };

export function recordingLines(recording: RecordingFacts, audit: AuditResult | undefined): string[] {
  const verdict =
    audit === undefined
      ? []
      : [
          audit.kind === "same"
            ? "audit: same result"
            : `audit: FALSE SKIP: ${audit.what}; every record of this command is disowned`,
        ];
  if (recording.kind === "not-recorded") return [...verdict, `not recorded: ${recording.why}`];
  const { record, outputBytes } = recording.made;
  const { observations, gaps } = record.trace;
  if (gaps.length > 0) return [...verdict, ...gapLines(gaps)];
  const outputs = record.result.outputs.filter(({ restored }) => restored).length;
  const also = outputs === 0 ? "" : ` and ${plural(outputs, "output")} (${bytesText(outputBytes)})`;
  const id = recording.id.slice(recording.id.indexOf(":") + 1).slice(0, 8);
  return [...verdict, `recorded ${plural(observations.length, "observation")}${also} as ${id}`];
}

function gapLines(gaps: readonly Gap[]): string[] {
  const shown = gaps.slice(0, 3).map(gapText).join("; ");
  const more = gaps.length > 3 ? `; ${gaps.length - 3} more in \`foregone explain\`` : "";
  const hints = [...new Set(gaps.map(gapHint).filter((hint) => hint !== undefined))].slice(0, 1);
  return [
    `not recorded for reuse: ${plural(gaps.length, "gap")}: ${shown}${more}`,
    ...hints.map((hint) => `hint: ${hint}`),
  ];
}
