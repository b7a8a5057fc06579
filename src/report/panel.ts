// The founding metrics panel, and ours beside it: the same lines on the dashboard, in the job summary and in the terminal.
import { type MetricName, type Metrics, seriesOf, sumOf } from "./metrics.ts";

export interface PanelLine {
  readonly label: string;
  readonly value: number;
  readonly unit: "count" | "seconds";
  /** Share of a whole, between 0 and 1; undefined if the whole is 0. */
  readonly share?: number;
  /** A number above 0 is bad. */
  readonly alarm?: true;
}

export interface PanelGroup {
  readonly title: string;
  readonly lines: readonly PanelLine[];
}

export function metricsPanel(metrics: Metrics): readonly PanelGroup[] {
  const sum = (name: MetricName, labels: Readonly<Record<string, string>> = {}): number => sumOf(metrics, name, labels);
  const count = (label: string, value: number, whole?: number): PanelLine => ({
    label,
    value,
    unit: "count",
    ...(whole !== undefined && whole > 0 && { share: value / whole }),
  });
  const seconds = (label: string, value: number): PanelLine => ({ label, value, unit: "seconds" });
  // A gauge that nobody has looked at is unknown, not 0.
  const gauge = (label: string, name: MetricName, labels: Readonly<Record<string, string>> = {}): PanelLine[] =>
    Object.hasOwn(metrics, seriesOf(name, labels)) ? [count(label, sum(name, labels))] : [];
  const alarm = (label: string, value: number): PanelLine => ({ label, value, unit: "count", alarm: true });

  const decisions = sum("foregone_decisions_total");
  const requests = sum("foregone_api_requests_total");
  const outcome = (name: string): number => sum("foregone_api_requests_total", { outcome: name });
  // A read that GitHub certified costs no quota, one under a lease or that shared another's call no request: nobody paid.
  const unpaid = outcome("certified") + outcome("fresh") + outcome("shared");
  const scans = (name: string): number => sum("foregone_codeql_scans_total", { outcome: name });
  return [
    {
      title: "Decisions",
      lines: [
        count("decisions", decisions),
        count("skips", sum("foregone_decisions_total", { kind: "skip" }), decisions),
        seconds("time saved", sum("foregone_saved_seconds_total")),
        count("audits", sum("foregone_audits_total")),
        alarm("false skips found", sum("foregone_audits_total", { result: "false-skip" })),
        seconds("tracing cost", sum("foregone_trace_seconds_total")),
      ],
    },
    {
      title: "GitHub API cache",
      lines: [
        count("total requests", requests),
        count("cache hits", unpaid, requests),
        count("peer hits", sum("foregone_api_peer_hits_total"), requests),
        count("API calls saved", unpaid),
        count("paid", outcome("paid"), requests),
        alarm("stale answers served", outcome("stale")),
        ...gauge("connected peers", "foregone_peers_connected"),
      ],
    },
    {
      title: "CodeQL cache",
      lines: [
        count("scans cached", scans("stored")),
        count("scans retrieved", scans("retrieved")),
        count("scans skipped", scans("skipped"), scans("skipped") + scans("stored")),
        seconds("time saved", sum("foregone_codeql_saved_seconds_total")),
      ],
    },
    {
      title: "Credentials",
      lines: [
        ...gauge("active", "foregone_credentials", { state: "active" }),
        count("access events", sum("foregone_credential_accesses_total")),
        count("access denied", sum("foregone_credential_accesses_total", { decision: "denied" })),
        ...gauge("expired", "foregone_credentials", { state: "expired" }),
      ],
    },
  ];
}
