// The layers that a job has beyond its machine: which there are, and why the others are off.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ArtifactOrigin, ArtifactLayer } from "../store/actions/artifact-layer.ts";
import { CacheBucket } from "../store/actions/cache-bucket.ts";
import { type HttpParts, type Patience, Waiting } from "../store/actions/http.ts";
import type { RestParts } from "../store/actions/rest.ts";
import { MAX_UPLOAD_BYTES, readableScopes, type ServiceParts } from "../store/actions/results-service.ts";
import { Producers } from "../github/producers.ts";
import { gitEnvironment, HARMLESS } from "../memo/git-facts.ts";
import type { Bounds } from "../store/bounded.ts";
import { bucketStore } from "../store/bucket.ts";
import { GitRefLayer } from "../store/git-refs.ts";
import { gitProcess } from "../node/git-process.ts";
import type { Store } from "../store/store.ts";
import { proxiedFetch } from "./proxied-fetch.ts";
import type { RemoteLayer, RemoteParts } from "./remote-records.ts";
import type { RunContext } from "./run-context.ts";

/** One failure and the layer is off: there is no time for a second. Time itself is bounded within the layers. */
export const READING: Bounds = { deadlineMs: 4_000, maxBytes: MAX_UPLOAD_BYTES, maxFailures: 1 };

export interface Layers {
  readonly cache:
    | { readonly bucket: CacheBucket; readonly store: Store; readonly readable: readonly string[] }
    | undefined;
  readonly artifacts: ArtifactLayer | undefined;
  readonly gitRefs: Store | undefined;
  /** undefined: without a token nobody can be asked. */
  readonly producers: Producers | undefined;
  /** By cost. */
  readonly stores: readonly Store[];
  /** Why a layer that was asked for is not there. */
  readonly off: ReadonlyMap<RemoteLayer, string>;
}

export function openLayers(parts: RemoteParts, patience: Patience): Layers {
  const { context } = parts;
  const off = new Map<RemoteLayer, string>();
  const wanted = (layer: RemoteLayer): boolean => parts.layers.includes(layer);
  const { service } = context;
  const { clock } = parts.effects;
  const fetch = proxiedFetch(parts.effects.fetch, process.env);
  // One for all: a job waits 2 s in all, not 2 s for each that is dead.
  const waiting = new Waiting(clock, patience);
  const http = (layer: string): HttpParts => ({ layer, fetch, clock, waiting });
  const rest = (layer: string): RestParts => ({ ...http(layer), ...context });
  const producers =
    context.token === ""
      ? undefined
      : new Producers({
          rest: rest("github"),
          ...context,
          mergedTree: (commit, head) => mergedTree(parts, commit, head),
        });
  const missing = "this runner has no cache and artifact services (GHES, or not a JavaScript action)";

  let cache: Layers["cache"];
  if (wanted("actions-cache")) {
    if (service === undefined) off.set("actions-cache", missing);
    else if (context.cacheMode === "none") off.set("actions-cache", "ACTIONS_CACHE_MODE is none");
    else cache = openCache(parts, { ...http("actions-cache"), ...service });
  }
  let artifacts: ArtifactLayer | undefined;
  if (wanted("artifacts")) {
    if (service === undefined) off.set("artifacts", missing);
    else if (producers === undefined) off.set("artifacts", "no token");
    else
      artifacts = new ArtifactLayer({
        rest: rest("artifacts"),
        service: { ...http("artifacts"), ...service },
        expiresAt: () => new Date(parts.effects.clock.now() + keepDays(context) * DAY_MS).toISOString(),
        choose: (found) => choose(found, parts, producers),
        hasher: parts.effects.hasher,
        deflate: parts.effects.deflate,
      });
  }
  let gitRefs: Store | undefined;
  if (wanted("git-ref")) {
    gitRefs = parts.level === "scope" ? openGitRefs(parts, patience) : undefined;
    if (parts.level !== "scope") off.set("git-ref", "whoever may push can write there: it needs trust: scope");
    else if (gitRefs === undefined) off.set("git-ref", "no git checkout");
  }
  const stores = [cache?.store, artifacts, gitRefs].filter((store) => store !== undefined);
  return { cache, artifacts, gitRefs, producers, stores, off };
}

/** Objects go to a folder of this process: the user's repository stays as it is. */
function openGitRefs({ workspace, effects }: RemoteParts, patience: Patience): Store | undefined {
  const env = gitEnvironment(publicEnvironment());
  const argv = ["git", ...HARMLESS, "rev-parse", "--path-format=absolute", "--git-path", "objects"];
  const { status, stdout } = effects.runner.run(argv, { cwd: workspace, env });
  if (status !== 0) return undefined;
  const scratch = mkdtempSync(join(env["RUNNER_TEMP"] ?? tmpdir(), "foregone-git-"));
  process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
  const objects = {
    GIT_OBJECT_DIRECTORY: scratch,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: Buffer.from(stdout).toString().trimEnd(),
  };
  const git = gitProcess(workspace, { ...env, ...objects }, HARMLESS);
  const { hasher, deflate } = effects;
  return new GitRefLayer({ git, remote: "origin", timeoutMs: patience.totalMs, hasher, deflate });
}

/** What only our own step gets is no business of a credential helper. */
function publicEnvironment(): Record<string, string> {
  const all = Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return Object.fromEntries(all.filter(([name]) => !/^(?:INPUT_|STATE_|ACTIONS_)/.test(name)));
}

function openCache(parts: RemoteParts, service: ServiceParts): NonNullable<Layers["cache"]> {
  const { context, effects } = parts;
  const run = { id: context.runId, attempt: context.runAttempt };
  const bucket = new CacheBucket({ ...service, run, random: effects.random, deflate: effects.deflate });
  return { bucket, store: bucketStore(bucket, effects.hasher), readable: readableScopes(service.token) };
}

const DAY_MS = 86_400_000;
const MAX_CHOSEN = 3;

/**
 * Of a busy repository most artifacts of this name prove nothing here, and each costs a call: first runs on the commit that is
 * judged or that landed as it; then, as they may hold and explain if they do not, the newest of the default branch (which finds its
 * own in the Actions cache) and of the own branch.
 */
export async function choose(
  found: readonly ArtifactOrigin[],
  { context, layers }: Pick<RemoteParts, "context" | "layers">,
  producers: Pick<Producers, "landed">,
): Promise<readonly ArtifactOrigin[]> {
  const { defaultBranch, repositoryId, headRepositoryId } = context;
  const onDefault = context.ref === `refs/heads/${defaultBranch}`;
  const newestFirst = found.toSorted((a, b) => Number(b.artifactId) - Number(a.artifactId));
  const eligible = newestFirst.filter((origin) =>
    [repositoryId, headRepositoryId].includes(origin.headRepositoryId ?? ""),
  );
  if (eligible.length === 0) return [];
  // The question costs a call: not if a run on this very commit is there.
  const here = eligible.filter(({ headSha }) => headSha === context.head);
  const landed = onDefault && here.length === 0 ? await producers.landed(context.commit) : [];
  const judged = [...here, ...eligible.filter(({ headSha }) => landed.includes(headSha))];
  const isProtected = (origin: ArtifactOrigin): boolean =>
    origin.headRepositoryId === repositoryId &&
    (origin.headBranch === defaultBranch || origin.headBranch.startsWith(`gh-readonly-queue/${defaultBranch}/`));
  const isOwn = ({ headBranch, headRepositoryId: id }: ArtifactOrigin): boolean =>
    headBranch === context.headBranch && id === headRepositoryId;
  const others = onDefault
    ? [layers.includes("actions-cache") ? undefined : eligible.find(isProtected)]
    : [eligible.find(isProtected), eligible.find(isOwn)];
  const all = [...judged.slice(0, MAX_CHOSEN - 1), ...others.filter((origin) => origin !== undefined)];
  return [...new Set(all)].slice(0, MAX_CHOSEN);
}

/** A record serves for a week; a day more, and no longer than the repository keeps anything. */
function keepDays({ retentionDays }: RunContext): number {
  return Math.min(8, retentionDays ?? 8);
}

/** The tree GitHub would have tested: `head` merged into what `commit` landed on. A shallow checkout lacks both. */
function mergedTree({ workspace, effects }: RemoteParts, commit: string, head: string): string | undefined {
  if (![commit, head].every((sha) => /^[0-9a-f]{40,64}$/.test(sha))) return undefined;
  const { status, stdout } = effects.runner.run(
    ["git", ...HARMLESS, "merge-tree", "--write-tree", `${commit}^1`, head],
    { cwd: workspace, env: gitEnvironment(publicEnvironment()) },
  );
  const tree = Buffer.from(stdout).toString().split("\n")[0] ?? "";
  return status === 0 && /^[0-9a-f]{40,64}$/.test(tree) ? tree : undefined;
}
