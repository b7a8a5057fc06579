// A verified hit as the SARIF of this commit.
import type { Log } from "sarif";
import { rewrite } from "./sarif/rewrite.ts";
import { writeSarif } from "./sarif/read.ts";
import type { Hit } from "./decide-scan.ts";

export interface ReplayTarget {
  readonly category: string;
  readonly commit: string;
  /** "refs/heads/main" */
  readonly ref: string;
  readonly repositoryUri?: string | undefined;
  /** "file:///home/runner/work/a/a/" */
  readonly checkoutUri: string;
  readonly uuid: () => string;
}

export interface Replayed {
  readonly log: Log;
  readonly json: Uint8Array;
  readonly results: number;
}

/** Changes `hit.log` in place: a log can be 60 MB. */
export function replayScan(hit: Hit, target: ReplayTarget): Replayed {
  const { provenance, weak } = hit.record;
  const scanned = provenance.seal["checkoutUri"];
  rewrite(hit.log, {
    ...target,
    scannedCheckoutUri: typeof scanned === "string" ? scanned : undefined,
    replay: {
      commit: provenance.commit ?? null,
      run: provenance.runId ?? null,
      key: weak,
      recordedAt: new Date(provenance.recordedAt).toISOString(),
    },
  });
  const results = hit.log.runs.reduce((sum, run) => sum + (run.results?.length ?? 0), 0);
  return { log: hit.log, json: writeSarif(hit.log), results };
}

/**
 * The category that code scanning gives a job that names none: "<workflow path>:<job>/" and its matrix, sorted.
 * github/codeql-action, computeAutomationID.
 */
export function defaultCategory(workflow: string, job: string, matrix: unknown): string {
  const values =
    typeof matrix === "object" && matrix !== null ? Object.entries(matrix).sort(([a], [b]) => (a < b ? -1 : 1)) : [];
  const parts = values.map(([name, value]) => `${name}:${typeof value === "string" ? value : ""}/`);
  return `${workflow}:${job}/${parts.join("")}`;
}
