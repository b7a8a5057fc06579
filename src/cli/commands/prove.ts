// `foregone prove`: shows on the user's own command that a record is complete. First everything the command did not read becomes
// noise and it must not notice; then what it did read is corrupted, file by file, and each time it must run.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { type InputPath, inWorkspace, toAbsolute } from "../../core/input-path.ts";
import { reportDifference } from "../../core/normalise-report.ts";
import type { Observation } from "../../core/observation.ts";
import { decodeOutputLog } from "../../core/output-log.ts";
import type { ActionRecord } from "../../core/record.ts";
import { GitFacts } from "../../memo/git-facts.ts";
import { type Decided, decideCommand, worldSource } from "../../memo/memo.ts";
import { planProof, sampleOf } from "../../memo/prove-plan.ts";
import { runReason } from "../../report/decision.ts";
import { bytesText, countText, durationText, plural } from "../../report/units.ts";
import type { CliContext, Parsed } from "../command.ts";
import { Progress } from "../progress.ts";
import { makeCopy } from "../prove/copy.ts";
import { effects, wire, type Wired } from "../wiring.ts";

const DEFAULT_SAMPLE = 20;

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  if (parsed.operands.length === 0)
    throw new ForegoneError("E_USAGE", "no command given", { hint: "foregone prove -- npm test" });
  const size = sampleSize(parsed.values.get("sample"));
  const wired = await wire(context, parsed, false);
  try {
    return await prove(context, parsed, wired, size);
  } finally {
    wired.layers.close();
  }
}

async function prove(context: CliContext, parsed: Parsed, wired: Wired, size: number): Promise<number> {
  const decided = await decideCommand({ ...wired.parts, options: { ...wired.parts.options, audit: 0 } });
  const { decision } = decided.verdict;
  if (decision.kind === "run")
    throw new ForegoneError("E_NOT_FOUND", `nothing to prove: a run is due (${runReason(decision.misses)})`, {
      hint: `foregone run -- ${parsed.operands.join(" ")}`,
    });
  const say = (line: string): void => void context.stdout.write(`${line}\n`);
  const folder = fs.mkdtempSync(join(tmpdir(), "foregone-prove-"));
  try {
    const noise = await scrambleProof(context, wired, decided, decision.record, join(folder, "copy"), say);
    const corrupted = corruptionProof(wired, decided, decision.record, size, say, context);
    const holds = noise === undefined && corrupted === undefined;
    say(holds ? "proved: no hole found" : `NOT proved: ${noise ?? corrupted}`);
    return holds ? EXIT.done : EXIT.wrong;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns what differed; undefined if the command did not notice */
async function scrambleProof(
  context: CliContext,
  wired: Wired,
  decided: Decided,
  record: ActionRecord,
  folder: string,
  say: (line: string) => void,
): Promise<string | undefined> {
  const { roots, gitDir } = decided.workspace;
  const facts = new GitFacts(roots.workspace, context.env, effects);
  const plan = planProof(record, facts.trackedPaths(), (dir) => namesIn(toAbsolute(dir as InputPath, roots)));
  const progress = new Progress(context.stderr, "copying");
  const copy = makeCopy(roots.workspace, plan, { folder, git: gitDir !== undefined, env: context.env }, progress.show);
  progress.end();
  try {
    say(`kept       ${plural(plan.kept.length, "file")} that the command read`);
    say(
      `scrambled  ${plural(plan.scrambled.length, "tracked file")} that it did not read: ${bytesText(copy.noiseBytes)} of noise`,
    );
    const from = performance.now();
    const cwd = toAbsolute(decided.planned.action.cwd, { ...roots, workspace: folder }) ?? folder;
    const [command = "", ...args] = wired.parts.argv;
    const ran = spawnSync(command, args, {
      cwd,
      env: { ...decided.planned.environment.passed, PWD: cwd },
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 64 * 1024 * 1024,
    });
    const verdict = ran.status === 0 ? "passes" : `ends with ${ran.status ?? ran.signal}`;
    const difference =
      ran.status === 0
        ? await outputDifference(wired, record, ran, [folder, roots.workspace])
        : `the command ${verdict}`;
    say(
      `ran        in ${durationText(performance.now() - from)} on noise: ${difference === undefined ? "same verdict, same output" : difference}`,
    );
    return difference;
  } finally {
    copy.remove();
  }
}

async function outputDifference(
  { store }: Wired,
  record: ActionRecord,
  ran: { readonly stdout: Buffer; readonly stderr: Buffer },
  [copy, workspace]: readonly [string, string],
): Promise<string | undefined> {
  const log = await store.blobs.get(record.result.output);
  const chunks = log === undefined ? [] : (decodeOutputLog(log) ?? []);
  for (const stream of ["stdout", "stderr"] as const) {
    const was = Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes)).toString();
    const line = reportDifference(was, ran[stream].toString().replaceAll(copy, workspace));
    if (line !== undefined) return `${stream} differs: ${JSON.stringify(line.slice(0, 100))}`;
  }
  return undefined;
}

/** Corrupts nothing on disk: each file's content is asked for with one byte more, as the decision would see it. */
function corruptionProof(
  wired: Wired,
  decided: Decided,
  record: ActionRecord,
  size: number,
  say: (line: string) => void,
  context: CliContext,
): string | undefined {
  const read = record.trace.observations.filter(({ kind, key }) => kind === "file" && inWorkspace(key as InputPath));
  const sample = sampleOf(read, size);
  const progress = new Progress(context.stderr, "corrupting");
  const overlooked: Observation[] = [];
  for (const [i, observation] of sample.entries()) {
    if (answerWhenCorrupt(wired, decided, record, observation) === observation.value) overlooked.push(observation);
    progress.show(i + 1, sample.length);
  }
  progress.end();
  for (const { key, by } of sample.slice(0, 5)) say(`corrupted  ${key}: run (first read by ${by})`);
  if (sample.length > 5) say(`corrupted  ${countText(sample.length - 5)} more: run, each time`);
  if (sample.length === 0) say("corrupted  nothing: the command read no file of the workspace");
  return overlooked.length === 0 ? undefined : `${overlooked[0]?.key} changed and nobody would have noticed`;
}

function answerWhenCorrupt(wired: Wired, decided: Decided, record: ActionRecord, { kind, key }: Observation): unknown {
  const path = toAbsolute(key as InputPath, decided.workspace.roots);
  const { files } = wired.parts.effects;
  const corrupting = {
    ...files,
    read(absolute: string, maxBytes?: number) {
      const bytes = files.read(absolute, maxBytes);
      return absolute === path && bytes instanceof Uint8Array ? Buffer.concat([bytes, Buffer.from("\0")]) : bytes;
    },
  };
  const parts = { ...wired.parts, effects: { ...wired.parts.effects, files: corrupting } };
  return worldSource(parts, decided.workspace).with([record]).world.ask({ kind, key });
}

function namesIn(folder: string | undefined): string[] {
  try {
    return folder === undefined ? [] : fs.readdirSync(folder);
  } catch {
    return [];
  }
}

function sampleSize(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SAMPLE;
  const size = Number(text);
  if (!Number.isSafeInteger(size) || size < 0)
    throw new ForegoneError("E_USAGE", `--sample wants a count, not "${text}"`);
  return size;
}
