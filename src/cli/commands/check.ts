// `foregone check`: decides and says so; nothing is run, nothing is written.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { decisionJson } from "../../report/decision-json.ts";
import { runReason, savedText } from "../../report/decision.ts";
import { countText, plural } from "../../report/units.ts";
import type { CliContext, Parsed } from "../command.ts";
import { decidedNow, effects } from "../wiring.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  if (parsed.operands.length === 0)
    throw new ForegoneError("E_USAGE", "no command given", { hint: "foregone check -- npm test" });
  const { parts, decided } = await decidedNow(context, parsed);
  const { decision, compared } = decided.verdict;
  if (parsed.flags.has("json")) {
    context.stdout.write(`${JSON.stringify(decisionJson(parts.argv, decided, effects.clock.now()), null, 2)}\n`);
  } else if (decision.kind === "skip") {
    const { record } = decision;
    context.stdout.write(
      `skip   ${parts.argv.join(" ")}   ${plural(record.trace.observations.length, "observation")} hold; saves ${savedText(record, 0)}\n`,
    );
  } else {
    const saving = compared === undefined ? "" : `; a skip would save ${savedText(compared.record, 0)}`;
    const of =
      compared === undefined
        ? ""
        : `, ${countText(decision.misses.length)} of ${countText(compared.judgement.compared)} differ`;
    context.stdout.write(`run    ${parts.argv.join(" ")}   ${runReason(decision.misses)}${of}${saving}\n`);
  }
  return decision.kind === "skip" ? EXIT.done : EXIT.wouldRun;
}
