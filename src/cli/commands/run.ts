// `foregone run`: decide; replay, or run and record. Owns neither stream: what we say is `foregone: ` lines on stderr, and our
// trouble never shows in the exit code of a command that started.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { decideCommand, type Decided } from "../../memo/memo.ts";
import type { CliContext, Parsed } from "../command.ts";
import { runCommand } from "../run-command.ts";
import { replayDecision } from "../replay-decision.ts";
import { Voice } from "../voice.ts";
import { wire, type Wired } from "../wiring.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  if (parsed.operands.length === 0)
    throw new ForegoneError("E_USAGE", "no command given", {
      exitCode: EXIT.ownUsage,
      hint: "foregone run -- npm test",
    });
  const voice = new Voice(context, parsed.flags.has("quiet"));
  const wired = await attempt(voice, () => wire(context, parsed, true));
  if (wired === undefined) return runCommand(context, parsed.operands, voice, undefined);
  try {
    return await decideAndAct(context, parsed, voice, wired);
  } finally {
    for (const note of wired.layers.notes()) voice.say(note);
    wired.layers.close();
  }
}

async function decideAndAct(context: CliContext, parsed: Parsed, voice: Voice, wired: Wired): Promise<number> {
  const { problem } = wired.chosen;
  if (problem !== undefined) {
    voice.error(problem);
    return runCommand(context, parsed.operands, voice, undefined);
  }
  const decided = await attempt(voice, () => decideCommand(wired.parts));
  if (decided === undefined) return runCommand(context, parsed.operands, voice, undefined);
  return decided.verdict.decision.kind === "skip"
    ? replayed(context, voice, wired, decided)
    : runCommand(context, parsed.operands, voice, { wired, decided });
}

async function replayed(context: CliContext, voice: Voice, wired: Wired, decided: Decided): Promise<number> {
  const outcome = await replayDecision(context, voice, wired, decided);
  if (outcome === "done") return EXIT.done;
  // Nothing was put back: the command runs as if nothing had been found.
  const misses = [{ kind: "untrusted" as const, why: outcome.why }] as const;
  const verdict = { ...decided.verdict, decision: { kind: "run" as const, misses } };
  return runCommand(context, wired.parts.argv, voice, { wired, decided: { ...decided, verdict } });
}

/** Whatever goes wrong on our side is said once; then the command simply runs. */
async function attempt<T>(voice: Voice, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ForegoneError && error.code === "E_USAGE") throw error;
    voice.error(error);
    return undefined;
  }
}
