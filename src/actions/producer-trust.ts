// The hook of the lookup: finds out where a record came from, and asks who made it. Says why not; never throws.
import type { Asker, Belief, Claims, Producer } from "../core/trust.ts";
import { judgeScope } from "../core/trust-scope.ts";
import { type Digest, hexOf } from "../core/digest.ts";
import type { ActionRecord } from "../core/record.ts";
import type { RecordClaim } from "../memo/lookup.ts";
import type { Store } from "../store/store.ts";
import type { Layers } from "./remote-layers.ts";
import type { Proof, RemoteParts } from "./remote-records.ts";

type Settled = Exclude<Belief, { kind: "ask" }>;

export class ProducerTrust {
  readonly #parts: RemoteParts;
  readonly #layers: Layers;
  /** Records by the layer that brought them: the same entry may come from several, and the lookup keeps one. */
  readonly #seen = new Map<string, Set<Digest>>();
  readonly #proofs = new Map<Digest, Proof>();

  constructor(parts: RemoteParts, layers: Layers) {
    this.#parts = parts;
    this.#layers = layers;
  }

  /** Remembers which records the layer has. */
  noting(store: Store): Store {
    const seen = this.#seen.get(store.name) ?? new Set<Digest>();
    this.#seen.set(store.name, seen);
    return {
      ...store,
      blobs: store.blobs,
      records: {
        append: (weak, entry) => store.records.append(weak, entry),
        async lookup(weak) {
          const entries = await store.records.lookup(weak);
          for (const { record } of entries) seen.add(record);
          return entries;
        },
      },
    };
  }

  provedBy(record: Digest): Proof | undefined {
    return this.#proofs.get(record);
  }

  async distrust(record: ActionRecord, claim: RecordClaim): Promise<string | undefined> {
    try {
      return await this.#judge(record, claim);
    } catch (error) {
      return `nobody could say who made it: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  async #judge(record: ActionRecord, claim: RecordClaim): Promise<string | undefined> {
    const { context, level } = this.#parts;
    const { id, entry } = claim;
    if (entry.via === undefined && (context.disk === "own" || level === "scope")) {
      this.#proofs.set(id, { text: `${madeBy(record)} [own store]`, url: this.#url(record.provenance.runId) });
      return undefined;
    }
    if (level === "scope" && this.#seen.get("git-ref")?.has(id) === true)
      return this.#believed(id, record, { kind: "believed", class: "scope" });
    const asker = this.#asker(record, claim);
    const claims = claimsOf(record);
    const cheap = this.#cacheBelief(asker, claims, id, record.weak);
    if (cheap?.kind === "believed") return this.#believed(id, record, cheap);
    let why: string | undefined;
    for (const { runId } of this.#layers.artifacts?.origins(id) ?? []) {
      const belief = await this.#layers.producers?.judgeRun(asker, claims, runId);
      if (belief?.kind === "believed")
        return this.#believed(id, record, belief, await this.#layers.producers?.producer(runId));
      why = belief?.why ?? why;
    }
    if (cheap?.kind === "ask") {
      const { producers } = this.#layers;
      const belief = await producers?.judgeCache(asker, claims, this.#cacheOrigin(record.weak));
      if (belief?.kind === "believed") return this.#believed(id, record, belief);
      why ??= belief?.why ?? "no token to ask GitHub whose cache entry it is";
    }
    return why ?? cheapWhy(cheap) ?? unvouched(entry.via);
  }

  /** Without a question to anybody. */
  #cacheBelief(asker: Asker, claims: Claims, id: Digest, weak: Digest): Belief | undefined {
    if (this.#seen.get("actions-cache")?.has(id) !== true) return undefined;
    return judgeScope(asker, claims, this.#cacheOrigin(weak), () => undefined);
  }

  #cacheOrigin(weak: Digest): { readonly key: string; readonly readable: readonly string[] } {
    const { cache } = this.#layers;
    return { key: cache?.bucket.foundAs(`records/${hexOf(weak)}`) ?? "", readable: cache?.readable ?? [] };
  }

  #asker(record: ActionRecord, claim: RecordClaim): Asker {
    const { context, level, tool, mode } = this.#parts;
    const { repositoryId, defaultBranch, ref, head, headBranch, workflowPath } = context;
    return {
      level,
      mode,
      tool,
      repositoryId,
      defaultBranch,
      ref,
      head,
      headBranch,
      workflowPath,
      headRepositoryId: context.headRepositoryId ?? "",
      // Asking git whether the working tree is clean takes a moment: only where a rule wants to know.
      get tree() {
        return claim.exactTree() ? record.provenance.tree : undefined;
      },
    };
  }

  #believed(id: Digest, record: ActionRecord, belief: Settled & { kind: "believed" }, producer?: Producer): undefined {
    const made = producer === undefined ? madeBy(record) : statedBy(producer);
    this.#proofs.set(id, {
      text: `${made} [${belief.class}]`,
      url: this.#url(producer?.runId ?? record.provenance.runId),
    });
  }

  #url(runId: string | undefined): string | undefined {
    const { serverUrl, repository } = this.#parts.context;
    return runId !== undefined && /^\d+$/.test(runId) ? `${serverUrl}/${repository}/actions/runs/${runId}` : undefined;
  }
}

function claimsOf({ provenance }: ActionRecord): Claims {
  const { runId, runAttempt, checkRun, tree, tool } = provenance;
  return { runId, runAttempt, checkRun, tree, tool };
}

function madeBy({ provenance }: ActionRecord): string {
  const { runId, runAttempt, event, ref, commit } = provenance;
  if (runId === undefined || runId === "") return "this store";
  return `run ${runId} attempt ${runAttempt ?? "?"}, ${event ?? "?"} to ${branchText(ref ?? "?")} at ${(commit ?? "?").slice(0, 8)}`;
}

function statedBy({ runId, event, headBranch, headSha }: Producer): string {
  return `run ${runId} attempt 1, ${event} to ${headBranch} at ${headSha.slice(0, 8)}`;
}

function branchText(ref: string): string {
  return ref.replace(/^refs\/heads\//, "");
}

function cheapWhy(belief: Belief | undefined): string | undefined {
  return belief?.kind === "refused" ? belief.why : undefined;
}

function unvouched(via: string | undefined): string {
  return via === undefined
    ? "it lies on this runner's disk, where every earlier job could write"
    : `it comes from ${via}, and nobody vouches for its maker`;
}
