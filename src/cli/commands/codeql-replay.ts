// foregone codeql replay.
import { resolve } from "node:path";
import { replayScan } from "../../codeql/replay-scan.ts";
import { EXIT } from "../../core/errors.ts";
import { plural } from "../../report/units.ts";
import type { CliContext, Parsed } from "../command.ts";
import { effects } from "../wiring.ts";
import { type Asked, asking, decided, lines } from "../codeql/asked.ts";
import { savedMs } from "../codeql/deciding.ts";
import { writeWhole } from "../codeql/files.ts";
import { invalidateScans } from "../codeql/invalidating.ts";
import { savePending } from "../codeql/pending.ts";
import { targetOf } from "../codeql/shell.ts";
import { uploadLog, uploadReport } from "../codeql/uploading.ts";
import { scanLines, skippedText, unansweredLines } from "../codeql/words.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  return asking(context, parsed, (asked) => replay(context, parsed, asked));
}

async function replay(context: CliContext, parsed: Parsed, asked: Asked): Promise<number> {
  const { shell, result, name, from } = asked;
  if (result.kind === "unanswered") {
    context.stderr.write(lines(unansweredLines(name, result.unanswered), "foregone: "));
    return EXIT.wouldRun;
  }
  const { key, git } = result;
  const decision = await decided(shell, key, git);
  if (decision.kind === "scan") {
    context.stderr.write(lines(scanLines(name, decision), "foregone: "));
    shell.log({ kind: "miss", scan: name, key: key.weak, reason: decision.misses[0].kind });
    savePending(shell, key, git);
    return EXIT.wouldRun;
  }
  const category = parsed.values.get("category") ?? `/language:${String(key.action.argv[1])}`;
  const target = await targetOf(shell, git, category, {
    commit: parsed.values.get("commit"),
    ref: parsed.values.get("ref"),
  });
  const replayed = replayScan(decision, target);
  const out = parsed.values.get("out");
  if (out !== undefined) writeWhole(resolve(context.cwd, out), replayed.json);
  else if (!parsed.flags.has("upload")) context.stdout.write(`${Buffer.from(replayed.json).toString()}\n`);
  if (parsed.flags.has("upload")) {
    const uploaded = await uploadLog(shell, target, replayed.log);
    context.stderr.write(lines(uploadReport(uploaded), "foregone: "));
    // A log that code scanning refuses is no proof of anything.
    if (uploaded.kind === "invalid") await invalidateScans(shell, { family: key, why: uploaded.message });
    if (uploaded.kind !== "complete" && uploaded.kind !== "pending") return EXIT.wrong;
  }
  shell.log({ kind: "hit", scan: name, key: key.weak, commit: target.commit, category });
  const saved = savedMs(decision, effects.clock.monotonicMs() - from);
  shell.log({ kind: "skipped", scan: name, key: key.weak, commit: target.commit, category, savedMs: saved });
  context.stderr.write(
    `foregone: ${name}: ${plural(replayed.results, "alert")} replayed; ${skippedText(saved, decision.record.result.durationMs)}\n`,
  );
  return EXIT.done;
}
