// foregone codeql check | explain.
import type { ScanDecision } from "../../codeql/decide-scan.ts";
import type { ScanKey } from "../../codeql/scan-key.ts";
import { EXIT } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { effects } from "../wiring.ts";
import { type Asked, asking, decided, lines, print } from "../codeql/asked.ts";
import { savePending } from "../codeql/pending.ts";
import { scanName } from "../codeql/shell.ts";
import { hitLines, scanLines, unansweredLines } from "../codeql/words.ts";

export async function check(context: CliContext, parsed: Parsed): Promise<number> {
  return asking(context, parsed, (asked) => decideAndTell(context, asked, parsed.flags.has("json"), false));
}

export async function explain(context: CliContext, parsed: Parsed): Promise<number> {
  return asking(context, parsed, (asked) => decideAndTell(context, asked, parsed.flags.has("json"), true));
}

async function decideAndTell(
  context: CliContext,
  { shell, result, name }: Asked,
  json: boolean,
  all: boolean,
): Promise<number> {
  if (result.kind === "unanswered") {
    if (json) print(context, { decision: "run", unanswered: result.unanswered });
    else context.stdout.write(lines(unansweredLines(name, result.unanswered)));
    shell.log({ kind: "miss", scan: name, key: "", reason: "unanswered" });
    return EXIT.wouldRun;
  }
  const { key, git } = result;
  const decision = await decided(shell, key, git);
  if (json) print(context, decisionJson(decision, key));
  else
    context.stdout.write(
      lines(
        decision.kind === "hit" ? hitLines(name, key, decision, effects.clock.now()) : scanLines(name, decision, all),
      ),
    );
  if (all) return decision.kind === "hit" ? EXIT.done : EXIT.wouldRun;
  if (decision.kind === "hit") return EXIT.done;
  shell.log({ kind: "miss", scan: name, key: key.weak, reason: decision.misses[0].kind });
  savePending(shell, key, git);
  return EXIT.wouldRun;
}

function decisionJson(decision: ScanDecision, key: ScanKey): object {
  const common = { scan: scanName(key), key: key.weak, tier: key.tier, components: key.components };
  return decision.kind === "hit"
    ? {
        decision: "skip",
        basis: decision.basis,
        record: decision.id,
        provenance: decision.record.provenance,
        ...common,
      }
    : {
        decision: "run",
        misses: decision.misses,
        changed: {
          components: decision.explanation?.components ?? [],
          files: decision.explanation?.files?.slice(0, 1000) ?? [],
        },
        ...common,
      };
}
