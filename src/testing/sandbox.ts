// A throw-away workspace with a real store, for tests: real files, real git, no tracer. What the run "looked at" is given by hand.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { sha256Of } from "../core/digest.ts";
import { OutputLog } from "../core/output-log.ts";
import { decodeRecord, encodeRecord } from "../core/record-codec.ts";
import { type CommandParts, type Decided, decideCommand, recordSource, worldSource } from "../memo/memo.ts";
import { SKIP_DEFAULTS, type SkipOptions } from "../memo/options.ts";
import { fingerprintsOf } from "../memo/fingerprints.ts";
import type { RecordSource } from "../memo/lookup.ts";
import { type MadeRecord, recordRun, type RunFacts } from "../memo/record-run.ts";
import { startState, startWithoutGit } from "../memo/start-state.ts";
import { nodeFiles, nodeFileWriter, nodeHasher, nodeRunner, systemClock, systemRandom } from "../node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../node/store-files.ts";
import type { EpochMs, Files } from "../ports.ts";
import { openStore, type OpenStore } from "../store/open.ts";
import { readWitness } from "../store/witness.ts";
import type { Change, Interpreted, Look } from "../trace/interpret/interpreted.ts";

export interface RunScript {
  /** `[kind, workspace path]`, in order; by "test". Taken before `act`. */
  readonly looks: readonly (readonly [Look["kind"], string])[];
  /** What the command does to the workspace. */
  readonly act?: () => void;
  readonly changes?: readonly (Partial<Change> & { readonly path: string; readonly before: Change["before"] })[];
  readonly more?: Partial<Pick<Interpreted, "gaps" | "gitCalls" | "connections">>;
  readonly stdout?: string;
}

export class Sandbox {
  readonly folder: string;
  readonly workspace: string;
  options: SkipOptions = { ...SKIP_DEFAULTS, audit: 0 };
  env: Record<string, string>;
  files: Files = nodeFiles;
  /** Added to the clock. */
  laterMs = 0;

  constructor(git = true) {
    this.folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "foregone-test-")));
    this.workspace = join(this.folder, "w");
    fs.mkdirSync(this.workspace);
    this.env = { PATH: process.env["PATH"] ?? "", HOME: join(this.folder, "home") };
    if (git) this.git("init", "--quiet", "--initial-branch=main");
  }

  git(...args: string[]): string {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
    return execFileSync("git", [...identity, ...args], { cwd: this.workspace, encoding: "utf8", env: this.env });
  }

  commit(message = "c"): void {
    this.git("add", "--all");
    this.git("commit", "--quiet", "--allow-empty", "-m", message);
  }

  path(name: string): string {
    return name === "." ? this.workspace : join(this.workspace, name);
  }

  write(name: string, content: string, mode = 0o644): void {
    fs.mkdirSync(dirname(this.path(name)), { recursive: true });
    fs.writeFileSync(this.path(name), content, { mode });
    fs.chmodSync(this.path(name), mode);
  }

  get store(): OpenStore {
    return openStore(
      { clock: systemClock, random: systemRandom, hasher: nodeHasher, files: nodeStoreFiles },
      { FOREGONE_CACHE_DIR: join(this.folder, "store") },
      this.folder,
    );
  }

  parts(argv: readonly string[]): CommandParts {
    const clock = { ...systemClock, now: () => (systemClock.now() + this.laterMs) as EpochMs };
    const effects = {
      clock,
      random: systemRandom,
      hasher: nodeHasher,
      files: this.files,
      writer: nodeFileWriter,
      runner: nodeRunner,
    };
    const { store, folder } = this.store;
    const records: RecordSource = recordSource(
      store,
      (bytes) => {
        const decoded = decodeRecord(bytes, nodeDeflate);
        return decoded.kind === "record" ? decoded.record : { why: decoded.kind };
      },
      async (id) => {
        const [witness, record] = [readWitness(folder, id), await records.load(id)];
        if (witness === undefined || "why" in record) return undefined;
        const { observations } = record.trace;
        return (i) => ({ value: observations[i]?.value ?? "", holds: (stat) => witness.holds(i, stat) });
      },
    );
    return {
      argv,
      cwd: this.workspace,
      env: this.env,
      options: this.options,
      machine: { os: "linux", arch: "x64", kernel: "6", cores: 2, memoryGiB: 8, uid: 0 },
      store,
      records,
      envKey: folder.key,
      backend: "test",
      ephemeral: false,
      effects,
    };
  }

  decide(argv: readonly string[] = ["test"]): Promise<Decided> {
    return decideCommand(this.parts(argv));
  }

  /** Runs the script as the command and records it. */
  async run(script: RunScript, argv: readonly string[] = ["test"]): Promise<MadeRecord> {
    const parts = this.parts(argv);
    const decided = await decideCommand(parts);
    // A moment later than all that was written before: changes of the script itself are stamped after it.
    const startNs = BigInt(Date.now() + 25) * 1_000_000n;
    while (BigInt(Date.now()) * 1_000_000n < startNs);
    const { compared } = decided.verdict;
    const priorMade = compared?.made.present() ?? new Set<string>();
    const start =
      decided.workspace.gitDir === undefined
        ? startWithoutGit(startNs)
        : startState(this.workspace, this.env, nodeRunner, startNs);
    const log = new OutputLog();
    log.add("stdout", Buffer.from(script.stdout ?? ""));
    const output = log.done();
    script.act?.();
    const made = recordRun(
      parts,
      decided,
      this.#facts(script, { start, priorMade, output: sha256Of(nodeHasher, output) }),
    );
    await this.#save(parts, decided, made, output);
    return made;
  }

  #facts(script: RunScript, known: Pick<RunFacts, "start" | "priorMade" | "output">): RunFacts {
    const looks = script.looks.map(([kind, name], seq): Look => ({ kind, path: this.path(name), by: "test", seq }));
    const changes = (script.changes ?? []).map((change): [string, Change] => {
      const path = this.path(change.path);
      const rest = { readBefore: false, written: true, removed: false, placed: false, mode: false, linked: false };
      return [path, { ...rest, ...change, path }];
    });
    return {
      ...known,
      interpreted: {
        looks,
        changes: new Map(changes),
        gitCalls: [],
        connections: [],
        gaps: [],
        processes: [],
        ...script.more,
      },
      seal: undefined,
      durationMs: 1000,
      gaps: [],
      provenance: { tool: "test" },
      match: (path, globs) => globs.includes(path),
    };
  }

  async #save(parts: CommandParts, decided: Decided, made: MadeRecord, output: Uint8Array): Promise<void> {
    const { store } = parts;
    await store.blobs.put(output);
    for (const content of made.contents.values()) await store.blobs.put(content);
    const bytes = encodeRecord(made.record, nodeDeflate);
    if (bytes === undefined) throw new Error("not encodable");
    const record = await store.blobs.put(bytes);
    const entry = { ...fingerprintsOf(made.record, nodeHasher), record, recordedAt: made.record.provenance.recordedAt };
    await store.records.append(decided.planned.weak, entry);
    await store.records.append(decided.planned.label, entry);
  }

  /** What the world answers now, taking nothing as not yet made. */
  world(): ReturnType<ReturnType<typeof worldSource>["with"]>["world"] {
    const parts = this.parts(["test"]);
    return worldSource(parts, { roots: { workspace: this.workspace }, gitDir: undefined }).with([]).world;
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** "skip", or the first miss in one word each: "changed src/a.ts". */
export function verdictOf(decided: Decided): string {
  const { decision } = decided.verdict;
  if (decision.kind === "skip") return `skip ${decision.basis}`;
  const [miss] = decision.misses;
  switch (miss.kind) {
    case "changed":
    case "unanswered":
      return `${miss.kind} ${miss.question.kind} ${miss.question.key}`;
    case "gap":
      return `gap ${miss.gap.kind}`;
    default:
      return miss.kind;
  }
}
