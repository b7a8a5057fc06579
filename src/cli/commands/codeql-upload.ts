// foregone codeql upload.
import type { Log } from "sarif";
import { readSarif } from "../../codeql/sarif/read.ts";
import { judge } from "../../codeql/sarif/verdict.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { readGitSource } from "../../codeql/git-source.ts";
import { resolve } from "node:path";
import { checkoutOf, readWholeFile } from "../codeql/files.ts";
import { openScanShell, targetOf } from "../codeql/shell.ts";
import { uploadLog, uploadReport } from "../codeql/uploading.ts";
import { printable } from "../../report/printable.ts";
import { tell } from "../tell.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const [file, ...rest] = parsed.operands;
  if (file === undefined || rest.length > 0)
    throw new ForegoneError("E_USAGE", "upload wants one file", { hint: "foregone codeql upload results.sarif" });
  const { checkout, checkoutUri } = checkoutOf(context, parsed);
  const shell = await openScanShell(context, { checkout, alone: true });
  const json = readWholeFile(resolve(context.cwd, file));
  const read = readSarif(json, shell.options.maxSarifBytes);
  const reason =
    read.kind === "refused" ? { code: read.code, detail: read.why } : judge(read.log, { checkoutUri }).reasons[0];
  if (read.kind === "refused" || reason !== undefined)
    throw new ForegoneError("E_NOT_FOUND", printable(`"${file}" is refused: ${reason?.code}: ${reason?.detail}`), {
      hint: `foregone sarif validate ${file}`,
    });
  const git = await readGitSource(checkout, context.env, shell.ports);
  if ("why" in git) throw new ForegoneError("E_NOT_FOUND", git.why, git.hint === undefined ? {} : { hint: git.hint });
  const log = read.log as Log;
  const category = parsed.values.get("category") ?? (log.runs[0]?.automationDetails?.id ?? "").replace(/\/$/, "");
  const target = await targetOf(shell, git, category, {
    commit: parsed.values.get("commit"),
    ref: parsed.values.get("ref"),
  });
  const uploaded = await uploadLog(shell, target, log);
  const lines = uploadReport(uploaded).map(
    (line) => `${line}
`,
  );
  tell(context, parsed, uploaded, lines.join(""));
  return uploaded.kind === "complete" || uploaded.kind === "pending" ? EXIT.done : EXIT.wrong;
}
