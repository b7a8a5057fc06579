// `::add-mask::` lines: what the runner must be told before anything of a value can reach a log. Masks hide by accident, they
// are no boundary: a step can read its runner's memory (CVE-2025-30066).
import { atomsOf, furtherForms, linesOf, runnerEncodings, unique } from "./forms.ts";

/** Command data, escaped, in no particular order. */
export function maskCommands(value: string): readonly string[] {
  const { whole, leaves, lines } = atomsOf(value);
  const derived = [
    ...[whole, ...leaves].flatMap((text) => (isMaskable(text) ? [] : runnerEncodings(text).slice(1))),
    ...[whole, ...leaves].flatMap(furtherForms),
  ];
  return unique([
    ...[whole, ...leaves].filter(isMaskable),
    ...lines,
    ...derived.filter((form) => !/[\r\n]/.test(form)),
  ]).map(escapeData);
}

/** `%` first, or its escapes would be escaped. */
export function escapeData(data: string): string {
  return data.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** The runner also masks each line of a mask, however short: a value with a line "{" would blacken every "{". */
function isMaskable(text: string): boolean {
  return linesOf(text).every((line) => line.length >= 4);
}
