// setup-codeql-cache, post: records a scan that was completed, and counts a scan that did not run. Runs always; believes only
// what the analyze step itself says of its success.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "sarif";
import { readSarif } from "../codeql/sarif/read.ts";
import type { UploadEffects } from "../codeql/upload.ts";
import { uploadLog, uploadReport } from "../cli/codeql/uploading.ts";
import { categoryOf, uploader } from "./codeql-inputs.ts";
import { readGitSource } from "../codeql/git-source.ts";
import { disownScan } from "../codeql/scan-record.ts";
import type { Digest } from "../core/digest.ts";
import { effects } from "../cli/wiring.ts";
import { contextOf } from "./codeql-context.ts";
import { disownFar, type FarScans, farScans, publishScan, readingFar } from "./codeql-remote.ts";
import type { Host } from "./host.ts";
import { readWholeFile } from "../cli/codeql/files.ts";
import { loadPending } from "../cli/codeql/pending.ts";
import { recordScan } from "../cli/codeql/recording.ts";
import { openScanShell, scanName, type ScanShell, targetOf } from "../cli/codeql/shell.ts";
import { refusalHint } from "../cli/codeql/words.ts";

interface SavedHit {
  readonly weak: Digest;
  readonly family: Digest;
  readonly category: string;
  readonly savedMs: number;
}

/** @param network for `upload: api`; default: the real one */
export async function post(host: Host, network?: UploadEffects): Promise<void> {
  try {
    const context = contextOf(host);
    const shell = await openScanShell(context, { checkout: context.cwd, alone: true });
    const analysed = host.env["CODEQL_ACTION_ANALYZE_DID_COMPLETE_SUCCESSFULLY"] === "true";
    // Whatever else became of the scan, the cache off or the job failed: nobody else brings these results to code scanning.
    if (analysed && uploader(host, shell) === "api") await uploadAnalysis(host, shell, network);
    if (host.state("scan") !== "decided") return;
    const passed = host.input("job-status") === "success";
    const hit = savedHit(host);
    if (hit !== undefined) await afterHit(host, shell, hit, analysed, passed);
    if (!analysed) return host.log("post: no completed analysis in this job, nothing to record");
    if (!passed) return host.log(`post: the job is ${host.input("job-status")}, nothing is recorded`);
    await recordAnalysis(host, shell, farScans(host, shell));
  } catch (error) {
    host.annotate("notice", `the scan is not recorded: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function afterHit(
  host: Host,
  shell: ScanShell,
  hit: SavedHit,
  analysed: boolean,
  passed: boolean,
): Promise<void> {
  const event = { scan: "codeql", key: hit.weak, commit: host.state("head"), category: hit.category };
  if (analysed) {
    shell.log({ ...event, kind: "ran-anyway" });
    host.annotate(
      "warning",
      "the scan ran although should-skip-scan was true: add `if: steps.<id>.outputs.should-skip-scan != 'true'` to init and analyze",
    );
  } else if (passed) shell.log({ ...event, kind: "skipped", savedMs: hit.savedMs });
  // Perhaps code scanning refused the replay; a scan will show.
  else await disownScan(hit, shell.storePorts);
}

async function uploadAnalysis(host: Host, shell: ScanShell, network: UploadEffects | undefined): Promise<void> {
  if (shell.event.name === "merge_group")
    return host.log("post: code scanning knows no merge queue refs: nothing is uploaded");
  const lost = (why: string): void =>
    host.annotate("error", `the results of this scan are not in code scanning: ${why}`);
  try {
    const folder = resultsFolder(host);
    const files = readdirSync(folder).filter((name) => name.endsWith(".sarif"));
    const [file] = files;
    if (file === undefined || files.length > 1) return lost(`${folder} holds ${files.length} SARIF files, not one`);
    const git = await readGitSource(shell.checkout, host.env, shell.ports);
    if ("why" in git) return lost(git.why);
    const json = readWholeFile(join(folder, file));
    const read = readSarif(json, shell.options.maxSarifBytes);
    if (read.kind === "refused") return lost(`${read.code}: ${read.why}`);
    const target = await targetOf(shell, git, categoryOf(host, shell), {});
    const uploaded = await uploadLog(shell, target, read.log as Log, network);
    const text = uploadReport(uploaded).join(" ");
    if (uploaded.kind === "complete" || uploaded.kind === "pending") host.log(`post: ${text}`);
    else lost(text);
  } catch (error) {
    lost(error instanceof Error ? error.message : String(error));
  }
}

function resultsFolder(host: Host): string {
  return host.env["CODEQL_ACTION_SARIF_RESULTS_OUTPUT_DIR"] ?? "";
}

async function recordAnalysis(host: Host, shell: ScanShell, far: FarScans | undefined): Promise<void> {
  const pending = loadPending(host.state("pending"));
  if (pending === undefined) return host.log("post: what was decided on is not known any more: nothing is recorded");
  const { key } = pending;
  const file = join(resultsFolder(host), `${key.action.argv[1] ?? ""}.sarif`);
  const after = await readGitSource(shell.checkout, host.env, shell.ports);
  if ("why" in after) return host.log(`post: ${after.why}`);
  const started = Date.parse(host.env["CODEQL_WORKFLOW_STARTED_AT"] ?? "");
  const version = key.components.tool["version"];
  const recorded = await recordScan(readingFar(shell, far), {
    key,
    before: pending.git,
    after,
    bytes: readWholeFile(file),
    tool: { names: ["CodeQL"], ...(typeof version === "string" && { version }) },
    durationMs: Math.max(0, statSync(file).mtimeMs - (Number.isNaN(started) ? pending.at : started)),
    exitCode: 0,
    checkRun: host.input("check-run") || undefined,
    // Pull request scans leave file coverage out by default.
    seal: {
      coverage: shell.event.name !== "pull_request" || host.env["CODEQL_ACTION_FILE_COVERAGE_ON_PRS"] === "true",
    },
  });
  if (recorded.kind === "refused") {
    host.log(`post: not recorded: ${recorded.code}: ${recorded.detail}`);
    const hint = refusalHint(recorded.code);
    if (hint !== undefined) host.log(`hint: ${hint}`);
    return;
  }
  host.log(`post: ${scanName(key)} recorded as ${recorded.id.slice(7, 15)}, tier ${recorded.admitted.tier}`);
  if (recorded.admitted.exactOnly !== undefined)
    host.log(`  serves the exact tree only: ${recorded.admitted.exactOnly}`);
  const { comparison } = recorded;
  if (comparison.kind === "differs")
    host.annotate(
      "error",
      `false skip: an equal key gave another result (${comparison.diff.new.length} new, ${comparison.diff.absent.length} absent); older records are disowned`,
    );
  if (comparison.kind === "same") host.log("  audit: same result as recorded");
  if (comparison.kind === "differs") await disownFar(far, key, effects.clock.now());
  else await publishScan(host, shell, far, key, recorded.id);
}

function savedHit(host: Host): SavedHit | undefined {
  try {
    const hit = JSON.parse(host.state("hit")) as SavedHit;
    return typeof hit.weak === "string" ? hit : undefined;
  } catch {
    return undefined;
  }
}
