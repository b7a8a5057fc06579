// What the machines of a fleet tell each other about reads of an origin, beside the values: one fetches while others wait, and who
// changes something says so. All of it hints: nothing is true because of it, and all of it may be lost.
import type { Digest } from "../core/digest.ts";

export interface Fleet {
  /** Whoever looked this up in vain has fetched it, and stored it if it is to be kept; or failed. */
  done(weak: Digest): void;
  /** What fetching took, in milliseconds: the measure of what asking others may cost. */
  took(ms: number): void;
  /** Something below this changed: others look again sooner. */
  changed(what: { readonly host?: string; readonly owner?: string; readonly repo?: string }): void;
}
