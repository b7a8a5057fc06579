// What changed between two results of one tool, in SARIF's own words (baselineState): new, absent, updated, unchanged.
// An alert is followed as GitHub does: by rule and line hash, so that it survives edits elsewhere in the file.
import type { Log, Result, Run } from "sarif";
import type { Loose } from "./look.ts";
import { resultText } from "./canonical.ts";
import { LINE_HASH } from "./fingerprint.ts";
import { type Severity, severityOf } from "./severity.ts";

export interface Alert {
  readonly tool: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly uri: string;
  readonly line: number | undefined;
  readonly message: string;
}

export interface SarifDiff {
  readonly new: readonly Alert[];
  readonly absent: readonly Alert[];
  /** The same alert: at another line, with another message or flow. */
  readonly updated: readonly { readonly was: Alert; readonly now: Alert }[];
  readonly unchanged: number;
}

interface Entry {
  readonly alert: Alert;
  readonly exact: string;
  /** From strict to lax; each is tried over all that is left before the next. */
  readonly keys: readonly string[];
}

export function diffSarif(was: Log, now: Log): SarifDiff {
  let left = was.runs.flatMap(entriesOf);
  let right = now.runs.flatMap(entriesOf);
  const before = right.length;
  [left, right] = pair(
    left,
    right,
    (entry) => entry.exact,
    () => {},
  );
  const unchanged = before - right.length;
  const updated: { was: Alert; now: Alert }[] = [];
  for (let i = 0; i < 3; i++)
    [left, right] = pair(
      left,
      right,
      (entry) => entry.keys[i],
      (a, b) => updated.push({ was: a.alert, now: b.alert }),
    );
  return { new: right.map((e) => e.alert), absent: left.map((e) => e.alert), updated, unchanged };
}

export function alertsOf(log: Log): Alert[] {
  return log.runs.flatMap((run) => (run.results ?? []).map((result) => alertOf(result, run)));
}

/** Takes equal keys out of both sides, one for one. */
function pair(
  left: readonly Entry[],
  right: readonly Entry[],
  keyOf: (entry: Entry) => string | undefined,
  found: (a: Entry, b: Entry) => void,
): [Entry[], Entry[]] {
  const waiting = new Map<string, Entry[]>();
  const restLeft = new Set(left);
  for (const entry of left) {
    const key = keyOf(entry);
    if (key === undefined) continue;
    const same = waiting.get(key);
    if (same === undefined) waiting.set(key, [entry]);
    else same.push(entry);
  }
  const restRight = right.filter((entry) => {
    const key = keyOf(entry);
    const match = key === undefined ? undefined : waiting.get(key)?.shift();
    if (match === undefined) return true;
    restLeft.delete(match);
    found(match, entry);
    return false;
  });
  return [[...restLeft], restRight];
}

function entriesOf(run: Run): Entry[] {
  return (run.results ?? []).map((result) => {
    const alert = alertOf(result, run);
    const hash = result.partialFingerprints?.[LINE_HASH];
    const base = `${alert.tool}\0${alert.rule}\0`;
    return {
      alert,
      exact: `${alert.tool}\0${resultText(result)}`,
      keys: [
        `${base}${alert.uri}\0${hash === undefined ? `${alert.line}\0${alert.message}` : hash}`,
        ...(hash === undefined ? [] : [`${base}\0${hash}`]),
        `${base}${alert.uri}\0\0${alert.message}`,
      ],
    };
  });
}

function alertOf(result: Result, run: Run): Alert {
  const place = result.locations?.[0]?.physicalLocation;
  return {
    tool: run.tool.driver.name,
    rule: result.ruleId ?? result.rule?.id ?? "",
    severity: severityOf(result as unknown as Loose, run as unknown as Loose),
    uri: place?.artifactLocation?.uri ?? "",
    line: place?.region?.startLine,
    message: result.message.text ?? result.message.markdown ?? result.message.id ?? "",
  };
}
