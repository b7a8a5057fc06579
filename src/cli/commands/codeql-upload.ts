// foregone codeql upload, and the upload of a replay: by the documented endpoint, with the token of the environment.
import type { Log } from "sarif";
import type { ReplayTarget } from "../../codeql/replay-scan.ts";
import { readSarif } from "../../codeql/sarif/read.ts";
import { judge } from "../../codeql/sarif/verdict.ts";
import { type Uploaded, uploadSarif } from "../../codeql/upload.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { openScanShell, targetOf } from "../scan-shell.ts";
import { effects } from "../wiring.ts";
import { readGitSource } from "../../codeql/git-source.ts";
import { printable } from "./sarif.ts";
import { checkoutOf, readWholeFile } from "./sarif-files.ts";
import { resolve } from "node:path";

/** Of one request; the whole wait for processing is 155 s. */
const TIMEOUT_MS = 30_000;

export async function upload(context: CliContext, parsed: Parsed): Promise<number> {
  const [file, ...rest] = parsed.operands;
  if (file === undefined || rest.length > 0)
    throw new ForegoneError("E_USAGE", "upload wants one file", { hint: "foregone codeql upload results.sarif" });
  const { checkout, checkoutUri } = checkoutOf(context, parsed);
  const shell = await openScanShell(context, { checkout });
  const json = readWholeFile(resolve(context.cwd, file));
  const read = readSarif(json, shell.options.maxSarifBytes);
  const reason =
    read.kind === "refused" ? { code: read.code, detail: read.why } : judge(read.log, { checkoutUri }).reasons[0];
  if (read.kind === "refused" || reason !== undefined)
    throw new ForegoneError("E_NOT_FOUND", printable(`"${file}" is refused: ${reason?.code}: ${reason?.detail}`), {
      hint: `foregone sarif validate ${file}`,
    });
  const git = readGitSource(checkout, context.env, shell.ports);
  if ("why" in git) throw new ForegoneError("E_NOT_FOUND", git.why, git.hint === undefined ? {} : { hint: git.hint });
  const log = read.log as Log;
  const category = parsed.values.get("category") ?? (log.runs[0]?.automationDetails?.id ?? "").replace(/\/$/, "");
  const target = targetOf(shell, git, category, { commit: parsed.values.get("commit"), ref: parsed.values.get("ref") });
  const results = log.runs.reduce((sum, run) => sum + (run.results?.length ?? 0), 0);
  const uploaded = await uploadLog(context, shell.repository, target, { log, json, results });
  context.stdout.write(
    uploadReport(uploaded)
      .map((line) => `${line}\n`)
      .join(""),
  );
  return uploaded.kind === "complete" || uploaded.kind === "pending" ? EXIT.done : EXIT.wrong;
}

/** @throws ForegoneError E_KEY without a token, E_USAGE without a repository */
export function uploadLog(
  context: CliContext,
  repository: string,
  target: ReplayTarget,
  { log, json, results }: { readonly log: Log; readonly json: Uint8Array; readonly results: number },
): Promise<Uploaded> {
  const { env } = context;
  const token = env["GITHUB_TOKEN"] ?? env["GH_TOKEN"];
  if (token === undefined || token === "")
    throw new ForegoneError("E_KEY", "no token to upload with", {
      exitCode: EXIT.wrong,
      hint: "set GITHUB_TOKEN; it needs security-events: write",
    });
  if (!/^[^/]+\/[^/]+$/.test(repository))
    throw new ForegoneError("E_USAGE", "which repository is this?", { hint: "set GITHUB_REPOSITORY=owner/name" });
  return uploadSarif(
    {
      apiUrl: env["GITHUB_API_URL"] ?? "https://api.github.com",
      repository,
      token,
      commit: target.commit,
      ref: target.ref,
      json,
      results,
      checkoutUri: target.checkoutUri,
      tool: log.runs[0]?.tool.driver.name ?? "",
      category: target.category,
      startedAt: new Date(effects.clock.now()).toISOString(),
    },
    { fetch, wait: (ms) => new Promise((done) => setTimeout(done, ms)), timeoutMs: TIMEOUT_MS },
  );
}

export function uploadReport(uploaded: Uploaded): string[] {
  switch (uploaded.kind) {
    case "complete":
      return [printable(`uploaded  ${uploaded.id}: processed`)];
    case "pending":
      return [printable(`uploaded  ${uploaded.id}: code scanning is still at it`)];
    case "invalid":
      return [printable(`refused by code scanning${statusText(uploaded.status)}: ${uploaded.message}`)];
    case "configuration":
      return [printable(`not uploaded${statusText(uploaded.status)}: ${uploaded.message}`)];
    case "unavailable":
      return [
        printable(`not uploaded: code scanning does not answer${statusText(uploaded.status)}: ${uploaded.message}`),
      ];
    default:
      return uploaded satisfies never;
  }
}

function statusText(status: number | undefined): string {
  return status === undefined ? "" : ` (HTTP ${status})`;
}
