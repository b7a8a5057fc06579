// What the cache did, counted. Plain numbers: the agent's metrics, `api stats` and the closing line of `api exec` read them.
import type { ApiAnswer, CacheMode } from "./message.ts";
import type { Route } from "./route.ts";

export interface ApiStats {
  /** Requests that a client sent. */
  readonly requests: number;
  /** Reads among them: what could be served from the cache at all. */
  readonly reads: number;
  /** Reads that GitHub answered in full: each costs quota. */
  readonly paid: number;
  /** Reads that GitHub certified with a 304: free. */
  readonly certified: number;
  /** Reads on lease, without a call. */
  readonly fresh: number;
  /** Reads that shared another client's call. */
  readonly coalesced: number;
  /** Reads answered with older bytes because GitHub did not answer. */
  readonly stale: number;
  readonly writes: number;
  readonly bypassed: number;
  readonly failed: number;
  readonly byOperation: Readonly<Record<string, { readonly paid: number; readonly saved: number }>>;
}

export class Counters {
  readonly #modes = new Map<CacheMode, number>();
  readonly #operations = new Map<string, { paid: number; saved: number }>();
  #writes = 0;
  #failed = 0;

  answer(answer: ApiAnswer, kind: "read" | "write" | "other", route: Route): void {
    this.#modes.set(answer.mode, (this.#modes.get(answer.mode) ?? 0) + 1);
    if (kind === "write") this.#writes++;
    if (kind !== "read") return;
    const name = route.operation ?? route.lease;
    let operation = this.#operations.get(name);
    if (operation === undefined) this.#operations.set(name, (operation = { paid: 0, saved: 0 }));
    if (isPaid(answer.mode)) operation.paid++;
    else if (answer.mode !== "SKIP") operation.saved++;
  }

  failure(): void {
    this.#failed++;
  }

  snapshot(): ApiStats {
    const of = (mode: CacheMode): number => this.#modes.get(mode) ?? 0;
    const paid = of("MISS") + of("CHANGED") + of("NO-STORE");
    const [certified, fresh, coalesced, stale] = [of("REVALIDATED"), of("FRESH"), of("COALESCED"), of("STALE")];
    const reads = paid + certified + fresh + coalesced + stale;
    return {
      requests: reads + of("SKIP") + this.#failed,
      reads,
      paid,
      certified,
      fresh,
      coalesced,
      stale,
      writes: this.#writes,
      bypassed: of("SKIP") - this.#writes,
      failed: this.#failed,
      byOperation: Object.fromEntries(this.#operations),
    };
  }
}

function isPaid(mode: CacheMode): boolean {
  return mode === "MISS" || mode === "CHANGED" || mode === "NO-STORE";
}
