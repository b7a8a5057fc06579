// One who fetches for a whole fleet: a layer that misses may hold back the others meanwhile, and has to hear when that is over.
import type { Digest } from "../core/digest.ts";

export interface FetchLease {
  /** Whoever looked this up in vain has fetched it, and stored it if it is to be kept; or failed. Costs nothing if nobody waits. */
  done(weak: Digest): void;
  /** What fetching took, in milliseconds: the measure of what asking others may cost. */
  took(ms: number): void;
}
