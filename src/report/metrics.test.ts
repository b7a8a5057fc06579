import { expect, test } from "vitest";
import { decisionCounts, scanCounts, storeCounts } from "./count.ts";
import { otlpBody, panelMarkdown, prometheusText } from "./exposition.ts";
import { METRICS, type MetricName, parseSeries, seriesOf, sumOf, sumsBy } from "./metrics.ts";
import { metricsPanel } from "./panel.ts";

const skip = { kind: "skip", basis: "trace", misses: [], gaps: [], decideMs: 210, savedMs: 252_000 } as const;

function added(...all: readonly (readonly (readonly [string, number])[])[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [series, delta] of all.flat()) sums[series] = (sums[series] ?? 0) + delta;
  return sums;
}

test("a series is its name and labels, and reads back whatever the label says", () => {
  for (const value of ["plain", 'a"b', "back\\slash", "line\nbreak", "}", 'x",found="true', "\\n"]) {
    const series = seriesOf("foregone_store_failures_total", { layer: "disk", code: value });
    expect(parseSeries(series)).toEqual({
      name: "foregone_store_failures_total",
      labels: { layer: "disk", code: value },
    });
  }
  expect(parseSeries("another_programs_total")).toBeUndefined();
  expect(() => seriesOf("foregone_misses_total", {})).toThrow(TypeError);
  expect(() => seriesOf("foregone_misses_total", { cause: "x" })).toThrow(TypeError);
});

test("names follow Prometheus' conventions", () => {
  for (const [name, { type }] of Object.entries(METRICS)) {
    expect(name).toMatch(/^foregone_[a-z_]+$/);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
  }
});

test("a skip saves, an audit and a run do not", () => {
  expect(added(decisionCounts(skip))["foregone_saved_seconds_total"]).toBe(252);
  const audit = { ...skip, kind: "run", misses: [{ kind: "audit", why: "1 in 50" }], audit: "same" } as const;
  const sums = added(decisionCounts(audit));
  expect(sums["foregone_saved_seconds_total"]).toBeUndefined();
  expect(sumOf(sums, "foregone_audits_total", { result: "same" })).toBe(1);
  expect(sumsBy(sums, "foregone_misses_total", "reason")).toEqual({ audit: 1 });
});

test("a scan that was found saves nothing, one that did not run does; its audits count with the others", () => {
  const sums = added(
    scanCounts({ kind: "stored" }),
    scanCounts({ kind: "hit" }),
    scanCounts({ kind: "skipped", savedMs: 300_000 }),
    scanCounts({ kind: "ran-anyway", savedMs: 300_000 }),
    scanCounts({ kind: "false-skip" }),
    scanCounts({ kind: "miss" }),
  );
  expect(sums).toEqual({
    'foregone_codeql_scans_total{outcome="stored"}': 1,
    'foregone_codeql_scans_total{outcome="retrieved"}': 1,
    'foregone_codeql_scans_total{outcome="skipped"}': 1,
    foregone_codeql_saved_seconds_total: 300,
    'foregone_audits_total{result="false-skip"}': 1,
  });
});

test("a layer's lookups count by layer and by whether they found something", () => {
  const done = { type: "done", layer: "disk", operation: "get", bytes: 10, ms: 5 } as const;
  const sums = added(storeCounts({ ...done, found: true }), storeCounts({ ...done, found: false }));
  expect(sumOf(sums, "foregone_store_operations_total", { layer: "disk", found: "true" })).toBe(1);
  expect(sumOf(sums, "foregone_store_seconds_total")).toBeCloseTo(0.01);
});

test("every line of the founding panel is there, and moves with its counter", () => {
  const founding: readonly (readonly [group: string, label: string, series: string])[] = [
    ["GitHub API cache", "total requests", seriesOf("foregone_api_requests_total", { outcome: "paid" })],
    ["GitHub API cache", "cache hits", seriesOf("foregone_api_requests_total", { outcome: "certified" })],
    ["GitHub API cache", "peer hits", seriesOf("foregone_api_peer_hits_total")],
    ["GitHub API cache", "API calls saved", seriesOf("foregone_api_requests_total", { outcome: "fresh" })],
    ["GitHub API cache", "connected peers", seriesOf("foregone_peers_connected")],
    ["CodeQL cache", "scans cached", seriesOf("foregone_codeql_scans_total", { outcome: "stored" })],
    ["CodeQL cache", "scans retrieved", seriesOf("foregone_codeql_scans_total", { outcome: "retrieved" })],
    ["CodeQL cache", "scans skipped", seriesOf("foregone_codeql_scans_total", { outcome: "skipped" })],
    ["CodeQL cache", "time saved", seriesOf("foregone_codeql_saved_seconds_total")],
    ["Credentials", "active", seriesOf("foregone_credentials", { state: "active" })],
    ["Credentials", "access events", seriesOf("foregone_credential_accesses_total", { decision: "granted" })],
    ["Credentials", "access denied", seriesOf("foregone_credential_accesses_total", { decision: "denied" })],
    ["Credentials", "expired", seriesOf("foregone_credentials", { state: "expired" })],
  ];
  for (const [group, label, series] of founding) {
    const line = (metrics: Record<string, number>) =>
      metricsPanel(metrics)
        .find((g) => g.title === group)
        ?.lines.find((l) => l.label === label);
    expect([line({})?.value ?? 0, line({ [series]: 7 })?.value], `${group}: ${label}`).toEqual([0, 7]);
  }
});

const some = {
  [seriesOf("foregone_decisions_total", { kind: "skip", basis: "trace" })]: 2,
  [seriesOf("foregone_decisions_total", { kind: "run", basis: "none" })]: 1,
  [seriesOf("foregone_peers_connected")]: 3,
  unknown_total: 9,
};

test("Prometheus text has each metric once, with its kind, and no foreign ones", () => {
  expect(prometheusText(some)).toBe(
    [
      "# HELP foregone_decisions_total Decisions: skip, or run",
      "# TYPE foregone_decisions_total counter",
      'foregone_decisions_total{kind="run",basis="none"} 1',
      'foregone_decisions_total{kind="skip",basis="trace"} 2',
      "# HELP foregone_peers_connected Peers connected",
      "# TYPE foregone_peers_connected gauge",
      "foregone_peers_connected 3",
      "",
    ].join("\n"),
  );
});

test("OTLP has cumulative sums and gauges", () => {
  const body = JSON.parse(JSON.stringify(otlpBody(some, "1", { sinceMs: 1000, nowMs: 2000 }))) as {
    resourceMetrics: {
      scopeMetrics: {
        metrics: {
          name: MetricName;
          sum?: { aggregationTemporality: number; dataPoints: unknown[] };
          gauge?: unknown;
        }[];
      }[];
    }[];
  };
  const metrics = body.resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
  expect(metrics.map((m) => [m.name, m.sum?.aggregationTemporality, m.gauge !== undefined])).toEqual([
    ["foregone_decisions_total", 2, false],
    ["foregone_peers_connected", undefined, true],
  ]);
  expect(metrics[0]?.sum?.dataPoints[0]).toEqual({
    attributes: [
      { key: "kind", value: { stringValue: "run" } },
      { key: "basis", value: { stringValue: "none" } },
    ],
    startTimeUnixNano: "1000000000",
    timeUnixNano: "2000000000",
    asDouble: 1,
  });
});

test("the job summary leaves out what did not happen", () => {
  const text = panelMarkdown(some);
  expect(text).toContain("| skips | 2 (67 %) |");
  expect(text).not.toContain("CodeQL");
});
