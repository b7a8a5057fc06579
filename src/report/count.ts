// Events -> what they add to which counters. The only place that knows both.
import { seriesOf } from "./metrics.ts";
import type { Miss } from "../core/decision.ts";
import type { Gap } from "../core/gap.ts";

export type Count = readonly [series: string, delta: number];

/** What counting needs of a decision (store/decisions.ts). */
export interface CountedDecision {
  readonly kind: "skip" | "run";
  readonly basis?: "exact-tree" | "trace";
  readonly misses: readonly Miss[];
  readonly gaps: readonly Gap[];
  readonly recorded?: string;
  readonly decideMs: number;
  readonly runMs?: number;
  readonly traceMs?: number;
  readonly savedMs?: number;
  readonly audit?: "same" | "false-skip";
}

/** A saving is counted only where a run was spared; an audit that ran saved nothing. */
export function decisionCounts(decision: CountedDecision): readonly Count[] {
  const { kind, basis = "none", misses, gaps, recorded, audit } = decision;
  const seconds = (ms: number | undefined): number => (ms ?? 0) / 1000;
  const [first] = misses;
  return [
    [seriesOf("foregone_decisions_total", { kind, basis }), 1],
    ...(kind === "run" && first !== undefined
      ? [
          [
            seriesOf("foregone_misses_total", { reason: first.kind === "gap" ? `gap:${first.gap.kind}` : first.kind }),
            1,
          ] as const,
        ]
      : []),
    ...[...new Set(gaps.map((gap) => gap.kind))].map((gap) => [seriesOf("foregone_gaps_total", { gap }), 1] as const),
    ...(audit === undefined ? [] : [[seriesOf("foregone_audits_total", { result: audit }), 1] as const]),
    ...(recorded === undefined ? [] : [[seriesOf("foregone_records_total"), 1] as const]),
    ...(kind === "skip" ? [[seriesOf("foregone_saved_seconds_total"), seconds(decision.savedMs)] as const] : []),
    [seriesOf("foregone_run_seconds_total"), seconds(decision.runMs)],
    [seriesOf("foregone_decide_seconds_total"), seconds(decision.decideMs)],
    [seriesOf("foregone_trace_seconds_total"), seconds(decision.traceMs)],
  ];
}

/** What counting needs of an event of scans (codeql/scan-log.ts). */
export interface CountedScan {
  readonly kind: string;
  readonly savedMs?: number;
}

const SCANS: Readonly<Record<string, string>> = { stored: "stored", hit: "retrieved", skipped: "skipped" };

/** A scan that was found is no saving: only one that did not run is. */
export function scanCounts({ kind, savedMs = 0 }: CountedScan): readonly Count[] {
  const outcome = SCANS[kind];
  if (outcome !== undefined)
    return [
      [seriesOf("foregone_codeql_scans_total", { outcome }), 1],
      ...(kind === "skipped" ? [[seriesOf("foregone_codeql_saved_seconds_total"), savedMs / 1000] as const] : []),
    ];
  if (kind === "audit-same" || kind === "false-skip")
    return [[seriesOf("foregone_audits_total", { result: kind === "false-skip" ? kind : "same" }), 1]];
  return [];
}

/** What counting needs of the API cache's statistics (github/stats.ts). */
export interface CountedReads {
  readonly paid: number;
  readonly certified: number;
  readonly fresh: number;
  readonly coalesced: number;
  readonly stale: number;
}

export function readCounts({ paid, certified, fresh, coalesced: shared, stale }: CountedReads): readonly Count[] {
  return Object.entries({ paid, certified, fresh, shared, stale }).map(
    ([outcome, count]) => [seriesOf("foregone_api_requests_total", { outcome }), count] as const,
  );
}

export function accessCounts(granted: number, denied: number): readonly Count[] {
  return [
    [seriesOf("foregone_credential_accesses_total", { decision: "granted" }), granted],
    [seriesOf("foregone_credential_accesses_total", { decision: "denied" }), denied],
  ];
}

/** As the layers of the store tell it (store/events.ts). */
export type CountedStoreEvent =
  | {
      readonly type: "done";
      readonly layer: string;
      readonly operation: string;
      readonly found: boolean;
      readonly bytes: number;
      readonly ms: number;
    }
  | { readonly type: "failed"; readonly layer: string; readonly operation: string; readonly code: string }
  | { readonly type: "bad-bytes"; readonly layer: string }
  | { readonly type: "not-believed"; readonly layer: string; readonly count: number }
  | { readonly type: "layer-off"; readonly layer: string };

export function storeCounts(event: CountedStoreEvent): readonly Count[] {
  const { layer } = event;
  switch (event.type) {
    case "done": {
      const { operation, found, bytes, ms } = event;
      return [
        [seriesOf("foregone_store_operations_total", { layer, operation, found: String(found) }), 1],
        [seriesOf("foregone_store_bytes_total", { layer, operation }), bytes],
        [seriesOf("foregone_store_seconds_total", { layer, operation }), ms / 1000],
      ];
    }
    case "failed":
      return [[seriesOf("foregone_store_failures_total", { layer, code: event.code }), 1]];
    case "bad-bytes":
      return [[seriesOf("foregone_store_bad_bytes_total", { layer }), 1]];
    case "not-believed":
      return [[seriesOf("foregone_store_entries_not_believed_total", { layer }), event.count]];
    case "layer-off":
      return [];
    default:
      return event satisfies never;
  }
}
