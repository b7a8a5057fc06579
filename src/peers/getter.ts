// Asking the owners of a key, within a budget: owner 1, after a moment owner 2, and then whoever asked goes on without. A value
// that comes too late is verified and kept for the next time.
import { LRUCache } from "lru-cache";
import { Asking, type GetOutcome } from "./asking.ts";
import { Hedges, OriginLatency } from "./budget.ts";
import { hexKey } from "./bytes.ts";
import { keyHash, type Kind } from "./claim.ts";
import type { Mesh } from "./mesh.ts";
import type { Asker, GetAnswer, GetRequest } from "./owner.ts";
import type { MeshScope } from "./scope.ts";
import type { Fetched } from "./verify.ts";
import type { SealedValue } from "./wire.ts";

const MAX_LATE_BYTES = 8 * 1024 * 1024;
/** An accepted record names the blob, and without it a command runs again: to the first piece of it more time is well spent. */
const BLOB_BUDGET_MS = 250;
/** A run takes seconds at least; the largest budget of an API read. */
const RECORD_BUDGET_MS = 50;

export class Getter {
  readonly mesh: Mesh;
  readonly origin = new OriginLatency();
  readonly hedges = new Hedges();
  /** `cache_protocol.lease.wait: never`: the budget is absolute, and herds fetch for themselves. */
  readonly waits: boolean;
  readonly counts = { asked: 0, hits: 0, leases: 0, waits: 0, hedgesWon: 0, budgetsSpent: 0 };
  readonly #late = new LRUCache<string, readonly Fetched[]>({
    maxSize: MAX_LATE_BYTES,
    sizeCalculation: (values) => values.reduce((sum, { plain }) => sum + plain.length + 1000, 0),
  });
  readonly #own = new Map<number, (answer: GetAnswer) => void>();
  readonly #self: Asker;
  readonly #budgetMs: number | null;
  #nextOwn = 1;

  /** @param budgetMs of API reads; null: by the origin's latency */
  constructor(mesh: Mesh, waits: boolean, budgetMs: number | null) {
    this.mesh = mesh;
    this.waits = waits;
    this.#budgetMs = budgetMs;
    this.#self = {
      id: mesh.id,
      value: (request, values) => this.#answerOwn(request, { kind: "values", values }),
      granted: (request, lease) => this.#answerOwn(request, { kind: "miss", lease, holders: [] }),
    };
  }

  /**
   * Never fails and never takes longer than the budget, but for one wait for a peer that is fetching the same.
   * @param name a Digest: of an Action, or of a blob
   * @param wantsLease whoever finds nothing fetches it from the origin, and calls `done` of the outcome afterwards
   */
  async get(
    kind: Kind,
    name: string,
    scopes: readonly MeshScope[],
    wantsLease: boolean,
    secondFirst = false,
  ): Promise<GetOutcome> {
    const request: GetRequest = {
      kind,
      keyHash: keyHash(kind, name),
      scopes,
      wantsLease,
      // Who may lose more time to peers may also hold a lease for longer.
      originMs: Math.max(this.origin.ms, (this.#budgetMs ?? 0) / 2),
    };
    this.counts.asked++;
    this.hedges.noteGet();
    const key = hexKey(request.keyHash);
    // Of a list that one owner sent, the other may have more.
    const late = kind === "record" ? undefined : this.#late.get(key);
    this.#late.delete(key);
    const outcome =
      late === undefined
        ? await new Asking(this, request, secondFirst, (values) => this.#late.set(key, values)).outcome
        : { values: late, done: () => undefined };
    if (outcome.values.length > 0) this.counts.hits++;
    return outcome;
  }

  /** What a miss at all owners adds, at most. */
  budgetMs(kind: Kind): number {
    if (kind === "api") return this.#budgetMs ?? this.origin.budgetMs;
    return kind === "blob" ? BLOB_BUDGET_MS : RECORD_BUDGET_MS;
  }

  /** As any other peer would be asked. @returns how to stop waiting */
  askSelf(request: GetRequest, onAnswer: (answer: GetAnswer) => void): () => void {
    const id = this.#nextOwn++;
    const answer = this.mesh.owner.get(request, this.#self, id);
    if (answer.kind === "wait") this.#own.set(id, onAnswer);
    onAnswer(answer);
    return () => {
      if (this.#own.delete(id)) this.mesh.owner.gaveUp(request.keyHash, this.#self, id);
    };
  }

  releaseSelf(key: Uint8Array, token: string): void {
    this.mesh.owner.release(key, this.#self, token);
  }

  #answerOwn(request: number, answer: { kind: "values"; values: readonly SealedValue[] } | GetAnswer): void {
    const onAnswer = this.#own.get(request);
    this.#own.delete(request);
    onAnswer?.(answer);
  }
}
