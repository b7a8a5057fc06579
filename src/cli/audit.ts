// A would-be skip that ran all the same: was the result the one that would have been replayed? If not, it was a false skip, and
// every record of this Action is disowned. Compared are exit code, report and text outputs, all normalised; a binary output may
// hold the time of its making and tells nothing.
import { isUtf8 } from "node:buffer";
import { reportDifference } from "../core/normalise-report.ts";
import { decodeOutputLog } from "../core/output-log.ts";
import type { ActionRecord, OutputFile } from "../core/record.ts";
import type { Executed } from "../memo/execute.ts";
import type { Decided } from "../memo/memo.ts";
import type { EpochMs } from "../ports.ts";
import type { AuditResult } from "../report/recording.ts";
import { disowningMark } from "../store/entries.ts";
import type { BlobStore } from "../store/store.ts";
import { effects, type Wired } from "./wiring.ts";

/** @returns undefined if this run was no audit */
export async function auditRun(wired: Wired, decided: Decided, executed: Executed): Promise<AuditResult | undefined> {
  const { auditOf } = decided.verdict;
  if (auditOf === undefined) return undefined;
  const what = await difference(wired.store.blobs, auditOf.record, executed);
  if (what === undefined) return { kind: "same" };
  // The record of this very run is the truth and lives on: the mark covers all that is older.
  const { recording } = executed;
  const own = recording.kind === "recorded" ? recording.made.record.provenance.recordedAt : effects.clock.now();
  await wired.store.records.append(decided.planned.weak, disowningMark((own - 1) as EpochMs));
  return { kind: "false-skip", what };
}

async function difference(blobs: BlobStore, was: ActionRecord, executed: Executed): Promise<string | undefined> {
  const { exit, recording, output } = executed;
  if (exit.kind !== "exited" || exit.code !== 0) return "the command fails now";
  const log = await blobs.get(was.result.output);
  if (log === undefined) return "the recorded output is gone";
  for (const stream of ["stdout", "stderr"] as const) {
    const line = reportDifference(textOf(log, stream), textOf(output, stream));
    if (line !== undefined) return `${stream} differs: ${JSON.stringify(line.slice(0, 80))}`;
  }
  if (recording.kind === "not-recorded") return undefined;
  return outputsDifference(blobs, restored(was), restored(recording.made.record));
}

async function outputsDifference(
  blobs: BlobStore,
  was: ReadonlyMap<string, OutputFile>,
  now: ReadonlyMap<string, OutputFile>,
): Promise<string | undefined> {
  for (const path of [...was.keys(), ...now.keys()]) {
    const [a, b] = [was.get(path), now.get(path)];
    if (a?.type !== b?.type || a?.mode !== b?.mode) return `output ${path} differs`;
    if (a?.content === undefined || b?.content === undefined || a.content === b.content) continue;
    const [x, y] = [await blobs.get(a.content), await blobs.get(b.content)];
    if (x === undefined || y === undefined || !isUtf8(x) || !isUtf8(y)) continue;
    if (reportDifference(Buffer.from(x).toString(), Buffer.from(y).toString()) !== undefined)
      return `output ${path} differs`;
  }
  return undefined;
}

function restored({ result }: ActionRecord): ReadonlyMap<string, OutputFile> {
  return new Map(result.outputs.filter((output) => output.restored).map((output) => [output.path, output]));
}

function textOf(log: Uint8Array, stream: "stdout" | "stderr"): string {
  const chunks = decodeOutputLog(log) ?? [];
  return Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes)).toString();
}
