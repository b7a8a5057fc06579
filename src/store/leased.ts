// One call for a fleet: of many who miss the same at the same time, one is told to fetch it, and the others wait for what it stores.
// Only for what each could fetch itself (API reads): a wait ends with the lease, and then whoever waited goes on alone.
import type { Clock } from "../ports.ts";
import type { FetchLease } from "./fetch-lease.ts";
import { type Store, StoreError } from "./store.ts";

/** Who fetches: kept where all members can see it. Whatever fails in here throws a StoreError, and the asker goes on alone. */
export interface Leases {
  /** @returns a token if nobody holds it; undefined: somebody does */
  take(name: string, ms: number): Promise<string | undefined>;
  isHeld(name: string): Promise<boolean>;
  /** Of nobody else's: a lease that has lapsed and was taken by another stays. */
  release(name: string, token: string): Promise<void>;
}

/** A call to GitHub takes 50 to 500 ms; a holder that died is waited for so long, and then the next one fetches. */
const MIN_LEASE_MS = 1000;
const MAX_LEASE_MS = 2000;
/** Of one reader in all: one death on the way, and a call. */
const MAX_WAIT_MS = 3000;
const FIRST_POLL_MS = 10;
const MAX_POLL_MS = 50;
/** Of the newest measurement. */
const WEIGHT = 0.2;
/** Tokens of calls under way. */
const MAX_UNDER_WAY = 4096;

/**
 * @param store its look-ups must have their own deadline: the waiting is done here
 * @param sleep resolves after so many milliseconds
 */
export function leased(
  store: Store,
  leases: Leases,
  clock: Clock,
  sleep: (ms: number) => Promise<void>,
): Store & FetchLease {
  let originMs = 500;
  const tokens = new Map<string, string>();
  const asking = new Map<string, ReturnType<Store["records"]["lookup"]>>();

  const takeOver = async (weak: string): Promise<boolean> => {
    const ms = Math.min(MAX_LEASE_MS, Math.max(MIN_LEASE_MS, 2 * originMs));
    const token = await leases.take(weak, Math.round(ms));
    if (token === undefined) return false;
    tokens.set(weak, token);
    const [oldest] = tokens.keys();
    if (tokens.size > MAX_UNDER_WAY && oldest !== undefined) tokens.delete(oldest);
    return true;
  };

  const lookup: Store["records"]["lookup"] = async (weak) => {
    const found = await store.records.lookup(weak);
    if (found.length > 0) return found;
    try {
      const from = clock.monotonicMs();
      for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(MAX_POLL_MS, 2 * pollMs)) {
        if (await takeOver(weak)) return await storedMeanwhile(weak);
        // Its holder is at it; when it lets go, either the value is there or the next one tries.
        while (await leases.isHeld(weak)) {
          if (clock.monotonicMs() - from > MAX_WAIT_MS) return found;
          await sleep(pollMs);
          pollMs = Math.min(MAX_POLL_MS, 2 * pollMs);
        }
        const stored = await store.records.lookup(weak);
        if (stored.length > 0 || clock.monotonicMs() - from > MAX_WAIT_MS) return stored;
      }
    } catch (error) {
      if (error instanceof StoreError) return found;
      throw error;
    }
  };

  /** Between our look and our lease somebody may have stored it and let go. */
  const storedMeanwhile = async (weak: Parameters<typeof lookup>[0]): ReturnType<typeof lookup> => {
    const stored = await store.records.lookup(weak);
    if (stored.length > 0) done(weak);
    return stored;
  };

  const done = (weak: string): void => {
    const token = tokens.get(weak);
    if (token === undefined) return;
    tokens.delete(weak);
    // Not released, it lapses.
    void leases.release(weak, token).catch(() => undefined);
  };

  return {
    ...store,
    records: {
      ...store.records,
      /** Many callers of one process are one to the others. */
      lookup(weak) {
        const before = asking.get(weak);
        if (before !== undefined) return before;
        const now = lookup(weak).finally(() => asking.delete(weak));
        asking.set(weak, now);
        return now;
      },
    },
    done,
    took(ms) {
      originMs += WEIGHT * (ms - originMs);
    },
  };
}
