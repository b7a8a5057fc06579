// How long-lived processes keep small. Node tunes V8 for speed on a machine of its own: on one with 24 GB the heap is let grow to
// several times what is alive before anybody looks. An agent lives beside the jobs that need the memory.
// Measured in docs/decisions/0095-small-heap.md.
import { setFlagsFromString } from "node:v8";

/** Node's own arguments for a process that stays; V8 reads this one only when it starts. 2 MiB a half instead of 16. */
export const SMALL_HEAP = ["--max-semi-space-size=2"] as const;

/**
 * From now on old space is collected when it has grown by a fifth since the last collection, not by a half to threefold.
 * Set here and not as an argument: a Node whose V8 no longer knows it then says so on stderr and goes on.
 */
export function growSlowly(): void {
  setFlagsFromString("--heap-growing-percent=20");
}
