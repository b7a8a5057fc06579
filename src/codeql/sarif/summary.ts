// The Markdown summary of a log: alerts by severity, then the worst of them. Names, paths and messages come from the scanned
// code, that is from anybody: they are escaped, one line each, and cut.
import type { Log } from "sarif";
import { type Alert, alertsOf } from "./diff.ts";
import { SEVERITIES } from "./severity.ts";

/** GitHub drops a whole summary above 1 MiB; ours stays far below. */
const MAX_ALERTS = 50;

export function summarise(log: Log): string {
  const alerts = alertsOf(log).sort(bySeverity);
  const lines = log.runs.flatMap((run) => {
    const driver = run.tool.driver;
    const version = driver.semanticVersion ?? driver.version;
    return [`### ${escapeMarkdown(driver.name)}${version === undefined ? "" : ` ${escapeMarkdown(version)}`}`, ""];
  });
  if (alerts.length === 0) return [...lines, "No alerts.", ""].join("\n");
  const present = SEVERITIES.filter((severity) => alerts.some((alert) => alert.severity === severity));
  lines.push("| severity | alerts | rules |", "|---|---:|---|");
  for (const severity of present) {
    const of = alerts.filter((alert) => alert.severity === severity);
    const rules = [...new Set(of.map((alert) => alert.rule))];
    const named = rules.slice(0, 5).map(code).join(", ");
    lines.push(`| ${severity} | ${of.length} | ${named}${rules.length > 5 ? `, ${rules.length - 5} more` : ""} |`);
  }
  lines.push(
    "",
    "<details><summary>Alerts</summary>",
    "",
    "| severity | rule | where | message |",
    "|---|---|---|---|",
  );
  for (const alert of alerts.slice(0, MAX_ALERTS)) lines.push(row(alert));
  if (alerts.length > MAX_ALERTS) lines.push(`| | | | ${alerts.length - MAX_ALERTS} more |`);
  lines.push("", "</details>", "");
  return lines.join("\n");
}

function row({ severity, rule, uri, line, message }: Alert): string {
  return `| ${severity} | ${code(rule)} | ${code(line === undefined ? uri : `${uri}:${line}`)} | ${escapeMarkdown(message)} |`;
}

function bySeverity(a: Alert, b: Alert): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
}

function code(text: string): string {
  const clean = oneLine(text).replaceAll("`", "'").replaceAll("|", "\\|");
  return clean === "" ? "" : `\`${clean}\``;
}

/** Text that renders as itself in a table cell: no link, image, HTML, mention or new row. */
export function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_{}[\]()#+!|~]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("@", "&#64;")
    .replaceAll("://", "&#58;//");
}

function oneLine(text: string): string {
  // Control characters, and those that turn the direction of text.
  // oxlint-disable-next-line no-control-regex
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ").trim();
  return clean.length > 160 ? `${clean.slice(0, 159)}…` : clean;
}
