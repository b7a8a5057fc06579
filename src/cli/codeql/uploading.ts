// The upload of a log: by the documented endpoint, with the token of the environment.
import type { Log } from "sarif";
import type { ReplayTarget } from "../../codeql/replay-scan.ts";
import { type Uploaded, uploadSarif } from "../../codeql/upload.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { CliContext } from "../command.ts";
import { effects } from "../wiring.ts";
import { printable } from "../../report/printable.ts";

/** Of one request; the whole wait for processing is 155 s. */
const TIMEOUT_MS = 30_000;

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
