// The table of metrics: the one home of their names, kinds, labels and words. What is counted is written where it happens and
// kept in the store's counters; /metrics, JSON, OTLP, the job summary and the dashboard read the same sums.
//
// Labels are closed sets: no paths, no repositories, no hosts, no names of secrets. They are read without the token.

export interface Metric {
  readonly type: "counter" | "gauge";
  /** One sentence, no full stop. */
  readonly help: string;
  readonly labels: readonly string[];
}

const counter = (help: string, ...labels: readonly string[]): Metric => ({ type: "counter", help, labels });
const gauge = (help: string, ...labels: readonly string[]): Metric => ({ type: "gauge", help, labels });

export const METRICS = {
  foregone_decisions_total: counter("Decisions: skip, or run", "kind", "basis"),
  foregone_misses_total: counter("Runs by their first reason", "reason"),
  foregone_gaps_total: counter("Runs that may not be reused, by kind of gap", "gap"),
  foregone_saved_seconds_total: counter(
    "Recorded time of runs that skips spared, less the time of deciding and replaying",
  ),
  foregone_run_seconds_total: counter("Time of the commands that ran"),
  foregone_decide_seconds_total: counter("Time spent deciding"),
  foregone_trace_seconds_total: counter("Cost of observing, beside the commands' own time"),
  foregone_audits_total: counter("Would-be skips that ran to check, by result", "result"),
  foregone_records_total: counter("Runs recorded for reuse"),

  foregone_store_operations_total: counter("Operations a layer of the store answered", "layer", "operation", "found"),
  foregone_store_bytes_total: counter("Bytes read from or written to a layer", "layer", "operation"),
  foregone_store_seconds_total: counter("Time a layer took to answer", "layer", "operation"),
  foregone_store_failures_total: counter("Operations a layer could not do", "layer", "code"),
  foregone_store_entries_not_believed_total: counter("Entries of a layer that no trusted key has signed", "layer"),
  foregone_store_bad_bytes_total: counter("Bytes of a layer that were not those of the digest", "layer"),

  foregone_api_requests_total: counter("Reads of the GitHub API by how they were answered", "outcome"),
  foregone_api_peer_hits_total: counter("Stored API answers that a peer had"),
  foregone_api_quota_remaining: gauge("Requests left, lowest of the tokens seen", "resource"),
  foregone_api_quota_limit: gauge("Requests a window allows", "resource"),

  foregone_codeql_scans_total: counter("Scans: stored, retrieved, skipped", "outcome"),
  foregone_codeql_saved_seconds_total: counter("Recorded time of scans that were not made, less replaying"),

  foregone_credentials: gauge("Credentials by state", "state"),
  foregone_credential_accesses_total: counter("Accesses to credentials by decision", "decision"),

  foregone_peers_connected: gauge("Peers connected"),
  foregone_peer_messages_total: counter("Messages exchanged with peers", "direction"),
  foregone_peer_bytes_total: counter("Bytes exchanged with peers", "direction"),
  foregone_peer_entries_total: counter("Values served to or taken from peers", "direction"),

  foregone_agent_up_seconds: gauge("Time since the agent started"),
  foregone_agent_resident_bytes: gauge("Resident memory of the agent"),
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;

/** Sums by series: `foregone_decisions_total{kind="skip",basis="trace"}`. */
export type Metrics = Readonly<Record<string, number>>;

/**
 * The name of one series, its labels in the table's order.
 * @throws TypeError for a label the table does not have, or lacks: a bug in the caller
 */
export function seriesOf(name: MetricName, labels: Readonly<Record<string, string>> = {}): string {
  const known: readonly string[] = METRICS[name].labels;
  if (Object.keys(labels).length !== known.length) throw new TypeError(`${name} has the labels ${known.join(", ")}`);
  if (known.length === 0) return name;
  const pairs = known.map((label) => {
    const value = labels[label];
    if (value === undefined) throw new TypeError(`${name} wants the label ${label}`);
    return `${label}="${value.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`;
  });
  return `${name}{${pairs.join(",")}}`;
}

/** Sum of all series of a metric whose labels include these. */
export function sumOf(metrics: Metrics, name: MetricName, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0;
  for (const [series, value] of Object.entries(metrics)) {
    const parsed = parseSeries(series);
    if (parsed?.name !== name) continue;
    if (Object.entries(labels).every(([label, wanted]) => parsed.labels[label] === wanted)) sum += value;
  }
  return sum;
}

/** Sums of a metric by the values of one label. */
export function sumsBy(metrics: Metrics, name: MetricName, label: string): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const [series, value] of Object.entries(metrics)) {
    const parsed = parseSeries(series);
    const group = parsed?.labels[label];
    if (parsed?.name === name && group !== undefined) sums[group] = (sums[group] ?? 0) + value;
  }
  return sums;
}

export interface Series {
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string>>;
}

/** @returns undefined for what is no series of the table: counters of another version */
export function parseSeries(series: string): Series | undefined {
  const [, name = "", inner = ""] = /^([a-z_]+)(?:\{(.*)\})?$/s.exec(series) ?? [];
  if (!Object.hasOwn(METRICS, name)) return undefined;
  const labels: Record<string, string> = {};
  for (const [, label = "", value = ""] of inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/gs))
    labels[label] = value.replace(/\\(.)/gs, (_, c: string) => (c === "n" ? "\n" : c));
  return { name: name as MetricName, labels };
}
