// What the commands and the action of the scan cache share: checkout, store, options, event, and the three things they do:
// decide, record, count.
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { arch, platform } from "node:os";
import type { KeyPorts } from "../../codeql/codeql-key.ts";
import type { ScanOptions } from "../../codeql/decide-scan.ts";
import { type JobEvent, jobEvent } from "../../codeql/events.ts";
import type { GitSource } from "../../codeql/git-source.ts";
import type { ReplayTarget } from "../../codeql/replay-scan.ts";
import type { ScanKey } from "../../codeql/scan-key.ts";
import type { StorePorts } from "../../codeql/scan-record.ts";
import { logScan, type ScanEvent, scanLog, wasSkipped } from "../../codeql/scan-log.ts";
import { gitEnvironment, HARMLESS } from "../../memo/git-facts.ts";
import type { RecordSource } from "../../memo/lookup.ts";
import { nodeFiles, nodeHasher, nodeRunner } from "../../node/ports.ts";
import { nodeDeflate } from "../../node/store-files.ts";
import { Unreadable } from "../../ports.ts";
import type { StoreFolder } from "../../store/folder.ts";
import type { CliContext } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { addCounts } from "../counting.ts";
import { scanCounts } from "../../report/count.ts";
import { diskAlone, storeLayers } from "../store-layers.ts";
import { effects, openStoreFor, storedRecords } from "../wiring.ts";
import { folderUri } from "./files.ts";

export interface ScanShell {
  readonly context: CliContext;
  /** Absolute. */
  readonly checkout: string;
  readonly checkoutUri: string;
  readonly repository: string;
  readonly event: JobEvent;
  /** The event file of the job, as it is; undefined outside of one. */
  readonly payload: unknown;
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
  /** Ends the connections of the layers. @param say hears what went wrong with them, a line each */
  leave(say: (line: string) => void): void;
}

export interface ShellChoices {
  readonly checkout: string;
  readonly maxAgeMs?: number | undefined;
  readonly audit?: number | undefined;
  readonly trust?: "repository" | "protected" | undefined;
  /** This machine's disk and nothing below it: findings that hold secrets; the action, which has layers of its own. */
  readonly alone?: boolean;
}

/** @throws ForegoneError E_CONFIG, E_STORE */
export async function openScanShell(context: CliContext, choices: ShellChoices): Promise<ScanShell> {
  const [resolved, repository] = await Promise.all([
    configurationOf(context),
    repositoryOf(context.env, choices.checkout),
  ]);
  const { config } = resolved;
  const open = openStoreFor(context, resolved);
  const { folder } = open;
  const layers = choices.alone === true ? diskAlone(open) : await storeLayers(context, resolved, open);
  const { store } = layers;
  const log = scanLog(folder);
  const { env } = context;
  const payload = eventPayload(env);
  return {
    context,
    checkout: choices.checkout,
    checkoutUri: folderUri(choices.checkout),
    repository,
    event: jobEvent(env, payload),
    payload,
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
    leave(say) {
      for (const note of layers.notes()) say(note);
      const counts = layers.counts();
      if (counts.length > 0) void addCounts(folder, config, counts);
      layers.close();
    },
  };
}

/** "codeql javascript", "eslint" */
export function scanName({ preset, action }: Pick<ScanKey, "preset" | "action">): string {
  return [preset, ...action.argv.slice(1)].join(" ").trim();
}

export async function targetOf(
  shell: ScanShell,
  git: GitSource,
  category: string,
  given: { commit?: string | undefined; ref?: string | undefined },
): Promise<ReplayTarget> {
  const { env } = shell.context;
  return {
    category,
    commit: given.commit ?? git.head,
    ref: given.ref ?? env["GITHUB_REF"] ?? (await branchOf(shell.checkout, env)),
    checkoutUri: shell.checkoutUri,
    repositoryUri: `${env["GITHUB_SERVER_URL"] ?? "https://github.com"}/${shell.repository}`,
    uuid: () => crypto.randomUUID(),
  };
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

/** "owner/name" of this job or of origin; empty without one: then the folder's own records are those without a repository. */
async function repositoryOf(env: Readonly<Record<string, string>>, checkout: string): Promise<string> {
  const named = env["GITHUB_REPOSITORY"];
  if (named !== undefined) return named;
  const url = await git(checkout, env, ["config", "--get", "remote.origin.url"]);
  return /[/:]([^/:]+\/[^/]+?)(?:\.git)?\/?$/.exec(url)?.[1] ?? "";
}

async function branchOf(checkout: string, env: Readonly<Record<string, string>>): Promise<string> {
  return (await git(checkout, env, ["symbolic-ref", "--quiet", "HEAD"])) || "HEAD";
}

async function git(cwd: string, env: Readonly<Record<string, string>>, args: readonly string[]): Promise<string> {
  const { status, stdout } = await nodeRunner.start(["git", ...HARMLESS, ...args], { cwd, env: gitEnvironment(env) });
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
