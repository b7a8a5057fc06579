// foregone codeql check | explain | store | replay | upload | invalidate | stats.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type CodeqlInputs, codeqlKey, type KeyResult } from "../../codeql/codeql-key.ts";
import type { ScanDecision } from "../../codeql/decide-scan.ts";
import type { GitSource } from "../../codeql/git-source.ts";
import { languageOf } from "../../codeql/languages.ts";
import { replayScan } from "../../codeql/replay-scan.ts";
import type { ScanKey } from "../../codeql/scan-key.ts";
import { scanLog, scanStats } from "../../codeql/scan-log.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { durationText, plural } from "../../report/units.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import {
  decide,
  disownHole,
  openScanShell,
  recordScan,
  savedMs,
  type ScanShell,
  scanName,
  targetOf,
} from "../scan-shell.ts";
import { loadPending, pendingPath, savePending } from "../pending-scan.ts";
import { hitLines, refusalHint, scanLines, skippedText, unansweredLines } from "../scan-text.ts";
import { effects, openStoreFor } from "../wiring.ts";
import { invalidateScans } from "./codeql-invalidate.ts";
import { uploadLog, uploadReport } from "./codeql-upload.ts";
import { checkoutOf, readWholeFile, writeWhole } from "./sarif-files.ts";

export { upload } from "./codeql-upload.ts";

interface Asked {
  readonly shell: ScanShell;
  readonly inputs: CodeqlInputs;
  readonly result: KeyResult;
  readonly name: string;
  readonly from: number;
}

export async function check(context: CliContext, parsed: Parsed): Promise<number> {
  return decideAndTell(context, parsed, parsed.flags.has("json"), false);
}

export async function explain(context: CliContext, parsed: Parsed): Promise<number> {
  return decideAndTell(context, parsed, parsed.flags.has("json"), true);
}

async function decideAndTell(context: CliContext, parsed: Parsed, json: boolean, all: boolean): Promise<number> {
  const asked = await ask(context, parsed);
  const { shell, result, name } = asked;
  if (result.kind === "unanswered") {
    if (json) print(context, { decision: "run", unanswered: result.unanswered });
    else context.stdout.write(lines(unansweredLines(name, result.unanswered)));
    shell.log({ kind: "miss", scan: name, key: "", reason: "unanswered" });
    return EXIT.wouldRun;
  }
  const { key, git } = result;
  const decision = await decided(shell, key);
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

async function decided(shell: ScanShell, key: ScanKey): Promise<ScanDecision> {
  const decision = await decide(shell, key, codeqlTool(key));
  await disownHole(shell, key, decision);
  return decision;
}

export async function store(context: CliContext, parsed: Parsed): Promise<number> {
  const path = parsed.values.get("sarif");
  if (path === undefined)
    throw new ForegoneError("E_USAGE", "store wants --sarif FILE", {
      hint: "foregone codeql store --sarif results/javascript.sarif",
    });
  const asked = await ask(context, parsed);
  const { shell, name } = asked;
  const now = known(asked);
  const pending = loadPending(pendingPath(shell, now.key));
  // Decided with other options than these: then it says nothing of this scan.
  const before = pending?.key.weak === now.key.weak ? pending : now;
  const file = resolve(context.cwd, path);
  const started = startOf(parsed) ?? (before === pending ? pending.at : undefined);
  const recorded = await recordScan(shell, {
    key: before.key,
    before: before.git,
    after: now.git,
    bytes: readWholeFile(file),
    tool: codeqlTool(before.key),
    durationMs: started === undefined ? 0 : Math.max(0, statSync(file).mtimeMs - started),
    exitCode: 0,
  });
  if (recorded.kind === "refused") {
    context.stdout.write(lines([`refused ${name}   ${recorded.code}: ${recorded.detail}`]));
    const hint = refusalHint(recorded.code);
    if (hint !== undefined) context.stderr.write(`foregone: hint: ${hint}\n`);
    return EXIT.wrong;
  }
  const { admitted, comparison, id } = recorded;
  context.stdout.write(lines([`stored ${name}   as ${id.slice(7, 15)}, tier ${admitted.tier}`]));
  if (admitted.exactOnly !== undefined)
    context.stdout.write(lines([`  serves the exact tree only: ${admitted.exactOnly}`]));
  if (comparison.kind === "same") context.stdout.write(lines(["  audit: same result as recorded"]));
  if (comparison.kind === "differs") {
    const { diff } = comparison;
    context.stdout.write(
      lines([
        `  audit: FALSE SKIP: ${diff.new.length} new, ${diff.absent.length} absent, ${diff.updated.length} updated; older records are disowned`,
      ]),
    );
    return EXIT.wrong;
  }
  return EXIT.done;
}

export async function replay(context: CliContext, parsed: Parsed): Promise<number> {
  const asked = await ask(context, parsed);
  const { shell, result, name, from } = asked;
  if (result.kind === "unanswered") {
    context.stderr.write(lines(unansweredLines(name, result.unanswered), "foregone: "));
    return EXIT.wouldRun;
  }
  const { key, git } = result;
  const decision = await decided(shell, key);
  if (decision.kind === "scan") {
    context.stderr.write(lines(scanLines(name, decision), "foregone: "));
    shell.log({ kind: "miss", scan: name, key: key.weak, reason: decision.misses[0].kind });
    savePending(shell, key, git);
    return EXIT.wouldRun;
  }
  const category = parsed.values.get("category") ?? `/language:${String(key.action.argv[1])}`;
  const target = targetOf(shell, git, category, { commit: parsed.values.get("commit"), ref: parsed.values.get("ref") });
  const replayed = replayScan(decision, target);
  const out = parsed.values.get("out");
  if (out !== undefined) writeWhole(resolve(context.cwd, out), replayed.json);
  else if (!parsed.flags.has("upload")) context.stdout.write(`${Buffer.from(replayed.json).toString()}\n`);
  if (parsed.flags.has("upload")) {
    const uploaded = await uploadLog(context, shell.repository, target, replayed);
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

export async function invalidate(context: CliContext, parsed: Parsed): Promise<number> {
  const { checkout } = checkoutOf(context, parsed);
  const shell = await openScanShell(context, { checkout });
  const count = await invalidateScans(shell, {
    commit: parsed.values.get("commit"),
    record: parsed.values.get("record"),
    language: parsed.values.get("language"),
    all: parsed.flags.has("all"),
  });
  context.stdout.write(`${plural(count, "record")} disowned\n`);
  return EXIT.done;
}

export async function stats(context: CliContext, parsed: Parsed): Promise<number> {
  const { folder } = openStoreFor(context, await configurationOf(context));
  const numbers = scanStats(scanLog(folder));
  if (parsed.flags.has("json")) print(context, numbers);
  else {
    const { hits, misses, skipped, stored, refused, audits, falseSkips } = numbers;
    const list = (counts: Readonly<Record<string, number>>): string =>
      Object.entries(counts)
        .sort(([, a], [, b]) => b - a)
        .map(([reason, n]) => `${n} ${reason}`)
        .join(", ") || "none";
    const share =
      skipped + stored === 0 ? "" : ` (${Math.round((100 * skipped) / (skipped + stored))} % of scans asked for)`;
    context.stdout.write(
      lines([
        `stored    ${plural(stored, "scan")}; refused: ${list(refused)}`,
        `retrieved ${plural(hits, "time")}; misses: ${list(misses)}`,
        `skipped   ${plural(skipped, "scan")}${share}, saved ${durationText(numbers.savedMs)}`,
        `audits    ${plural(audits, "scan")} compared, ${plural(falseSkips, "false skip")}`,
      ]),
    );
  }
  return EXIT.done;
}

async function ask(context: CliContext, parsed: Parsed): Promise<Asked> {
  const from = effects.clock.monotonicMs();
  const { checkout } = checkoutOf(context, parsed);
  const shell = await openScanShell(context, { checkout });
  const inputs = inputsOf(parsed, shell);
  const result = await codeqlKey(inputs, checkout, shell.ports);
  const name =
    result.kind === "key"
      ? scanName(result.key)
      : `codeql ${languageOf(inputs.language)?.name ?? inputs.language}`.trim();
  return { shell, inputs, result, name, from };
}

function known({ result, name }: Asked): { readonly key: ScanKey; readonly git: GitSource } {
  if (result.kind === "key") return result;
  const [{ component, why, hint }] = result.unanswered;
  throw new ForegoneError(
    "E_NOT_FOUND",
    `${name}: ${component} cannot be told: ${why}`,
    hint === undefined ? {} : { hint },
  );
}

function inputsOf(parsed: Parsed, shell: ScanShell): CodeqlInputs {
  const value = (name: string): string | undefined => parsed.values.get(name);
  const buildMode = value("build-mode") ?? "";
  if (buildMode !== "" && buildMode !== "none" && buildMode !== "autobuild" && buildMode !== "manual")
    throw new ForegoneError("E_USAGE", `no build mode "${buildMode}"`, { hint: "none, autobuild or manual" });
  const build = value("build");
  return {
    language: value("language") ?? "",
    buildMode,
    sourceRoot: (value("source-root") ?? "").replace(/^\.\/?|\/+$/g, ""),
    tools: value("tool") ?? "cli",
    actionRef: undefined,
    kinds: "code-scanning",
    tier: shell.settings.tier,
    inertExtra: shell.settings.inertExtra,
    configFile: value("config"),
    config: undefined,
    queries: value("queries"),
    packs: value("packs"),
    definition: build,
    interpret: {},
    repository: shell.repository,
  };
}

function codeqlTool(key: ScanKey) {
  const version = key.components.tool["version"];
  return { names: ["CodeQL"], ...(typeof version === "string" && { version }) };
}

function startOf(parsed: Parsed): number | undefined {
  const text = parsed.values.get("started");
  if (text === undefined) return undefined;
  const at = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(at))
    throw new ForegoneError("E_USAGE", `--started "${text}" is no time`, { hint: "2026-01-31T12:00:00Z" });
  return at;
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

function print(context: CliContext, value: unknown): void {
  context.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

function lines(texts: readonly string[], prefix = ""): string {
  return texts.map((text) => `${prefix}${text}\n`).join("");
}
