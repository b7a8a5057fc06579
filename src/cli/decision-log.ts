// Appends each decision to the store's log, for `explain`, the dashboard and the metrics. Best effort: never a failure.
import { defaultConfiguration } from "../config/resolve.ts";
import { ForegoneError } from "../core/errors.ts";
import { toInputPath } from "../core/input-path.ts";
import type { Recording } from "../memo/execute.ts";
import type { Decided } from "../memo/memo.ts";
import { findWorkspace } from "../memo/workspace.ts";
import { decisionCounts } from "../report/count.ts";
import { countKinds } from "../report/decision.ts";
import {
  appendDecision,
  type DecisionEvent,
  decisionLog,
  readDecisions,
  type StoredDecision,
} from "../store/decisions.ts";
import type { StoreFolder } from "../store/folder.ts";
import type { CliContext } from "./command.ts";
import { addCounts } from "./counting.ts";
import { withoutCredentials } from "./secret-values.ts";
import { effects, type Wired } from "./wiring.ts";

/** The limit is the writer's. */
const READ_ONLY = Number.MAX_SAFE_INTEGER;
const PAGE = 200;
/** How far back `explain` looks for this repository's last decision. */
const MAX_PAGES = 50;

export interface Outcome {
  readonly exitCode: number;
  readonly runMs?: number;
  /** What observing and recording took beside that. */
  readonly traceMs?: number;
  readonly savedMs?: number;
  readonly recording?: Recording;
  readonly audit?: "same" | "false-skip";
}

export function logDecision(wired: Wired, decided: Decided, outcome: Outcome): void {
  const event = eventOf(wired, decided, outcome);
  const { config } = wired.chosen.resolved ?? defaultConfiguration();
  appendDecision(decisionLog(wired.folder, config["dashboard.decisions"]), event);
  void addCounts(wired.folder, config, [...decisionCounts(event), ...wired.layers.counts()]);
}

/** @throws ForegoneError E_NOT_FOUND if nothing was decided in this repository yet */
export function lastDecision(folder: StoreFolder, context: CliContext): StoredDecision {
  const { roots } = findWorkspace(context.cwd, context.env, effects.files);
  const log = decisionLog(folder, READ_ONLY);
  let before: StoredDecision["id"] | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { decisions, next } = readDecisions(log, PAGE, before);
    const found = decisions.find(({ workspace }) => workspace === roots.workspace);
    if (found !== undefined) return found;
    if (next === undefined) break;
    before = next;
  }
  throw new ForegoneError("E_NOT_FOUND", `no decision in ${roots.workspace} yet`, { hint: "foregone run -- npm test" });
}

function eventOf({ parts }: Wired, decided: Decided, outcome: Outcome): DecisionEvent {
  const { decision, compared } = decided.verdict;
  const { roots } = decided.workspace;
  const misses = decision.kind === "run" ? decision.misses : [];
  const { recording } = outcome;
  const recorded = recording?.kind === "recorded" ? recording : undefined;
  const unrecorded = recording?.kind === "not-recorded" ? recording.gap : undefined;
  return {
    at: effects.clock.now(),
    command: withoutCredentials(parts.argv, parts.env),
    workspace: roots.workspace,
    cwd: toInputPath(parts.cwd, roots),
    kind: decision.kind,
    ...(decision.kind === "skip" && { basis: decision.basis }),
    misses,
    missCount: misses.length,
    compared: compared === undefined ? {} : countKinds(compared.record),
    ...(compared !== undefined && { record: compared.id, proof: proofOf(compared.record.provenance) }),
    ...(recorded !== undefined && { recorded: recorded.id }),
    gaps: recorded?.made.record.trace.gaps ?? (unrecorded === undefined ? [] : [unrecorded]),
    optOuts: compared?.record.optOuts ?? [],
    decideMs: decided.decideMs,
    ...(outcome.runMs !== undefined && { runMs: outcome.runMs }),
    ...(outcome.traceMs !== undefined && { traceMs: outcome.traceMs }),
    ...(outcome.savedMs !== undefined && { savedMs: outcome.savedMs }),
    exitCode: outcome.exitCode,
    ...(outcome.audit !== undefined && { audit: outcome.audit }),
  };
}

type Proof = NonNullable<DecisionEvent["proof"]>;

function proofOf({ recordedAt, runId, commit, ref, event }: Proof): Proof {
  return {
    recordedAt,
    ...(runId !== undefined && { runId }),
    ...(commit !== undefined && { commit }),
    ...(ref !== undefined && { ref }),
    ...(event !== undefined && { event }),
  };
}
