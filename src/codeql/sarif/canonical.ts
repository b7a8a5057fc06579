// The form in which two logs are compared: without times, guids and what a replay rewrites, results in one order. Two scans
// of equal code by equal tools are equal in this form; that is what an audit checks.
import type { Log, Result, Run } from "sarif";
import { canonicalJson, compareUtf8, type Json } from "../../core/canonical.ts";
import { REPLAY_PROPERTY } from "./rewrite.ts";

const RUN_FACTS = [
  "automationDetails",
  "baselineGuid",
  "originalUriBaseIds",
  "versionControlProvenance",
  "conversion",
  "invocations",
] as const;
const RESULT_FACTS = ["guid", "correlationGuid", "baselineState", "provenance"] as const;
/** Numbers a tool measures of itself, and identities of one job. */
const RUN_PROPERTIES = ["jobRunUuid", REPLAY_PROPERTY] as const;

/** @param log normalised (`normalise`), not changed. @returns RFC 8785 text */
export function canonicalSarif(log: Log): string {
  const runs = log.runs.map(canonicalRun).sort(compareUtf8);
  return `{"runs":[${runs.join(",")}],"version":"2.1.0"}`;
}

function canonicalRun(run: Run): string {
  const { results = [], ...rest } = run;
  for (const name of RUN_FACTS) Reflect.deleteProperty(rest, name);
  if (rest.properties !== undefined) {
    const properties = { ...rest.properties };
    for (const name of RUN_PROPERTIES) Reflect.deleteProperty(properties, name);
    if (Object.keys(properties).length > 0) rest.properties = properties;
    else delete rest.properties;
  }
  // Invocations count by outcome and by what the tool reports, not by when and where.
  const notifications = (run.invocations ?? []).map((i) => ({
    executionSuccessful: i.executionSuccessful ?? null,
    configuration: (i.toolConfigurationNotifications ?? []).map(withoutTimes),
    execution: (i.toolExecutionNotifications ?? []).map(withoutTimes).sort(byCanonical),
  }));
  const whole = { ...rest, invocations: notifications, results: results.map(canonicalResult).sort(compareResults) };
  return canonicalJson(whole as unknown as Json);
}

/** A result without what differs between two equal scans. */
export function canonicalResult(result: Result): Result {
  const copy = { ...result };
  for (const name of RESULT_FACTS) Reflect.deleteProperty(copy, name);
  if (copy.properties !== undefined) {
    const properties = { ...copy.properties };
    Reflect.deleteProperty(properties, "github/alertNumber");
    Reflect.deleteProperty(properties, "github/alertUrl");
    copy.properties = properties;
    if (Object.keys(properties).length === 0) delete copy.properties;
  }
  return copy;
}

export function resultText(result: Result): string {
  return canonicalJson(canonicalResult(result) as unknown as Json);
}

function withoutTimes<T extends { timeUtc?: unknown; threadId?: unknown }>(notification: T): T {
  const copy = { ...notification };
  delete copy.timeUtc;
  delete copy.threadId;
  return copy;
}

function byCanonical(a: object, b: object): number {
  return compareUtf8(canonicalJson(a as Json), canonicalJson(b as Json));
}

function compareResults(a: Result, b: Result): number {
  return compareUtf8(sortKey(a), sortKey(b));
}

/** By rule, place, then all the rest: equal keys are equal results, so that their order cannot matter. */
function sortKey(result: Result): string {
  const place = result.locations?.[0]?.physicalLocation;
  const line = String(place?.region?.startLine ?? 0).padStart(9, "0");
  return `${result.ruleId ?? result.rule?.id ?? ""}\0${place?.artifactLocation?.uri ?? ""}\0${line}\0${canonicalJson(result as unknown as Json)}`;
}
