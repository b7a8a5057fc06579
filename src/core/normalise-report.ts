// What two runs of one command may differ in without having a different result: colours, durations, times of day, temporary
// names, process ids, the machine's load, the seed of a shuffle, and the order in which parallel parts report. Used by audits, never by a decision.

const RULES: readonly (readonly [RegExp, string])[] = [
  // Terminal control sequences (ECMA-48 CSI, OSC).
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  [/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g, ""],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g, "<time>"],
  [/\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\b/g, "<time>"],
  [/\b\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)? ?(?:ns|µs|us|ms|s|sec|secs|seconds?|m|min|minutes?|h)\b/g, "<duration>"],
  [/(duration_ms|time|elapsed|took|user|sys|real)([":=\s]+)\d+(?:\.\d+)?/gi, "$1$2<duration>"],
  [/(?:\/private)?\/(?:var\/)?tmp\/[^\s'":)]+/g, "<temporary>"],
  [/\bload av(?:g|erages?):? [\d.]+(?:,? [\d.]+)*/gi, "<load>"],
  [/\bseed([ =:]+)\d+/gi, "seed$1<seed>"],
  [/\bpid[ =:]+\d+/gi, "pid <pid>"],
];

/** Lines of the report, normalised and sorted: equal lists are equal results. */
export function normalisedLines(text: string): string[] {
  let plain = text.replace(/\r\n?/g, "\n");
  for (const [pattern, replacement] of RULES) plain = plain.replace(pattern, replacement);
  return plain
    .split("\n")
    .map((line) => line.replace(/\s+/g, " ").trim())
    .filter((line) => line !== "")
    .sort();
}

/** @returns the first line that only one of the two has; undefined if they are equal */
export function reportDifference(was: string, now: string): string | undefined {
  const a = normalisedLines(was);
  const b = normalisedLines(now);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] === b[i]) continue;
    return (a[i] ?? "") < (b[i] ?? "\uffff") && a[i] !== undefined ? a[i] : b[i];
  }
  return undefined;
}
