// What a job, or an hour, added: the difference of two readings of the counters, and one line of words for it.
import { METRICS, type Metrics, parseSeries, sumOf } from "./metrics.ts";
import { countText, durationText, plural } from "./units.ts";

/**
 * Counters by what they grew, gauges as they are now. On a machine with several jobs at once it holds what all of them did.
 * @param before an earlier reading of the same counters; {} on a runner that began empty
 */
export function grownSince(before: Metrics, now: Metrics): Metrics {
  const grown: Record<string, number> = {};
  for (const [series, value] of Object.entries(now)) {
    const name = parseSeries(series)?.name;
    const isGauge = name !== undefined && METRICS[name].type === "gauge";
    const delta = isGauge ? value : value - (before[series] ?? 0);
    if (isGauge || delta > 0) grown[series] = delta;
  }
  return grown;
}

/** "3 of 4 decisions skipped, saved 4 min 12 s; 240 API reads, 9 paid"; undefined if nothing happened. */
export function statsLine(metrics: Metrics): string | undefined {
  const sum = (...of: Parameters<typeof sumOf> extends [Metrics, ...infer Rest] ? Rest : never): number =>
    sumOf(metrics, ...of);
  const decisions = sum("foregone_decisions_total");
  const skips = sum("foregone_decisions_total", { kind: "skip" });
  const falseSkips = sum("foregone_audits_total", { result: "false-skip" });
  const reads = sum("foregone_api_requests_total");
  const scans = sum("foregone_codeql_scans_total", { outcome: "skipped" });
  const stored = sum("foregone_codeql_scans_total", { outcome: "stored" });
  const accesses = sum("foregone_credential_accesses_total");
  const denied = sum("foregone_credential_accesses_total", { decision: "denied" });
  const saved = (seconds: number): string => (seconds > 0 ? `, saved ${durationText(seconds * 1000)}` : "");
  const parts = [
    decisions > 0 &&
      `${countText(skips)} of ${plural(decisions, "decision")} skipped${saved(sum("foregone_saved_seconds_total"))}`,
    falseSkips > 0 && plural(falseSkips, "FALSE SKIP"),
    reads > 0 &&
      `${plural(reads, "API read")}, ${countText(sum("foregone_api_requests_total", { outcome: "paid" }))} paid`,
    scans + stored > 0 &&
      `${countText(scans)} of ${plural(scans + stored, "scan")} skipped${saved(sum("foregone_codeql_saved_seconds_total"))}`,
    accesses > 0 && `${plural(accesses, "access", "accesses")} to credentials, ${countText(denied)} denied`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? undefined : parts.join("; ");
}
