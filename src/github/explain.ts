// Why the last answers were what they were, for `foregone api explain`. In memory and for the owner of the socket alone: what a
// miss says of other callers' reads must reach no client.
import { LRUCache } from "lru-cache";
import type { EpochMs } from "../ports.ts";
import { kindOf } from "./callers.ts";
import type { ApiAnswer, ApiRequest, CacheMode } from "./message.ts";

export interface Explained {
  readonly at: EpochMs;
  readonly method: string;
  /** Kind of credential: "ghs_", "anonymous", ... */
  readonly caller: string;
  readonly status: number;
  readonly mode: CacheMode;
  readonly why: string;
  /** What stood in the way of a cheaper answer. */
  readonly reasons: readonly string[];
}

/** 1,024 addresses x ~1 kB. */
const MAX_ADDRESSES = 1024;
const PER_ADDRESS = 5;

export class Explanations {
  readonly #kept = new LRUCache<string, readonly Explained[]>({ max: MAX_ADDRESSES });

  note(request: ApiRequest, { status, mode, why, reasons = [] }: ApiAnswer, at: EpochMs): void {
    // The address itself is a secret there.
    if (why === "credential-in-query") return;
    const { method, host, path, headers } = request;
    const key = `${host} ${path}`;
    const entry = { at, method, caller: kindOf(headers["authorization"] ?? ""), status, mode, why, reasons };
    this.#kept.set(key, [entry, ...(this.#kept.get(key) ?? []).slice(0, PER_ADDRESS - 1)]);
  }

  /** Newest first. */
  of(host: string, path: string): readonly Explained[] {
    return this.#kept.get(`${host} ${path}`) ?? [];
  }

  clear(): void {
    this.#kept.clear();
  }
}
