// A hit in step mode: files first, then the recorded bytes of the command files, then what the command printed, in its order.
import { savedText } from "../../report/decision.ts";
import { logDecision } from "../../cli/decision-log.ts";
import { effects } from "../../cli/wiring.ts";
import { decodeOutputLog } from "../../core/output-log.ts";
import { sha256Of } from "../../core/digest.ts";
import { replayOutputs } from "../../memo/replay.ts";
import type { SharedLog } from "./log-lines.ts";
import { append, commandFileOf } from "./own-folder.ts";
import type { KnownStep } from "./step-mode.ts";
import { decisionLines, summaryText } from "./words.ts";

/** @returns why nothing was put back; undefined: all of it was */
export async function replayStep(host: SharedLog, known: KnownStep): Promise<{ readonly why: string } | undefined> {
  const { wired, decided } = known;
  const { decision } = decided.verdict;
  if (decision.kind !== "skip") throw new TypeError("replayStep: the decision is to run");
  const { record, id } = decision;
  const { blobs } = wired.store;
  const bytesOf = async (digest: typeof id): Promise<Uint8Array | undefined> => {
    const bytes = await blobs.get(digest).catch(() => undefined);
    return bytes !== undefined && sha256Of(effects.hasher, bytes) === digest ? bytes : undefined;
  };
  const log = await bytesOf(record.result.output);
  const chunks = log === undefined ? undefined : decodeOutputLog(log);
  if (chunks === undefined) return { why: "its recorded output is gone" };
  const outputs = record.result.outputs.filter(({ restored }) => restored);
  const files: { readonly variable: string; readonly bytes: Uint8Array }[] = [];
  for (const output of outputs) {
    const variable = commandFileOf(output);
    if (variable === undefined) continue;
    const bytes = output.content === undefined ? undefined : await bytesOf(output.content);
    if (bytes === undefined) return { why: `the recorded ${variable} is gone` };
    files.push({ variable, bytes });
  }
  const made = outputs.filter((output) => commandFileOf(output) === undefined);
  const done = await replayOutputs(made, { roots: decided.workspace.roots, ...effects, blobs });
  if (done.kind === "refused") return { why: done.why };
  const verdict = known.verdict();
  // Ours first: where the command has an output of the same name, its own wins.
  const savedMs = Math.max(0, record.result.durationMs - performance.now());
  host.output("skip", "true");
  host.output("reason", "hit");
  host.output("record", id);
  host.output("saved-seconds", String(Math.round(savedMs / 1000)));
  for (const { variable, bytes } of files) append(host.env[variable], bytes);
  for (const line of decisionLines(verdict)) host.log(line);
  for (const { stream, bytes } of chunks) host.pass(stream, bytes);
  host.summary(summaryText(verdict, ""));
  host.log(`Foregone ${verdict.name}: replayed, saved ${savedText(record, performance.now())}`);
  logDecision(wired, decided, { savedMs, exitCode: 0 });
  return undefined;
}
