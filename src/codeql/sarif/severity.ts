// The severity GitHub shows: `security-severity` of the rule if it has one, else the level. Real counts:
// test/vectors/sarif/manifest.json.
import { asArray, asObject, asText, at, type Loose, objects } from "./look.ts";

/** Worst first. */
export const SEVERITIES = ["critical", "high", "medium", "low", "error", "warning", "note", "none"] as const;
export type Severity = (typeof SEVERITIES)[number];
export type SeverityCounts = Readonly<Partial<Record<Severity, number>>>;

export function severityOf(result: Loose, run: Loose): Severity {
  const rule = ruleOf(result, run);
  const score = Number(at(rule, "properties", "security-severity") ?? Number.NaN);
  if (score > 0 && score <= 10) return score >= 9 ? "critical" : score >= 7 ? "high" : score >= 4 ? "medium" : "low";
  const level = asText(result["level"]);
  if (level !== undefined) return toLevel(level);
  const kind = asText(result["kind"]);
  if (kind !== undefined && kind !== "fail") return "none";
  return toLevel(asText(at(rule, "defaultConfiguration", "level")) ?? "warning");
}

export function countSeverities(run: Loose): SeverityCounts {
  const counts: Partial<Record<Severity, number>> = {};
  for (const result of objects(run["results"])) {
    const severity = severityOf(result, run);
    counts[severity] = (counts[severity] ?? 0) + 1;
  }
  return counts;
}

export function addCounts(all: readonly SeverityCounts[]): SeverityCounts {
  const sum: Partial<Record<Severity, number>> = {};
  for (const counts of all)
    for (const severity of SEVERITIES) {
      const n = (sum[severity] ?? 0) + (counts[severity] ?? 0);
      if (n > 0) sum[severity] = n;
    }
  return sum;
}

/** "1 critical, 3 high"; "no alerts" if there are none. */
export function describeCounts(counts: SeverityCounts): string {
  const parts = SEVERITIES.filter((s) => (counts[s] ?? 0) > 0).map((s) => `${counts[s]} ${s}`);
  return parts.length === 0 ? "no alerts" : parts.join(", ");
}

/** The rule's descriptor. CodeQL keeps rules in `tool.extensions`; `rule.toolComponent.index` says in which. */
export function ruleOf(result: Loose, run: Loose): Loose | undefined {
  const tool = asObject(run["tool"]);
  const reference = asObject(result["rule"]);
  const extension = at(reference, "toolComponent", "index");
  const component =
    typeof extension === "number" ? asObject(asArray(tool?.["extensions"])[extension]) : asObject(tool?.["driver"]);
  const index = reference?.["index"] ?? result["ruleIndex"];
  const rules = asArray(component?.["rules"]);
  const id = ruleId(result);
  if (typeof index === "number" && index >= 0) {
    const byIndex = asObject(rules[index]);
    if (byIndex !== undefined) return byIndex;
  }
  return id === undefined ? undefined : ruleById(id, rules, tool);
}

export function ruleId(result: Loose): string | undefined {
  return asText(result["ruleId"]) ?? asText(at(result, "rule", "id"));
}

function ruleById(id: string, rules: readonly unknown[], tool: Loose | undefined): Loose | undefined {
  for (const list of [rules, ...objects(tool?.["extensions"]).map((e) => asArray(e["rules"]))])
    for (const rule of list) if (at(rule, "id") === id) return asObject(rule);
  // "CA1000/1" is a sub-rule of "CA1000" (SARIF 3.27.5).
  const parent = id.lastIndexOf("/");
  return parent > 0 ? ruleById(id.slice(0, parent), rules, tool) : undefined;
}

function toLevel(level: string): Severity {
  return level === "error" || level === "note" || level === "none" ? level : "warning";
}
