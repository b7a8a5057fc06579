// A real git repository, a real disk store and the CodeQL cache around them, for tests of the scan cache.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Result } from "sarif";
import { admit, type Admitted } from "../codeql/admit.ts";
import { type CodeqlInputs, codeqlKey, type KeyPorts } from "../codeql/codeql-key.ts";
import { decideScan, type ScanDecision, type ScanOptions } from "../codeql/decide-scan.ts";
import { eventDetail, type JobEvent, jobEvent } from "../codeql/events.ts";
import { type GitSource, readGitSource } from "../codeql/git-source.ts";
import type { ScanKey } from "../codeql/scan-key.ts";
import { appendScan } from "../codeql/scan-record.ts";
import { decodeRecord } from "../core/record-codec.ts";
import { recordSource } from "../memo/memo.ts";
import { nodeFiles, nodeHasher, nodeRunner, systemRandom } from "../node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../node/store-files.ts";
import type { Clock, EpochMs, Random } from "../ports.ts";
import { openStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export class ManualClock implements Clock {
  ms = 1_800_000_000_000;
  now(): EpochMs {
    return this.ms as EpochMs;
  }
  monotonicMs(): number {
    return this.ms;
  }
}

export const LAB_INPUTS: CodeqlInputs = {
  language: "javascript",
  buildMode: "none",
  sourceRoot: "",
  tools: "codeql@2.25.6",
  actionRef: undefined,
  kinds: "code-scanning",
  tier: "auto",
  inertExtra: [],
  definition: undefined,
  interpret: {},
  repository: "acme/demo",
};

export const LAB_OPTIONS: ScanOptions = {
  maxAgeMs: 86_400_000,
  audit: 0,
  trust: "repository",
  accept: [],
  maxSarifBytes: 64 * 1024 * 1024,
};

export class ScanLab {
  readonly folder = join(temporaryFolder(), "repo");
  readonly clock = new ManualClock();
  readonly store: Store;
  random: Random = systemRandom;
  env: Record<string, string> = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };
  machine = { os: "linux", arch: "x64" };
  event: JobEvent = jobEvent({}, {});
  options: ScanOptions = LAB_OPTIONS;

  /** @param share another lab's store */
  constructor(share?: ScanLab) {
    mkdirSync(this.folder, { recursive: true });
    const effects = { hasher: nodeHasher, clock: this.clock, random: systemRandom, files: nodeStoreFiles };
    this.store =
      share?.store ?? openStore(effects, { FOREGONE_CACHE_DIR: join(this.folder, "..", "store") }, this.folder).store;
    this.git("init", "-q", "-b", "main");
  }

  git(...args: string[]): string {
    const env = {
      PATH: process.env["PATH"] ?? "",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@example.org",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@example.org",
    };
    return execFileSync("git", args, {
      cwd: this.folder,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  }

  write(path: string, text: string | Uint8Array): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  remove(path: string): void {
    rmSync(join(this.folder, path), { recursive: true });
  }

  link(target: string, path: string): void {
    symlinkSync(target, join(this.folder, path));
  }

  chmod(path: string, mode: number): void {
    chmodSync(join(this.folder, path), mode);
  }

  commit(files: Readonly<Record<string, string>> = {}, message = "change"): string {
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    this.git("add", "-A");
    this.git("commit", "-q", "--allow-empty", "-m", message);
    return this.git("rev-parse", "HEAD");
  }

  get checkoutUri(): string {
    return `${pathToFileURL(this.folder).href}/`;
  }

  readonly readFile = (path: string): Uint8Array | undefined => {
    try {
      return readFileSync(join(this.folder, path));
    } catch {
      return undefined;
    }
  };

  get ports(): KeyPorts {
    return {
      files: nodeFiles,
      hasher: nodeHasher,
      runner: nodeRunner,
      env: this.env,
      cwd: this.folder,
      hashFile: (path) => {
        const bytes = nodeFiles.read(path);
        return bytes instanceof Uint8Array ? nodeHasher.sha256(bytes) : undefined;
      },
      machine: this.machine,
    };
  }

  /** @throws Error naming what is unanswered */
  async key(inputs: Partial<CodeqlInputs> = {}): Promise<{ key: ScanKey; git: GitSource }> {
    const result = await codeqlKey(
      { ...LAB_INPUTS, ...inputs },
      await readGitSource(this.folder, this.env, this.ports),
      this.ports,
    );
    if (result.kind === "key") return result;
    throw new Error(result.unanswered.map(({ component, why }) => `${component}: ${why}`).join("; "));
  }

  async decide(inputs: Partial<CodeqlInputs> = {}, known?: ScanKey): Promise<ScanDecision> {
    return decideScan({
      key: known ?? (await this.key(inputs)).key,
      event: this.event,
      options: this.options,
      records: recordSource(this.store, decode, async () => undefined),
      store: this.store,
      readFile: this.readFile,
      tool: { names: ["CodeQL"], version: "2.25.6" },
      ports: { clock: this.clock, random: this.random, hasher: nodeHasher, files: nodeFiles },
    });
  }

  /** What a scan of this tree would store. @param before what was decided on, if the tree changed since */
  async admit(bytes: Uint8Array, known?: { key: ScanKey; git: GitSource }): Promise<Admitted> {
    const before = known ?? (await this.key());
    return admit({
      bytes,
      key: before.key,
      before: before.git,
      after: (await this.key()).git,
      checkoutUri: this.checkoutUri,
      tool: { names: ["CodeQL"], version: "2.25.6" },
      maxBytes: this.options.maxSarifBytes,
      readFile: this.readFile,
      hasher: nodeHasher,
    });
  }

  /** Scans and stores; the log is what a CodeQL would write. @throws Error naming the refusal */
  async scan(inputs: Partial<CodeqlInputs> = {}, bytes = codeqlLog(), durationMs = 292_000): Promise<void> {
    const before = await this.key(inputs);
    const admitted = await this.admit(bytes, before);
    if (admitted.kind === "refused") throw new Error(admitted.reasons.map((r) => `${r.code}: ${r.detail}`).join("; "));
    const ports = { store: this.store, clock: this.clock, hasher: nodeHasher, deflate: nodeDeflate };
    await appendScan(
      before.key,
      {
        ...admitted,
        gaps: [],
        durationMs,
        checkoutUri: this.checkoutUri,
        exitCode: 0,
        provenance: {
          tool: "foregone test",
          repository: before.key.repository,
          commit: before.git.head,
          tree: before.git.headTree,
        },
        seal: eventDetail(this.event),
      },
      ports,
    );
    this.clock.ms += 1000;
  }
}

function decode(bytes: Uint8Array) {
  const decoded = decodeRecord(bytes, nodeDeflate);
  return decoded.kind === "record" ? decoded.record : { why: decoded.kind };
}

/** A log as CodeQL writes it, with these results: [path, line] each. */
export function codeqlLog(
  results: readonly (readonly [path: string, line: number])[] = [["a.js", 1]],
  more: object = {},
): Uint8Array {
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "CodeQL",
            organization: "GitHub",
            semanticVersion: "2.25.6",
            rules: [{ id: "js/x", properties: { "security-severity": "9.8" } }],
          },
        },
        artifacts: results
          .map(([uri]) => ({ location: { uri, uriBaseId: "%SRCROOT%" } }))
          .filter((a, i, all) => all.findIndex((b) => b.location.uri === a.location.uri) === i),
        results: results.map(([uri, startLine]): Result => ({
          ruleId: "js/x",
          ruleIndex: 0,
          message: { text: "found" },
          locations: [
            { physicalLocation: { artifactLocation: { uri, uriBaseId: "%SRCROOT%" }, region: { startLine } } },
          ],
        })),
        columnKind: "utf16CodeUnits",
        ...more,
      },
    ],
  };
  return Buffer.from(JSON.stringify(log));
}
