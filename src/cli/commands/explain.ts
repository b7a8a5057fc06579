// `foregone explain`: with a command, the decision as it would be made now; without, the last one that was made here.
import { EXIT } from "../../core/errors.ts";
import { countKinds } from "../../report/decision.ts";
import { decisionJson } from "../../report/decision-json.ts";
import { type Explanation, explanationText } from "../../report/explanation.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { lastDecision } from "../decision-log.ts";
import { decidedNow, effects, openStoreFor } from "../wiring.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  if (parsed.operands.length === 0) return await explainLast(context, parsed);
  const { parts, decided } = await decidedNow(context, parsed);
  const now = effects.clock.now();
  if (parsed.flags.has("json")) {
    context.stdout.write(`${JSON.stringify(decisionJson(parts.argv, decided, now), null, 2)}\n`);
    return EXIT.done;
  }
  const { decision, compared } = decided.verdict;
  const facts: Explanation = {
    command: parts.argv,
    kind: decision.kind,
    ...(decision.kind === "skip" && { basis: decision.basis }),
    misses: decision.kind === "run" ? decision.misses : [],
    missCount: decision.kind === "run" ? decision.misses.length : 0,
    compared: compared === undefined ? {} : countKinds(compared.record),
    ...(compared !== undefined && { record: compared.id, proof: compared.record.provenance }),
    optOuts: compared?.record.optOuts ?? [],
    decideMs: decided.decideMs,
    at: now,
  };
  context.stdout.write(explanationText(facts, now));
  return EXIT.done;
}

async function explainLast(context: CliContext, parsed: Parsed): Promise<number> {
  const { folder } = openStoreFor(context, await configurationOf(context));
  const last = lastDecision(folder, context);
  if (parsed.flags.has("json")) context.stdout.write(`${JSON.stringify(last, null, 2)}\n`);
  else context.stdout.write(explanationText(last, effects.clock.now()));
  return EXIT.done;
}
