// foregone sarif validate | merge | diff | summary | fingerprint.
import type { Log } from "sarif";
import { canonicalSarif } from "../../codeql/sarif/canonical.ts";
import { type Alert, diffSarif } from "../../codeql/sarif/diff.ts";
import { addFingerprints } from "../../codeql/sarif/fingerprint.ts";
import { asText, at, objects } from "../../codeql/sarif/look.ts";
import { mergeSarif } from "../../codeql/sarif/merge.ts";
import { normalise } from "../../codeql/sarif/normalise.ts";
import { addCounts, countSeverities, describeCounts } from "../../codeql/sarif/severity.ts";
import { summarise } from "../../codeql/sarif/summary.ts";
import { judge, REFUSALS, toolVersion, type Verdict } from "../../codeql/sarif/verdict.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { checkoutOf, readSarifFile, readableFile, writeResult } from "../codeql/files.ts";
import { printable } from "../../report/printable.ts";

interface Judged {
  readonly file: string;
  readonly verdict: Verdict;
  /** What it found, or undefined if it is no log at all. */
  readonly found: string | undefined;
}

export async function validate(context: CliContext, parsed: Parsed): Promise<number> {
  const tool = parsed.values.get("tool");
  const { checkoutUri } = checkoutOf(context, parsed);
  const judged = several(parsed).map((file): Judged => {
    const read = readSarifFile(context, file);
    if (read.kind === "refused")
      return {
        file,
        found: undefined,
        verdict: { accepted: false, reasons: [{ code: read.code, detail: read.why }], warnings: [] },
      };
    const verdict = judge(read.log, {
      checkoutUri,
      bom: read.bom,
      tool: tool === undefined ? undefined : { names: [tool] },
    });
    return { file, verdict, found: describe(read.log) };
  });
  if (parsed.flags.has("json")) context.stdout.write(`${JSON.stringify({ files: judged }, undefined, 2)}\n`);
  else for (const one of judged) context.stdout.write(judgedText(one));
  return judged.every((one) => one.verdict.accepted) ? EXIT.done : EXIT.wrong;
}

function judgedText({ file, verdict, found }: Judged): string {
  const lines = [
    `${verdict.accepted ? "ok    " : "refuse"}  ${printable(file)}${found === undefined ? "" : `  ${found}`}`,
  ];
  for (const { code, detail } of verdict.reasons) lines.push(`  ${code}: ${REFUSALS[code]}: ${printable(detail)}`);
  for (const { code, detail } of verdict.warnings) lines.push(`  warning ${code}: ${printable(detail)}`);
  return `${lines.join("\n")}\n`;
}

function describe(log: unknown): string {
  const runs = objects(at(log, "runs"));
  const tools = runs.map((run) =>
    `${asText(at(run, "tool", "driver", "name")) ?? "?"} ${toolVersion(run) ?? ""}`.trim(),
  );
  return printable(`${tools.join(", ")}; ${describeCounts(addCounts(runs.map(countSeverities)))}`);
}

export async function merge(context: CliContext, parsed: Parsed): Promise<number> {
  const merged = mergeSarif(several(parsed).map((file) => acceptedLog(context, parsed, file)));
  if (merged.kind === "conflict")
    throw new ForegoneError("E_USAGE", `cannot unite these files: ${printable(merged.why)}`, {
      hint: "give each a category of its own and upload them one by one",
    });
  await writeResult(context, parsed, JSON.stringify(merged.log));
  return EXIT.done;
}

export async function diff(context: CliContext, parsed: Parsed): Promise<number> {
  const [was, now, ...rest] = parsed.operands;
  if (was === undefined || now === undefined || rest.length > 0)
    throw new ForegoneError("E_USAGE", "diff wants two files", { hint: "foregone sarif diff OLD NEW" });
  const [a, b] = [acceptedLog(context, parsed, was), acceptedLog(context, parsed, now)];
  const found = diffSarif(a, b);
  const equal = canonicalSarif(a) === canonicalSarif(b);
  if (parsed.flags.has("json")) context.stdout.write(`${JSON.stringify({ equal, ...found }, undefined, 2)}\n`);
  else {
    for (const alert of found.absent) context.stdout.write(`- ${alertText(alert)}\n`);
    for (const { was: old, now: alert } of found.updated)
      context.stdout.write(`~ ${alertText(alert)}${old.line === alert.line ? "" : ` (was line ${old.line ?? "?"})`}\n`);
    for (const alert of found.new) context.stdout.write(`+ ${alertText(alert)}\n`);
    const counts = `${found.new.length} new, ${found.absent.length} absent, ${found.updated.length} updated, ${found.unchanged} unchanged`;
    context.stdout.write(`${counts}${equal ? "; equal in canonical form" : ""}\n`);
  }
  return parsed.flags.has("exit-code") && found.new.length > 0 ? EXIT.wrong : EXIT.done;
}

function alertText({ severity, rule, uri, line, message }: Alert): string {
  return printable(`${severity.padEnd(8)} ${rule}  ${uri}${line === undefined ? "" : `:${line}`}  ${message}`);
}

export async function summary(context: CliContext, parsed: Parsed): Promise<number> {
  for (const file of several(parsed)) context.stdout.write(summarise(acceptedLog(context, parsed, file)));
  return EXIT.done;
}

export async function fingerprint(context: CliContext, parsed: Parsed): Promise<number> {
  const [file, ...rest] = parsed.operands;
  if (file === undefined || rest.length > 0)
    throw new ForegoneError("E_USAGE", "fingerprint wants one file", {
      hint: "foregone sarif fingerprint FILE -o FILE",
    });
  const { checkout, checkoutUri } = checkoutOf(context, parsed);
  const log = acceptedLog(context, parsed, file);
  const { added, differing } = addFingerprints(log, checkoutUri, (path) => readableFile(checkout, path));
  await writeResult(context, parsed, JSON.stringify(log));
  context.stderr.write(`foregone: ${added} fingerprints added\n`);
  for (const { path, line, theirs, ours } of differing)
    context.stderr.write(printable(`foregone: ${path}:${line} has ${theirs}, computed ${ours}; kept`) + "\n");
  return EXIT.done;
}

function several(parsed: Parsed): readonly string[] {
  if (parsed.operands.length === 0) throw new ForegoneError("E_USAGE", "no file given", { hint: "name a SARIF file" });
  return parsed.operands;
}

/** A log that `judge` accepts, normalised. @throws ForegoneError naming the first reason */
function acceptedLog(context: CliContext, parsed: Parsed, file: string): Log {
  const { checkoutUri } = checkoutOf(context, parsed);
  const read = readSarifFile(context, file);
  const reason =
    read.kind === "refused" ? { code: read.code, detail: read.why } : judge(read.log, { checkoutUri }).reasons[0];
  if (read.kind === "refused" || reason !== undefined)
    throw new ForegoneError(
      "E_NOT_FOUND",
      `"${printable(file)}" is refused: ${reason?.code}: ${printable(reason?.detail ?? "")}`,
      {
        hint: `foregone sarif validate ${printable(file)}`,
      },
    );
  const log = read.log as Log;
  normalise(log, checkoutUri);
  return log;
}
