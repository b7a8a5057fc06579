// setup-codeql-cache, main: decides before `init`. On a hit the SARIF of this commit lies ready for upload; in every other
// case, trouble of our own included, the scan runs.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeqlKey } from "../codeql/codeql-key.ts";
import { componentChanges } from "../codeql/component.ts";
import type { Hit, Scan } from "../codeql/decide-scan.ts";
import { eventRule } from "../codeql/events.ts";
import type { UploadEffects } from "../codeql/upload.ts";
import { type GitSource, readGitSource } from "../codeql/git-source.ts";
import { replayScan } from "../codeql/replay-scan.ts";
import { countSeverities, describeCounts } from "../codeql/sarif/severity.ts";
import { escapeMarkdown } from "../codeql/sarif/summary.ts";
import type { ScanKey } from "../codeql/scan-key.ts";
import { effects } from "../cli/wiring.ts";
import { ageText } from "../report/units.ts";
import { scanOfJob, uploader } from "./codeql-inputs.ts";
import { contextOf } from "./codeql-context.ts";
import { type FarScans, farScans, readingFar } from "./codeql-remote.ts";
import type { Host } from "./host.ts";
import { decide, disownHole, savedMs } from "../cli/codeql/deciding.ts";
import { invalidateScans } from "../cli/codeql/invalidating.ts";
import { savePending } from "../cli/codeql/pending.ts";
import { type ScanShell, openScanShell, scanName, targetOf } from "../cli/codeql/shell.ts";
import { uploadLog, uploadReport } from "../cli/codeql/uploading.ts";
import { hitLines, scanLines, skippedText, unansweredLines } from "../cli/codeql/words.ts";

export type CacheStatus = "success" | "disabled" | "error";

/** Store and network together; what has not answered by then is a scan. Git of a large checkout is not counted. */
const LOOKUP_MS = 2_000;
/** Layers far away have 2 s of their own, then GitHub is asked who made what they hold. */
const FAR_LOOKUP_MS = 8_000;

/** @param network for `upload: api`; default: the real one */
export async function main(host: Host, network?: UploadEffects): Promise<void> {
  // Written first: whatever happens later, the guarded steps have an answer.
  host.output("should-skip-scan", "false");
  host.output("cached-result", "");
  const fromMs = effects.clock.monotonicMs();
  if (host.input("enable-caching") === "false") return finish(host, "disabled", "disabled");
  try {
    const ttl = wholeNumber("cache-ttl", host.input("cache-ttl"));
    const audit = wholeNumber("audit", host.input("audit"));
    const trust = host.input("trust");
    const context = contextOf(host);
    const shell = await openScanShell(context, {
      checkout: context.cwd,
      alone: true,
      maxAgeMs: ttl === undefined ? undefined : ttl * 1000,
      audit: audit === undefined ? undefined : audit === 0 ? 0 : 1 / audit,
      trust: trust === "protected" ? "protected" : undefined,
    });
    host.output("cache-dir", shell.folder.path);
    const far = farScans(host, shell);
    await decideStep(host, readingFar(shell, far), { fromMs, network, far });
  } catch (error) {
    host.annotate(
      "notice",
      `the CodeQL cache cannot be used, the scan runs: ${error instanceof Error ? error.message : String(error)}`,
    );
    finish(host, "error", "error");
  }
}

interface Deciding {
  readonly fromMs: number;
  readonly network: UploadEffects | undefined;
  readonly far: FarScans | undefined;
}

async function decideStep(host: Host, shell: ScanShell, { fromMs, network, far }: Deciding): Promise<void> {
  const scan = scanOfJob(host, shell);
  if ("mistake" in scan) {
    host.annotate("warning", scan.mistake);
    return finish(host, "error", "error");
  }
  const result =
    "unanswered" in scan
      ? { kind: "unanswered" as const, unanswered: scan.unanswered }
      : await codeqlKey(scan.inputs, await readGitSource(shell.checkout, shell.ports.env, shell.ports), shell.ports);
  if (result.kind === "unanswered" || "unanswered" in scan) {
    const unanswered = result.kind === "unanswered" ? result.unanswered : [];
    const lines = unansweredLines("codeql", unanswered);
    for (const line of lines) host.log(line);
    host.summary(`### Foregone: CodeQL runs\n\n${lines.map(escapeMarkdown).join("\n\n")}`);
    return finish(host, "success", "unanswered");
  }
  const { key, git } = result;
  const wanted = host.input("commit-sha");
  if (wanted !== "" && wanted !== git.head) {
    host.annotate(
      "notice",
      `commit-sha is ${wanted.slice(0, 8)}, the checkout is at ${git.head.slice(0, 8)}: the scan runs`,
    );
    return finish(host, "error", "commit-sha");
  }
  host.saveState("scan", "decided");
  host.saveState("head", git.head);
  host.saveState("pending", savePending(shell, key, git) ?? "");
  const tool = {
    names: ["CodeQL"],
    ...(typeof key.components.tool["version"] === "string" && { version: key.components.tool["version"] }),
  };
  const decision = await withDeadline(decide(shell, key, git, tool), far === undefined ? LOOKUP_MS : FAR_LOOKUP_MS);
  for (const line of far?.records.notes() ?? []) host.log(line);
  if (decision === undefined) {
    host.log("run    the store did not answer in time");
    return finish(host, "error", "unanswered");
  }
  await disownHole(shell, key, decision);
  writeExplanation(host, key, decision);
  if (decision.kind === "scan") return scanStep(host, shell, key, decision);
  const by = uploader(host, shell);
  if (by === "api, but analyze uploads")
    host.annotate(
      "warning",
      "upload: api wants `upload: never` in the analyze step; upload-sarif is to upload instead",
    );
  const uploading = by === "api" ? { network } : undefined;
  const proof = far?.records.provedBy(decision.id);
  if (proof !== undefined) host.log(`  vouched for: ${proof.text}${proof.url === undefined ? "" : ` ${proof.url}`}`);
  await hitStep(host, shell, { key, git, hit: decision, category: scan.category, fromMs, uploading });
}

function scanStep(host: Host, shell: ScanShell, key: ScanKey, scan: Scan): void {
  const lines = scanLines(scanName(key), scan, true);
  for (const line of lines) host.log(line);
  host.summary(
    `### Foregone: ${escapeMarkdown(scanName(key))} runs\n\n${lines.slice(0, 21).map(escapeMarkdown).join("\n\n")}`,
  );
  shell.log({ kind: "miss", scan: scanName(key), key: key.weak, reason: scan.misses[0].kind });
  finish(host, "success", scan.misses[0].kind);
}

interface HitToHandOn {
  readonly key: ScanKey;
  readonly git: GitSource;
  readonly hit: Hit;
  readonly category: string;
  readonly fromMs: number;
  /** undefined: upload-sarif does it. */
  readonly uploading: { readonly network: UploadEffects | undefined } | undefined;
}

async function hitStep(
  host: Host,
  shell: ScanShell,
  { key, git, hit, category, fromMs, uploading }: HitToHandOn,
): Promise<void> {
  const { env } = host;
  const now = effects.clock.now();
  const target = await targetOf(shell, git, category, {});
  const replayed = replayScan(hit, target);
  const file = join(env["RUNNER_TEMP"] ?? shell.folder.path, "foregone", `${scanName(key).replaceAll(" ", "-")}.sarif`);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, replayed.json);
  const upload = eventRule(shell.event).upload;
  if (upload && uploading !== undefined) {
    const uploaded = await uploadLog(shell, target, replayed.log, uploading.network);
    for (const line of uploadReport(uploaded)) host.log(line);
    if (uploaded.kind === "invalid") await invalidateScans(shell, { family: key, why: uploaded.message });
    if (uploaded.kind !== "complete" && uploaded.kind !== "pending") {
      host.annotate("warning", uploadReport(uploaded).join(" "));
      return finish(host, "success", "upload");
    }
  } else if (upload) host.output("cached-result", file);
  const saved = savedMs(hit, effects.clock.monotonicMs() - fromMs);
  const lines = [...hitLines(scanName(key), key, hit, now), `  ${skippedText(saved, hit.record.result.durationMs)}`];
  for (const line of lines) host.log(line);
  const { provenance } = hit.record;
  const severity = replayed.log.runs.map((run) => describeCounts(countSeverities(run as never))).join("; ");
  host.summary(
    `### Foregone: ${escapeMarkdown(scanName(key))} skipped\n\n| | |\n|---|---|\n| proved by | run ${escapeMarkdown(provenance.runId ?? "")} at ${escapeMarkdown(provenance.commit?.slice(0, 8) ?? "")}, ${ageText(now - provenance.recordedAt)} |\n| compared | ${key.source.compared.length} files, ${key.source.inertCount} inert |\n| alerts | ${severity} |\n| time | ${skippedText(saved, hit.record.result.durationMs)} |`,
  );
  host.saveState("hit", JSON.stringify({ weak: key.weak, family: key.family, category, savedMs: saved }));
  host.output("saved-seconds", String(Math.round(saved / 1000)));
  host.output("should-skip-scan", "true");
  shell.log({ kind: "hit", scan: scanName(key), key: key.weak, commit: git.head });
  finish(host, "success", "hit");
}

/** Every component, as it was in the newest scan and as it is: a JSON file beside the log. */
function writeExplanation(host: Host, key: ScanKey, decision: Hit | Scan): void {
  const temp = host.env["RUNNER_TEMP"];
  if (temp === undefined) return;
  const file = join(temp, "foregone", `${scanName(key).replaceAll(" ", "-")}.explain.json`);
  mkdirSync(join(temp, "foregone"), { recursive: true });
  const explanation = decision.kind === "scan" ? decision.explanation : undefined;
  const was = explanation?.record.action.salt["components"] as typeof key.components | undefined;
  writeFileSync(
    file,
    JSON.stringify({
      decision: decision.kind,
      misses: decision.kind === "scan" ? decision.misses : [],
      now: key.components,
      was: was ?? null,
      changed: was === undefined ? [] : componentChanges(was, key.components),
      files: explanation?.files?.slice(0, 1000) ?? [],
    }),
  );
  host.output("explain", file);
}

function finish(host: Host, status: CacheStatus, reason: string): void {
  host.output("cache-status", status);
  host.output("reason", reason);
  if (reason !== "hit") host.output("saved-seconds", "0");
}

async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<undefined>((done) => {
        timer = setTimeout(() => done(undefined), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Empty: the configuration's. @throws Error for what is no number: a typo must not mean "for ever" */
function wholeNumber(name: string, text: string): number | undefined {
  if (text === "") return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} "${text}" is no whole number`);
  return Number(text);
}
