// Metrics as others read them: Prometheus text, OTLP/HTTP JSON, and Markdown for a job summary. The sums already exist, so a
// client library would only be told them again (docs/decisions/0082-metrics-without-a-library.md).
import type { Json } from "../core/canonical.ts";
import { METRICS, type Metric, type MetricName, type Metrics, parseSeries, type Series } from "./metrics.ts";
import { metricsPanel, type PanelLine } from "./panel.ts";
import { countText, durationText } from "./units.ts";

interface Point extends Series {
  readonly series: string;
  readonly value: number;
}

/** Prometheus exposition format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function prometheusText(metrics: Metrics): string {
  const lines: string[] = [];
  for (const [name, points] of grouped(metrics)) {
    const { type, help }: Metric = METRICS[name];
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { series, value } of points) lines.push(`${series} ${value}`);
  }
  return `${lines.join("\n")}\n`;
}

export interface OtlpTimes {
  /** Epoch milliseconds: when the counters began; cumulative sums must say. */
  readonly sinceMs: number;
  readonly nowMs: number;
}

/** ExportMetricsServiceRequest, JSON encoding: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export function otlpBody(metrics: Metrics, version: string, { sinceMs, nowMs }: OtlpTimes): Json {
  const nano = (ms: number): string => `${Math.round(ms)}000000`;
  const text = (key: string, value: string): Json => ({ key, value: { stringValue: value } });
  return {
    resourceMetrics: [
      {
        resource: { attributes: [text("service.name", "foregone"), text("service.version", version)] },
        scopeMetrics: [
          {
            scope: { name: "foregone", version },
            metrics: [...grouped(metrics)].map(([name, points]) => {
              const { type, help }: Metric = METRICS[name];
              const dataPoints = points.map(({ labels, value }) => ({
                attributes: Object.entries(labels).map(([key, label]) => text(key, label)),
                startTimeUnixNano: nano(sinceMs),
                timeUnixNano: nano(nowMs),
                asDouble: value,
              }));
              // 2: cumulative.
              const sum = { dataPoints, aggregationTemporality: 2, isMonotonic: true };
              return { name, description: help, ...(type === "counter" ? { sum } : { gauge: { dataPoints } }) };
            }),
          },
        ],
      },
    ],
  };
}

/** For $GITHUB_STEP_SUMMARY: the founding panel; groups in which nothing happened are left out. */
export function panelMarkdown(metrics: Metrics): string {
  const groups = metricsPanel(metrics).filter(({ lines }) => lines.some(({ value }) => value > 0));
  return groups
    .map(({ title, lines }) => {
      const rows = lines.map(
        (line) => `| ${line.label} | ${line.alarm === true && line.value > 0 ? "**" : ""}${lineText(line)} |`,
      );
      return [`### ${title}`, "", "| | |", "|---|---:|", ...rows, ""].join("\n");
    })
    .join("\n");
}

export function lineText({ unit, value, share }: PanelLine): string {
  const shown = unit === "seconds" ? durationText(value * 1000) : countText(value);
  return share === undefined ? shown : `${shown} (${(share * 100).toFixed(0)} %)`;
}

/** In the table's order; series of a metric by name. What the table does not know (another version's) is left out. */
function grouped(metrics: Metrics): ReadonlyMap<MetricName, readonly Point[]> {
  const groups = new Map<MetricName, Point[]>();
  for (const name of Object.keys(METRICS) as MetricName[]) groups.set(name, []);
  for (const series of Object.keys(metrics).sort()) {
    const parsed = parseSeries(series);
    const value = metrics[series];
    if (parsed !== undefined && value !== undefined && Number.isFinite(value))
      groups.get(parsed.name)?.push({ ...parsed, series, value });
  }
  for (const [name, points] of groups) if (points.length === 0) groups.delete(name);
  return groups;
}
