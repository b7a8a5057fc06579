// A decision as JSON: the same facts as the text, under the types' names. Values of `changed` are answers, never content.
import type { Json } from "../core/canonical.ts";
import type { Decision, Miss } from "../core/decision.ts";
import type { Digest } from "../core/digest.ts";
import type { ActionRecord } from "../core/record.ts";
import { countKinds } from "./decision.ts";
import { missText } from "./misses.ts";

export interface DecidedFacts {
  readonly planned: { readonly weak: Digest };
  readonly verdict: {
    readonly decision: Decision;
    readonly compared:
      | {
          readonly id: Digest;
          readonly record: ActionRecord;
          readonly judgement: { readonly compared: number; readonly equal: number };
        }
      | undefined;
  };
  readonly decideMs: number;
}

export function decisionJson(argv: readonly string[], decided: DecidedFacts, nowMs: number): Json {
  const { decision, compared } = decided.verdict;
  return {
    command: argv,
    decision: decision.kind,
    ...(decision.kind === "skip" && { basis: decision.basis }),
    misses: decision.kind === "run" ? decision.misses.map(missJson) : [],
    action: decided.planned.weak,
    ...(compared !== undefined && {
      record: compared.id,
      recordedAt: compared.record.provenance.recordedAt,
      ageMs: nowMs - compared.record.provenance.recordedAt,
      compared: compared.judgement.compared,
      equal: compared.judgement.equal,
      kinds: countKinds(compared.record),
      wouldSaveMs: compared.record.result.durationMs,
      optOuts: compared.record.optOuts,
    }),
    decideMs: Math.round(decided.decideMs * 100) / 100,
  };
}

function missJson(miss: Miss): Json {
  return { ...(miss as unknown as { readonly [name: string]: Json }), text: missText(miss) };
}
