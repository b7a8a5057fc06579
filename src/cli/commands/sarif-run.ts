// foregone sarif run -- CMD: the scanner runs, or its recorded SARIF is written for this commit. Nothing of ours changes its
// exit code or its output; in trouble the scanner just runs.
import { join, resolve } from "node:path";
import type { KeyResult } from "../../codeql/codeql-key.ts";
import type { Hit } from "../../codeql/decide-scan.ts";
import { type GitSource, readGitSource } from "../../codeql/git-source.ts";
import { shown } from "../../codeql/work-tree.ts";
import { optionValues, presetKey, withoutFile } from "../../codeql/preset-key.ts";
import { findsSecrets, type Preset, presetFor, presetNamed, PRESETS } from "../../codeql/presets.ts";
import { replayScan } from "../../codeql/replay-scan.ts";
import type { ScanKey } from "../../codeql/scan-key.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { Gap } from "../../core/gap.ts";
import { OutputLog, decodeOutputLog } from "../../core/output-log.ts";
import { exitCodeOf } from "../../memo/execute.ts";
import { nodeFiles } from "../../node/ports.ts";
import { unobserved } from "../../trace/unobserved.ts";
import { gapText } from "../../report/misses.ts";
import { plural } from "../../report/units.ts";
import type { CliContext, Parsed } from "../command.ts";
import { forwardSignals } from "../child.ts";
import { Voice } from "../voice.ts";
import { effects } from "../wiring.ts";
import { decide, disownHole, savedMs } from "../codeql/deciding.ts";
import { checkoutOf, writeWhole } from "../codeql/files.ts";
import { baseName, behindRunner, programOf } from "../codeql/program.ts";
import { recordScan } from "../codeql/recording.ts";
import { choicesOf } from "../codeql/run-options.ts";
import { type ScanShell, openScanShell, scanName, targetOf } from "../codeql/shell.ts";
import { scanLines, skippedText, unansweredLines } from "../codeql/words.ts";
import { printable } from "../../report/printable.ts";

interface Plan {
  readonly shell: ScanShell;
  readonly preset: Preset;
  readonly argv: readonly string[];
  /** Absolute; undefined: stdout. */
  readonly sarifFile: string | undefined;
  readonly category: string;
  readonly result: KeyResult;
  readonly fromMs: number;
}

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const argv = parsed.operands;
  if (argv.length === 0)
    throw new ForegoneError("E_USAGE", "no scanner given", {
      exitCode: EXIT.ownUsage,
      hint: "foregone sarif run -- npx eslint ...",
    });
  const voice = new Voice(context, parsed.flags.has("quiet"));
  const plan = await planOf(context, parsed, argv).catch((error: unknown) => {
    // A wrong option of ours is told before anything runs; all else must not keep the scanner from running.
    if (error instanceof ForegoneError && error.code === "E_USAGE") throw error;
    voice.error(error);
    return undefined;
  });
  if (plan === undefined) return (await execute(context, argv, undefined)).exitCode;
  const { shell, result } = plan;
  if (result.kind === "unanswered") {
    for (const line of unansweredLines(plan.preset.name, result.unanswered)) voice.say(line);
    shell.log({ kind: "miss", scan: plan.preset.name, key: "", reason: "unanswered" });
    return (await execute(context, argv, undefined)).exitCode;
  }
  try {
    return await decideAndRun(context, plan, result, voice);
  } finally {
    shell.leave((line) => voice.say(line));
  }
}

async function decideAndRun(
  context: CliContext,
  plan: Plan,
  { key, git }: Extract<KeyResult, { kind: "key" }>,
  voice: Voice,
): Promise<number> {
  const { shell, preset } = plan;
  const tool = preset.drivers.length === 0 ? undefined : { names: preset.drivers };
  const name = scanName(key);
  try {
    const decision = await decide(shell, key, git, tool);
    await disownHole(shell, key, decision);
    if (decision.kind === "hit") {
      const served = await serve(context, plan, key, decision, voice);
      if (served !== undefined) return served;
    } else {
      for (const line of scanLines(name, decision)) voice.say(line);
      shell.log({ kind: "miss", scan: name, key: key.weak, reason: decision.misses[0].kind });
    }
  } catch (error) {
    voice.error(error);
  }
  const executed = await execute(context, plan.argv, plan.sarifFile === undefined ? "stdout" : "file");
  try {
    await record(plan, key, executed, voice);
  } catch (error) {
    voice.say(`not recorded: ${error instanceof Error ? error.message : String(error)}`);
  }
  return executed.exitCode;
}

/** @returns undefined if the result could not be written: then the scanner runs */
async function serve(
  context: CliContext,
  plan: Plan,
  key: ScanKey,
  hit: Hit,
  voice: Voice,
): Promise<number | undefined> {
  const { shell, sarifFile, category, result } = plan;
  if (result.kind !== "key") return undefined;
  const said = await shell.storePorts.store.blobs.get(hit.record.result.output);
  const chunks = said === undefined ? undefined : decodeOutputLog(said);
  if (chunks === undefined) return undefined;
  const target = await targetOf(shell, result.git, category, {});
  const { json, results } = replayScan(hit, target);
  if (sarifFile !== undefined) {
    try {
      shell.folder.files.mkdir(resolve(sarifFile, ".."));
      writeWhole(sarifFile, json);
    } catch (error) {
      voice.say(`the recorded SARIF cannot be written: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
  for (const { stream, bytes } of chunks) context[stream].write(bytes);
  if (sarifFile === undefined) context.stdout.write(json);
  const saved = savedMs(hit, effects.clock.monotonicMs() - plan.fromMs);
  shell.log({ kind: "hit", scan: scanName(key), key: key.weak, commit: target.commit, category });
  shell.log({ kind: "skipped", scan: scanName(key), key: key.weak, commit: target.commit, category, savedMs: saved });
  voice.say(
    `skip: ${scanName(key)}, recorded as ${hit.id.slice(7, 15)}; ${plural(results, "alert")} replayed; ${skippedText(saved, hit.record.result.durationMs)}`,
  );
  const exitCode = hit.record.provenance.seal["exitCode"];
  return typeof exitCode === "number" ? exitCode : 0;
}

async function record(plan: Plan, key: ScanKey, executed: Executed, voice: Voice): Promise<void> {
  const { shell, preset, sarifFile, result } = plan;
  const say = (line: string): void => voice.say(printable(line));
  if (result.kind !== "key") return;
  if (!preset.scanned.includes(executed.exitCode)) return voice.say(`not recorded: exit code ${executed.exitCode}`);
  const bytes = sarifFile === undefined ? executed.stdout : nodeFiles.read(sarifFile);
  if (!(bytes instanceof Uint8Array)) return voice.say(`not recorded: no SARIF at ${sarifFile ?? "stdout"}`);
  const after = await readGitSource(shell.checkout, shell.ports.env, shell.ports);
  if ("why" in after) return voice.say(`not recorded: ${after.why}`);
  // What the scanner wrote as its result is no input.
  const [before, now] = [withoutFile(result.git, sarifFile), withoutFile(after, sarifFile)];
  const recorded = await recordScan(shell, {
    key,
    before,
    after: now,
    gaps: sideEffects(before, now),
    bytes,
    tool: preset.drivers.length === 0 ? undefined : { names: preset.drivers },
    durationMs: executed.durationMs,
    exitCode: executed.exitCode,
    output: executed.output,
  });
  if (recorded.kind === "refused") return say(`not recorded: ${recorded.code}: ${recorded.detail}`);
  const { id, admitted, comparison } = recorded;
  if (comparison.kind === "same") voice.say("audit: same result");
  if (comparison.kind === "differs") voice.say("audit: FALSE SKIP; older records of this scan are disowned");
  const [effect] = sideEffects(before, now);
  if (effect !== undefined)
    say(`its record does not serve: ${gapText(effect)}; if a replay need not make it: --accept side-effect`);
  say(
    `recorded as ${id.slice(7, 15)}${admitted.exactOnly === undefined ? "" : `, for the exact tree only: ${admitted.exactOnly}`}`,
  );
}

/** Files that a replay would not make. */
function sideEffects(before: GitSource, after: GitSource): Gap[] {
  return [...after.entries.keys()]
    .filter((path) => !before.entries.has(path))
    .slice(0, 20)
    .map((path) => ({ kind: "side-effect", what: shown(path) }));
}

interface Executed {
  readonly exitCode: number;
  readonly durationMs: number;
  readonly stdout: Uint8Array;
  /** What it said, without the SARIF. */
  readonly output: Uint8Array;
}

/** @param sarif where the SARIF comes: what else it says is kept for the replay */
async function execute(
  context: CliContext,
  argv: readonly string[],
  sarif: "stdout" | "file" | undefined,
): Promise<Executed> {
  const forward = forwardSignals(context);
  const stdout: Uint8Array[] = [];
  const log = new OutputLog();
  try {
    const { exit, durationMs } = await unobserved.run({
      argv,
      cwd: context.cwd,
      env: context.env,
      onOutput: (stream, bytes) => {
        context[stream].write(bytes);
        if (sarif === undefined) return;
        if (sarif === "stdout" && stream === "stdout") stdout.push(bytes);
        else log.add(stream, bytes);
      },
      onEvent: () => undefined,
      onStarted: forward.onStarted,
    });
    if (exit.kind === "not-started")
      context.stderr.write(`foregone: error E_NOT_FOUND: cannot start "${argv[0]}": ${exit.errno}\n`);
    return { exitCode: exitCodeOf(exit), durationMs, stdout: Buffer.concat(stdout), output: log.done() };
  } finally {
    forward.stop();
  }
}

async function planOf(context: CliContext, parsed: Parsed, argv: readonly string[]): Promise<Plan> {
  const fromMs = effects.clock.monotonicMs();
  const { tool, rest } = behindRunner(argv);
  const named = parsed.values.get("preset");
  const preset = named === undefined ? presetFor(baseName(tool)) : presetNamed(named);
  if (preset === undefined && named !== undefined)
    throw new ForegoneError("E_USAGE", `no preset "${named}"`, {
      exitCode: EXIT.ownUsage,
      hint: PRESETS.map(({ name }) => name).join(", "),
    });
  const chosen = preset ?? presetNamed("sarif");
  if (chosen === undefined) throw new TypeError("no preset sarif");
  const { checkout } = checkoutOf(context, parsed);
  const shell = await openScanShell(context, {
    checkout,
    alone: findsSecrets(chosen, baseName(tool)),
    ...choicesOf(parsed),
  });
  const sarifFile = sarifFileOf(parsed, chosen, rest, context);
  const git = await readGitSource(checkout, context.env, shell.ports);
  const result: KeyResult =
    "why" in git
      ? { kind: "unanswered", unanswered: [{ component: "source", why: git.why, hint: git.hint }] }
      : presetKey(
          {
            preset: chosen,
            argv,
            program: programOf(tool, context),
            cwd: context.cwd,
            inertExtra: shell.settings.inertExtra,
            repository: shell.repository,
          },
          withoutFile(git, sarifFile),
          shell.ports,
        );
  const accept = parsed.lists.get("accept") ?? [];
  return {
    shell: { ...shell, options: { ...shell.options, accept: [...shell.options.accept, ...accept] } },
    preset: chosen,
    argv,
    sarifFile,
    category: parsed.values.get("category") ?? chosen.name,
    result,
    fromMs,
  };
}

function sarifFileOf(parsed: Parsed, preset: Preset, rest: readonly string[], context: CliContext): string | undefined {
  const given = parsed.values.get("sarif");
  if (given !== undefined) return given === "-" ? undefined : resolve(context.cwd, given);
  const value = optionValues(rest, preset.output).at(-1);
  if (value === undefined) return undefined;
  return resolve(context.cwd, preset.outputFile === undefined ? value : join(value, preset.outputFile));
}
