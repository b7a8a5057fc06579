// Several logs as one. GitHub takes one run per tool and category in an upload, so runs of the same tool and category become
// one run: rules, artifacts and results united, indexes moved. What cannot be united without guessing is a conflict.
import type { ArtifactLocation, Log, ReportingDescriptor, Result, Run } from "sarif";
import { canonicalJson, type Json } from "../../core/canonical.ts";
import { resultText } from "./canonical.ts";
import { forEachLocation } from "./normalise.ts";

export type Merged =
  | { readonly kind: "merged"; readonly log: Log }
  | { readonly kind: "conflict"; readonly why: string };

/** Run-level caches that results point into by index; uniting them is not worth it as no known tool splits such runs. */
const INDEXED = [
  "addresses",
  "graphs",
  "logicalLocations",
  "policies",
  "taxonomies",
  "threadFlowLocations",
  "translations",
  "webRequests",
  "webResponses",
] as const;

/** @param logs have passed `judge` each; they may be changed */
export function mergeSarif(logs: readonly Log[]): Merged {
  const groups = new Map<string, Run[]>();
  for (const run of logs.flatMap((log) => log.runs)) {
    const key = runKey(run);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  const runs: Run[] = [];
  for (const [first, ...more] of groups.values()) {
    if (first === undefined) continue;
    for (const run of more) {
      const why = conflict(first, run);
      if (why !== undefined) return { kind: "conflict", why };
      unite(first, run);
    }
    runs.push(first);
  }
  const schema = logs.find((log) => log.$schema !== undefined)?.$schema;
  return { kind: "merged", log: { ...(schema !== undefined && { $schema: schema }), version: "2.1.0", runs } };
}

function runKey({ tool: { driver }, automationDetails }: Run): string {
  const { name, fullName, version, semanticVersion, guid } = driver;
  return JSON.stringify([name, fullName, version, semanticVersion, guid, automationDetails?.id].map((v) => v ?? null));
}

function conflict(a: Run, b: Run): string | undefined {
  const name = a.tool.driver.name;
  for (const list of INDEXED)
    if (a[list] !== undefined || b[list] !== undefined) return `two runs of ${name} with ${list}: give them categories`;
  if (!equal(a.tool.extensions, b.tool.extensions)) return `two runs of ${name} with different extensions`;
  if (!equal(a.tool.driver.notifications, b.tool.driver.notifications))
    return `two runs of ${name} with different notifications`;
  for (const property of ["columnKind", "originalUriBaseIds", "language"] as const)
    if (!equal(a[property], b[property])) return `two runs of ${name} with different ${property}`;
  for (const rule of b.tool.driver.rules ?? []) {
    const same = a.tool.driver.rules?.find(({ id }) => id === rule.id);
    if (same !== undefined && !equal(same, rule)) return `two runs of ${name} that describe ${rule.id} differently`;
  }
  return undefined;
}

function unite(into: Run, run: Run): void {
  const artifactAt = uniteArtifacts(into, run);
  const ruleAt = uniteRules(into, run);
  forEachLocation({ ...run, artifacts: [] }, (location) => {
    if (location.index !== undefined && location.index >= 0) location.index = artifactAt[location.index] ?? -1;
  });
  const known = new Set((into.results ?? []).map(resultText));
  for (const result of run.results ?? []) {
    moveRule(result, ruleAt);
    const text = resultText(result);
    if (known.has(text)) continue;
    known.add(text);
    (into.results ??= []).push(result);
  }
  if (run.invocations !== undefined) into.invocations = [...(into.invocations ?? []), ...run.invocations];
}

function uniteArtifacts(into: Run, run: Run): number[] {
  if (run.artifacts === undefined) return [];
  const artifacts = (into.artifacts ??= []);
  const keyOf = (location: ArtifactLocation | undefined): string =>
    `${location?.uriBaseId ?? ""}\0${location?.uri ?? ""}`;
  const known = new Map(artifacts.map(({ location }, index) => [keyOf(location), index]));
  return run.artifacts.map((artifact) => {
    const key = keyOf(artifact.location);
    const index = known.get(key) ?? artifacts.push(artifact) - 1;
    known.set(key, index);
    if (artifact.location?.index !== undefined) artifact.location.index = index;
    return index;
  });
}

function uniteRules(into: Run, run: Run): number[] {
  const rules: ReportingDescriptor[] = (into.tool.driver.rules ??= []);
  const known = new Map(rules.map(({ id }, index) => [id, index]));
  return (run.tool.driver.rules ?? []).map((rule) => {
    const index = known.get(rule.id) ?? rules.push(rule) - 1;
    known.set(rule.id, index);
    return index;
  });
}

function moveRule(result: Result, ruleAt: readonly number[]): void {
  const inExtension = result.rule?.toolComponent?.index !== undefined;
  if (result.ruleIndex !== undefined && result.ruleIndex >= 0 && !inExtension)
    result.ruleIndex = ruleAt[result.ruleIndex] ?? -1;
  if (result.rule?.index !== undefined && result.rule.index >= 0 && !inExtension)
    result.rule.index = ruleAt[result.rule.index] ?? -1;
}

function equal(a: unknown, b: unknown): boolean {
  return canonicalJson((a ?? null) as Json) === canonicalJson((b ?? null) as Json);
}
