// What the machines of a fleet tell each other about reads of an origin, beside the values. All of it hints: nothing is true because
// of it, and all of it may be lost.
import type { FetchLease } from "./fetch-lease.ts";

export interface Fleet extends FetchLease {
  /** Something below this changed: others look again sooner. A layer without messages has none to send. */
  changed?(what: { readonly host?: string; readonly owner?: string; readonly repo?: string }): void;
}
