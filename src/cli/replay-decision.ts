// A hit: put the outputs back, then write the recorded bytes of each stream in their recorded order.
import { decodeOutputLog } from "../core/output-log.ts";
import type { Decided } from "../memo/memo.ts";
import { replayOutputs } from "../memo/replay.ts";
import { decisionLine, optOutText, savedText } from "../report/decision.ts";
import { bytesText, durationText, plural } from "../report/units.ts";
import type { CliContext } from "./command.ts";
import { logDecision } from "./decision-log.ts";
import type { Voice } from "./voice.ts";
import { effects, type Wired } from "./wiring.ts";

/** @returns why nothing was replayed; then nothing has been written either */
export async function replayDecision(
  context: CliContext,
  voice: Voice,
  wired: Wired,
  decided: Decided,
): Promise<"done" | { readonly why: string }> {
  const { decision } = decided.verdict;
  if (decision.kind !== "skip") throw new TypeError("replayDecision: the decision is to run");
  const { record } = decision;
  const { store } = wired;
  const log = await store.blobs.get(record.result.output).catch(() => undefined);
  const chunks = log === undefined ? undefined : decodeOutputLog(log);
  if (chunks === undefined) return { why: "its recorded output is gone" };
  const { roots } = decided.workspace;
  const outputs = record.result.outputs.filter(({ restored }) => restored);
  const done = await replayOutputs(outputs, { roots, ...effects, blobs: store.blobs });
  if (done.kind === "refused") return { why: done.why };
  voice.say(decisionLine(decision, effects.clock.now()));
  let bytes = 0;
  for (const chunk of chunks) {
    context[chunk.stream].write(chunk.bytes);
    bytes += chunk.bytes.length;
  }
  // From the start of the process: what the user waited for.
  const spentMs = performance.now();
  const also = outputs.length === 0 ? "" : ` and ${plural(outputs.length, "output")}`;
  voice.say(
    `replayed ${bytesText(bytes)}${also} in ${durationText(spentMs)}, saved ${savedText(record, spentMs)}; opt-outs: ${optOutText(record.optOuts)}`,
  );
  logDecision(wired, decided, { savedMs: Math.max(0, record.result.durationMs - spentMs), exitCode: 0 });
  return "done";
}
