// One job against the double, as the root action runs it: decides with the real lookup over its disk and the remote layers, records
// and publishes. Its world is one file whose content is the name of a tree.
import { canonicalJson } from "../../core/canonical.ts";
import type { Digest } from "../../core/digest.ts";
import { decodeRecord, encodeRecord } from "../../core/record-codec.ts";
import type { ActionRecord, Provenance } from "../../core/record.ts";
import type { TrustLevel } from "../../core/trust.ts";
import {
  openRemoteRecords,
  type RemoteParts,
  REMOTE_LAYERS,
  type RemoteRecords,
} from "../../actions/remote-records.ts";
import { type RunContext, runContextOf } from "../../actions/run-context.ts";
import { lookup, type Verdict } from "../../memo/lookup.ts";
import { Made } from "../../memo/made.ts";
import { recordSource } from "../../memo/memo.ts";
import { SKIP_DEFAULTS } from "../../memo/options.ts";
import { fingerprintsOf } from "../../memo/fingerprints.ts";
import { nodeFetch } from "../../node/fetch.ts";
import { nodeFiles, nodeHasher, nodeRunner, systemClock, systemRandom } from "../../node/ports.ts";
import { nodeDeflate } from "../../node/store-files.ts";
import type { StoreEvent } from "../../store/events.ts";
import { memoryStore } from "../../store/memory.ts";
import type { Published } from "../../actions/remote-records.ts";
import { sampleRecord } from "../sample-record.ts";
import { type ActionsDouble, type NewRun, REST_TOKEN } from "./double.ts";
import type { RunState } from "./rest.ts";
import type { CacheScope } from "./token.ts";

export interface JobOptions extends NewRun {
  /** The tree that is checked out. */
  readonly tree: string;
  /** Default "refs/heads/BRANCH", of a pull request its merge ref. */
  readonly ref?: string;
  /** Of a pull request: the merge commit that is checked out. */
  readonly commit?: string;
  readonly pull?: number;
  readonly level?: TrustLevel;
  readonly mode?: "step" | "job";
  readonly token?: string;
  readonly scopes?: readonly (string | CacheScope)[];
  readonly env?: Readonly<Record<string, string>>;
  readonly patience?: RemoteParts["patience"];
  readonly layers?: RemoteParts["layers"];
  readonly workspace?: string;
}

const TOOL = "foregone 0.1.0";
export const WEAK = `sha256:${nodeHasher.sha256("npm test")}` as Digest;

export class RemoteJob {
  readonly run: RunState;
  readonly context: RunContext;
  readonly disk = memoryStore(nodeHasher, 64 << 20);
  readonly events: StoreEvent[] = [];
  readonly remote: RemoteRecords;
  readonly #options: JobOptions;

  constructor(double: ActionsDouble, options: JobOptions) {
    this.#options = options;
    const event = options.event ?? (options.pull === undefined ? "push" : "pull_request");
    this.run = double.run({ ...options, event });
    this.context = contextOf(double, this.run, options);
    this.remote = openRemoteRecords({
      context: this.context,
      level: options.level ?? "repository",
      layers: options.layers ?? REMOTE_LAYERS,
      mode: options.mode ?? "step",
      tool: TOOL,
      workspace: options.workspace ?? "/",
      patience: options.patience ?? { deciding: PATIENT, publishing: PATIENT },
      effects: {
        fetch: nodeFetch,
        clock: systemClock,
        random: systemRandom,
        hasher: nodeHasher,
        deflate: nodeDeflate,
        runner: nodeRunner,
        onEvent: (told) => this.events.push(told),
      },
    });
  }

  async decide(): Promise<Verdict> {
    const { tree } = this.#options;
    const store = this.remote.over(this.disk);
    const source = recordSource(store, decode, async () => undefined);
    const world = { ask: () => tree };
    const made = new Made([], { workspace: "/" }, nodeFiles, nodeHasher);
    return lookup({
      weak: WEAK,
      options: { ...SKIP_DEFAULTS, audit: 0 },
      records: { ...source, distrust: this.remote.distrust, further: this.remote.further },
      worlds: { with: () => ({ world, made }), cleanTree: () => tree, isTracked: () => true, ephemeral: true },
      clock: systemClock,
      random: systemRandom,
      hasher: nodeHasher,
    });
  }

  /** Why it runs; undefined: it is skipped. */
  async reason(): Promise<string | undefined> {
    const { decision } = await this.decide();
    if (decision.kind === "skip") return undefined;
    const [miss] = decision.misses;
    return miss.kind === "untrusted" ? `untrusted: ${miss.why}` : miss.kind;
  }

  /** Records that the command passed on this tree, and publishes that. */
  async record(claims: Partial<Provenance> = {}, more: { readonly saw?: string; readonly outputBytes?: number } = {}) {
    const { tree } = this.#options;
    const output = Buffer.alloc(more.outputBytes ?? 100, systemRandom.bytes(64));
    const record: ActionRecord = {
      ...sampleRecord,
      weak: WEAK,
      trace: { observations: [{ kind: "file", key: "src/a.ts", value: more.saw ?? tree, by: "node" }], gaps: [] },
      result: { exitCode: 0, output: await this.disk.blobs.put(output), outputs: [], durationMs: 1000 },
      provenance: {
        recordedAt: systemClock.now(),
        tool: TOOL,
        seal: { backend: "ebpf" },
        repository: this.context.repository,
        runId: this.context.runId,
        runAttempt: this.context.runAttempt,
        checkRun: String(this.run.jobs[1]?.[0]?.id),
        event: this.context.event,
        ref: this.context.ref,
        commit: this.context.commit,
        tree,
        ...claims,
      },
      optOuts: [],
    };
    const bytes = encodeRecord(record, nodeDeflate) ?? Buffer.alloc(0);
    const id = await this.disk.blobs.put(bytes);
    const { recordedAt } = record.provenance;
    await this.disk.records.append(WEAK, { ...fingerprintsOf(record, nodeHasher), record: id, recordedAt });
    const published = await this.remote.publish(this.disk, [{ weak: WEAK, record: id }]);
    return { id, record, published, output };
  }

  /** The job's machine is thrown away: only what was published is left. */
  static async recorded(double: ActionsDouble, options: JobOptions, claims: Partial<Provenance> = {}) {
    const job = new RemoteJob(double, options);
    const made = await job.record(claims);
    return { job, ...made };
  }
}

export function failures(published: readonly Published[]): string[] {
  return published.flatMap(({ layer, why }) => (why === undefined ? [] : [`${layer}: ${why}`]));
}

const PATIENT = { answerMs: 20_000, totalMs: 60_000 };

function contextOf(double: ActionsDouble, run: RunState, options: JobOptions): RunContext {
  const { pull } = options;
  const ref = options.ref ?? (pull === undefined ? `refs/heads/${run.headBranch}` : `refs/pull/${pull}/merge`);
  const { defaultBranch } = double.repository;
  const scopes = options.scopes ?? [...new Set([ref, `refs/heads/${defaultBranch}`])];
  const head = { sha: run.headSha, ref: run.headBranch, repo: run.headRepositoryId && { id: run.headRepositoryId } };
  const payload = {
    repository: { id: double.repository.id, default_branch: defaultBranch },
    ...(pull !== undefined && { pull_request: { number: pull, head, base: { ref: defaultBranch } } }),
  };
  const env = {
    ...double.env(run, scopes),
    GITHUB_EVENT_NAME: run.event,
    GITHUB_SHA: options.commit ?? run.headSha,
    GITHUB_REF: ref,
    GITHUB_REPOSITORY: double.repository.fullName,
    GITHUB_REPOSITORY_ID: String(double.repository.id),
    GITHUB_WORKFLOW_REF: `${double.repository.fullName}/${run.path}@${ref}`,
    GITHUB_RUN_ID: String(run.id),
    GITHUB_RUN_ATTEMPT: String(run.runAttempt),
    GITHUB_API_URL: double.apiUrl,
    GITHUB_SERVER_URL: "https://github.com",
    RUNNER_ENVIRONMENT: "github-hosted",
    ...options.env,
  };
  const context = runContextOf(env, payload, { token: options.token ?? REST_TOKEN });
  if ("why" in context) throw new Error(canonicalJson({ why: context.why }));
  return context;
}

function decode(bytes: Uint8Array): ActionRecord | { readonly why: string } {
  const decoded = decodeRecord(bytes, nodeDeflate);
  return decoded.kind === "record" ? decoded.record : { why: decoded.kind };
}
