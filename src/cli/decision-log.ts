// Appends each decision to the store's log, for `explain`, the dashboard and the metrics. Best effort: never a failure.
import type { Recording } from "../memo/execute.ts";
import type { Decided } from "../memo/memo.ts";
import type { Wired } from "./wiring.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly runMs?: number;
  readonly savedMs?: number;
  readonly recording?: Recording;
  readonly audit?: "same" | "false-skip";
}

export function logDecision(_wired: Wired, _decided: Decided, _outcome: Outcome): void {
  // Filled in with the decisions log.
}
