// The upload of a log: by the documented endpoint, with the token of the environment.
import type { Log } from "sarif";
import { addFingerprints } from "../../codeql/sarif/fingerprint.ts";
import { writeSarif } from "../../codeql/sarif/read.ts";
import { readableFile } from "./files.ts";
import type { ScanShell } from "./shell.ts";
import type { ReplayTarget } from "../../codeql/replay-scan.ts";
import { type Uploaded, type UploadEffects, uploadSarif } from "../../codeql/upload.ts";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { effects } from "../wiring.ts";
import { printable } from "../../report/printable.ts";

/** The time-out is that of one request; the whole wait for processing is 155 s. */
const NETWORK: UploadEffects = {
  fetch,
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  timeoutMs: 30_000,
};

/**
 * As upload-sarif does: with a category for runs that name none, and with fingerprints, without which code scanning would take
 * an alert on a moved line for a new one.
 * @param log changed in place
 * @throws ForegoneError E_KEY without a token, E_USAGE without a repository
 */
export function uploadLog(
  { context, repository, checkout }: ScanShell,
  target: ReplayTarget,
  log: Log,
  network: UploadEffects = NETWORK,
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
  const { category, checkoutUri } = target;
  for (const run of log.runs)
    if (run.automationDetails?.id === undefined && category !== "")
      run.automationDetails = { ...run.automationDetails, id: `${category.replace(/\/$/, "")}/` };
  addFingerprints(log, checkoutUri, (path) => readableFile(checkout, path));
  return uploadSarif(
    {
      apiUrl: env["GITHUB_API_URL"] ?? "https://api.github.com",
      repository,
      token,
      commit: target.commit,
      ref: target.ref,
      json: writeSarif(log),
      results: log.runs.reduce((sum, run) => sum + (run.results?.length ?? 0), 0),
      checkoutUri,
      tool: log.runs[0]?.tool.driver.name ?? "",
      category,
      startedAt: new Date(effects.clock.now()).toISOString(),
    },
    network,
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
