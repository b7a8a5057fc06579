// What the commands and the action of the scan cache share: checkout, store, options, event, and the three things they do:
// decide, record, count.
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { arch, platform } from "node:os";
import { admit, type Admitted } from "../codeql/admit.ts";
import { compareWithRecorded, type Comparison } from "../codeql/audit-scan.ts";
import type { KeyPorts } from "../codeql/codeql-key.ts";
import { decideScan, type Hit, scanBecause, type ScanDecision, type ScanOptions } from "../codeql/decide-scan.ts";
import { eventDetail, eventRule, type JobEvent, jobEvent } from "../codeql/events.ts";
import type { GitSource } from "../codeql/git-source.ts";
import type { ReplayTarget } from "../codeql/replay-scan.ts";
import type { VerdictOptions } from "../codeql/sarif/verdict.ts";
import type { ScanKey } from "../codeql/scan-key.ts";
import { appendScan, disownScan, type StorePorts } from "../codeql/scan-record.ts";
import { logScan, type ScanEvent, scanLog, wasSkipped } from "../codeql/scan-log.ts";
import type { Json } from "../core/canonical.ts";
import type { Digest } from "../core/digest.ts";
import type { Gap } from "../core/gap.ts";
import { gitEnvironment, HARMLESS } from "../memo/git-facts.ts";
import type { RecordSource } from "../memo/lookup.ts";
import { nodeFiles, nodeHasher, nodeRunner } from "../node/ports.ts";
import { nodeDeflate } from "../node/store-files.ts";
import { Unreadable } from "../ports.ts";
import type { StoreFolder } from "../store/folder.ts";
import { scanCounts } from "../report/count.ts";
import type { CliContext } from "./command.ts";
import { folderUri, readableFile } from "./commands/sarif-files.ts";
import { configurationOf } from "./configuration.ts";
import { addCounts } from "./counting.ts";
import { VERSION } from "./version.ts";
import { effects, openStoreFor, storedRecords } from "./wiring.ts";

export interface ScanShell {
  readonly context: CliContext;
  /** Absolute. */
  readonly checkout: string;
  readonly checkoutUri: string;
  readonly repository: string;
  readonly event: JobEvent;
  readonly options: ScanOptions;
  readonly settings: {
    readonly tier: "auto" | "exact" | "relevant";
    readonly inertExtra: readonly string[];
    /** Who uploads a replay in Actions. */
    readonly upload: "step" | "api";
    /** False: nothing is read or stored. */
    readonly enabled: boolean;
  };
  readonly folder: StoreFolder;
  readonly storePorts: StorePorts;
  readonly records: RecordSource;
  readonly ports: KeyPorts;
  log(event: Omit<ScanEvent, "at">): void;
}

export interface ShellChoices {
  readonly checkout: string;
  readonly maxAgeMs?: number | undefined;
  readonly audit?: number | undefined;
  readonly trust?: "repository" | "protected" | undefined;
}

/** @throws ForegoneError E_CONFIG, E_STORE */
export async function openScanShell(context: CliContext, choices: ShellChoices): Promise<ScanShell> {
  const resolved = await configurationOf(context);
  const { config } = resolved;
  const { store, folder } = openStoreFor(context, resolved);
  const log = scanLog(folder);
  const { env } = context;
  return {
    context,
    checkout: choices.checkout,
    checkoutUri: folderUri(choices.checkout),
    repository: env["GITHUB_REPOSITORY"] ?? remoteOf(choices.checkout, env),
    event: jobEvent(env, eventPayload(env)),
    options: {
      maxAgeMs: choices.maxAgeMs ?? config["codeql.cache-ttl"],
      audit: choices.audit ?? config["codeql.audit"],
      trust: choices.trust ?? config["codeql.trust"],
      accept: config["codeql.accept"],
      maxSarifBytes: config["codeql.max-sarif"],
    },
    settings: {
      tier: config["codeql.tier"],
      inertExtra: config["codeql.inert-extra"],
      enabled: config["codeql.enabled"],
      upload: config["codeql.upload"],
    },
    folder,
    storePorts: { store, clock: effects.clock, hasher: nodeHasher, deflate: nodeDeflate },
    records: storedRecords(store),
    ports: {
      files: nodeFiles,
      hasher: nodeHasher,
      runner: nodeRunner,
      env,
      cwd: choices.checkout,
      hashFile,
      machine: { os: platform(), arch: arch() },
    },
    log: (event) => {
      // A replay that is made twice for one commit spared one scan.
      if (!(event.kind === "skipped" && wasSkipped(log, event))) void addCounts(folder, config, scanCounts(event));
      logScan(log, { at: effects.clock.now(), ...event });
    },
  };
}

export async function decide(shell: ScanShell, key: ScanKey, tool: VerdictOptions["tool"]): Promise<ScanDecision> {
  if (!shell.settings.enabled) return scanBecause({ kind: "audit", why: "codeql.enabled: false" });
  return decideScan({
    key,
    event: shell.event,
    options: shell.options,
    records: shell.records,
    store: shell.storePorts.store,
    readFile: (path) => readableFile(shell.checkout, path),
    tool,
    ports: { clock: effects.clock, random: effects.random, hasher: nodeHasher, files: nodeFiles },
  });
}

/** A hit whose named files contradict the key: nothing of that family is believed any more. */
export async function disownHole(shell: ScanShell, key: ScanKey, decision: ScanDecision): Promise<void> {
  if (decision.kind === "scan" && decision.hole !== undefined) await disownScan(key, shell.storePorts);
}

export interface ScanToRecord {
  readonly key: ScanKey;
  readonly before: GitSource;
  readonly after: GitSource;
  readonly bytes: Uint8Array;
  readonly tool: VerdictOptions["tool"];
  readonly durationMs: number;
  readonly exitCode: number;
  readonly output?: Uint8Array;
  readonly seal?: Readonly<Record<string, Json>>;
  readonly gaps?: readonly Gap[];
}

export type Recorded =
  | {
      readonly kind: "stored";
      readonly id: Digest;
      readonly admitted: Extract<Admitted, { kind: "admitted" }>;
      readonly comparison: Comparison;
    }
  | { readonly kind: "refused"; readonly code: string; readonly detail: string };

/** Compares a scan that ran with what is recorded of it, and records it, if the event and the log allow. */
export async function recordScan(shell: ScanShell, scan: ScanToRecord): Promise<Recorded> {
  const { key } = scan;
  const rule = eventRule(shell.event);
  const name = scanName(key);
  const refuse = (code: string, detail: string): Recorded => {
    shell.log({ kind: "refused", scan: name, key: key.weak, reason: code });
    return { kind: "refused", code, detail };
  };
  if (!shell.settings.enabled) return refuse("disabled", "codeql.enabled: false");
  if (rule.noStore !== undefined) return refuse("event", rule.noStore);
  const admitted = admit({
    ...scan,
    checkoutUri: shell.checkoutUri,
    maxBytes: shell.options.maxSarifBytes,
    readFile: (path) => readableFile(shell.checkout, path),
    hasher: nodeHasher,
  });
  if (admitted.kind === "refused") return refuse(admitted.reasons[0]?.code ?? "", admitted.reasons[0]?.detail ?? "");
  const comparison = await compareWithRecorded(key, admitted.log, {
    records: shell.records,
    store: shell.storePorts.store,
  });
  // What the key calls equal is not: nothing recorded before this may serve again.
  const disownedAt = comparison.kind === "differs" ? await disownScan(key, shell.storePorts) : undefined;
  if (comparison.kind !== "none")
    shell.log({ kind: comparison.kind === "same" ? "audit-same" : "false-skip", scan: name, key: key.weak });
  const { env } = shell.context;
  const { id } = await appendScan(
    key,
    {
      ...admitted,
      gaps: scan.gaps ?? [],
      durationMs: scan.durationMs,
      checkoutUri: shell.checkoutUri,
      exitCode: scan.exitCode,
      ...(scan.output !== undefined && { output: scan.output }),
      provenance: {
        tool: `foregone ${VERSION}`,
        repository: shell.repository,
        commit: scan.before.head,
        ...(scan.before.unclean.size === 0 && { tree: scan.before.headTree }),
        ...present("workflow", env["GITHUB_WORKFLOW"]),
        ...present("job", env["GITHUB_JOB"]),
        ...present("runId", env["GITHUB_RUN_ID"]),
        ...present("event", shell.event.name || undefined),
        ...present("ref", shell.event.ref || undefined),
      },
      seal: { ...eventDetail(shell.event), ...scan.seal },
    },
    shell.storePorts,
    disownedAt === undefined ? 0 : disownedAt + 1,
  );
  shell.log({ kind: "stored", scan: name, key: key.weak, commit: scan.before.head });
  return { kind: "stored", id, admitted, comparison };
}

function present<K extends string>(name: K, value: string | undefined): { [P in K]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: string };
}

/** "codeql javascript", "eslint" */
export function scanName({ preset, action }: Pick<ScanKey, "preset" | "action">): string {
  return [preset, ...action.argv.slice(1)].join(" ").trim();
}

export function targetOf(
  shell: ScanShell,
  git: GitSource,
  category: string,
  given: { commit?: string | undefined; ref?: string | undefined },
): ReplayTarget {
  const { env } = shell.context;
  return {
    category,
    commit: given.commit ?? git.head,
    ref: given.ref ?? env["GITHUB_REF"] ?? branchOf(shell.checkout, env),
    checkoutUri: shell.checkoutUri,
    repositoryUri: `${env["GITHUB_SERVER_URL"] ?? "https://github.com"}/${shell.repository}`,
    uuid: () => crypto.randomUUID(),
  };
}

/** Recorded duration less all that we did instead. */
export function savedMs(hit: Hit, spentMs: number): number {
  return Math.max(0, Math.round(hit.record.result.durationMs - spentMs));
}

function eventPayload(env: Readonly<Record<string, string>>): unknown {
  const path = env["GITHUB_EVENT_PATH"];
  const bytes = path === undefined ? undefined : nodeFiles.read(path, 16 * 1024 * 1024);
  if (bytes === undefined || bytes instanceof Unreadable) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

/** "owner/name" of origin; empty without one: then the folder's own records are those without a repository. */
function remoteOf(checkout: string, env: Readonly<Record<string, string>>): string {
  const url = git(checkout, env, ["config", "--get", "remote.origin.url"]);
  return /[/:]([^/:]+\/[^/]+?)(?:\.git)?\/?$/.exec(url)?.[1] ?? "";
}

function branchOf(checkout: string, env: Readonly<Record<string, string>>): string {
  return git(checkout, env, ["symbolic-ref", "--quiet", "HEAD"]) || "HEAD";
}

function git(cwd: string, env: Readonly<Record<string, string>>, args: readonly string[]): string {
  const { status, stdout } = nodeRunner.run(["git", ...HARMLESS, ...args], { cwd, env: gitEnvironment(env) });
  return status === 0 ? Buffer.from(stdout).toString().trim() : "";
}

/** In pieces: a CodeQL bundle has 500 MB. */
function hashFile(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const hash = createHash("sha256");
    const buffer = Buffer.alloc(1024 * 1024);
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) hash.update(buffer.subarray(0, read));
    return hash.digest("hex");
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
