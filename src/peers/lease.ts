// One who fetches, for all who want the same: kept by the first owner of a key. Pure: time and tokens are arguments, and what is
// to be told to whom is the answer. A lease ends by its value, by release, by the holder's going, or by its time.

export interface Lease<P> {
  readonly token: string;
  readonly holder: P;
  readonly from: number;
  readonly until: number;
  readonly waiters: { readonly who: P; readonly request: number }[];
}

export type LeaseAnswer =
  | { readonly kind: "lease"; readonly token: string; readonly leftMs: number }
  | { readonly kind: "wait"; readonly ageMs: number; readonly leftMs: number }
  /** Too many wait, or too many leases are out: whoever asks goes on alone. */
  | { readonly kind: "none" };

/** A waiter that gets the lease, with the request it waited in. */
export interface Passed<P> {
  readonly who: P;
  readonly request: number;
  readonly token: string;
  readonly leftMs: number;
}

/**
 * The holder's going ends a lease at once, so only a holder that hangs is waited for so long: a second, and then twice what
 * the call takes, at most five.
 */
const MIN_LEASE_MS = 1000;
const MAX_LEASE_MS = 5000;
export const MAX_WAITERS = 256;
/** x ~300 B. */
const MAX_LEASES = 16_384;
/** Of one peer: a hoarder gets no more, and others are not held up by it. */
const MAX_PER_HOLDER = 1024;

export function leaseMs(originMs: number): number {
  return Math.min(MAX_LEASE_MS, Math.max(MIN_LEASE_MS, 2 * originMs));
}

export class Leases<P> {
  readonly #leases = new Map<string, Lease<P>>();
  readonly #perHolder = new Map<P, number>();
  readonly #newToken: () => string;

  constructor(newToken: () => string) {
    this.#newToken = newToken;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Somebody found nothing here. */
  ask(key: string, who: P, request: number, originMs: number, now: number): LeaseAnswer {
    const lease = this.#leases.get(key);
    if (lease !== undefined && now < lease.until) {
      if (lease.holder === who) return { kind: "lease", token: lease.token, leftMs: lease.until - now };
      if (lease.waiters.length >= MAX_WAITERS) return { kind: "none" };
      lease.waiters.push({ who, request });
      return { kind: "wait", ageMs: now - lease.from, leftMs: lease.until - now };
    }
    const waiters = lease?.waiters ?? [];
    if (lease !== undefined) this.#drop(key, lease);
    if (this.#leases.size >= MAX_LEASES || (this.#perHolder.get(who) ?? 0) >= MAX_PER_HOLDER) return { kind: "none" };
    const token = this.#grant(key, who, originMs, now, waiters);
    return { kind: "lease", token, leftMs: leaseMs(originMs) };
  }

  /** The value is there. @returns who waits for it */
  fulfilled(key: string): readonly { readonly who: P; readonly request: number }[] {
    const lease = this.#leases.get(key);
    if (lease === undefined) return [];
    this.#drop(key, lease);
    return lease.waiters;
  }

  /** The holder gives up. @param token undefined: whatever it holds of this key */
  released(key: string, who: P, token: string, now: number): Passed<P> | undefined {
    const lease = this.#leases.get(key);
    if (lease === undefined || lease.holder !== who || lease.token !== token) return undefined;
    return this.#pass(key, lease, now);
  }

  /** A peer is gone: its leases pass on, its waiting ends. */
  gone(who: P, now: number): readonly Passed<P>[] {
    const passed: Passed<P>[] = [];
    for (const [key, lease] of this.#leases) {
      removeWaiters(lease, who);
      if (lease.holder !== who) continue;
      const next = this.#pass(key, lease, now);
      if (next !== undefined) passed.push(next);
    }
    return passed;
  }

  /** Leases whose time is over pass on. Call now and then. */
  lapsed(now: number): readonly Passed<P>[] {
    const passed: Passed<P>[] = [];
    for (const [key, lease] of this.#leases) {
      if (now < lease.until) continue;
      const next = this.#pass(key, lease, now);
      if (next !== undefined) passed.push(next);
    }
    return passed;
  }

  /** Whoever no longer waits must not be given the lease. */
  gaveUp(key: string, who: P, request: number): void {
    const lease = this.#leases.get(key);
    const at = lease?.waiters.findIndex((waiter) => waiter.who === who && waiter.request === request) ?? -1;
    if (at >= 0) lease?.waiters.splice(at, 1);
  }

  #pass(key: string, lease: Lease<P>, now: number): Passed<P> | undefined {
    this.#drop(key, lease);
    const [next, ...rest] = lease.waiters;
    if (next === undefined) return undefined;
    const originMs = (lease.until - lease.from) / 2;
    const token = this.#grant(key, next.who, originMs, now, rest);
    return { ...next, token, leftMs: leaseMs(originMs) };
  }

  #grant(key: string, holder: P, originMs: number, now: number, waiters: Lease<P>["waiters"]): string {
    const token = this.#newToken();
    this.#leases.set(key, { token, holder, from: now, until: now + leaseMs(originMs), waiters });
    this.#perHolder.set(holder, (this.#perHolder.get(holder) ?? 0) + 1);
    return token;
  }

  #drop(key: string, lease: Lease<P>): void {
    this.#leases.delete(key);
    const left = (this.#perHolder.get(lease.holder) ?? 1) - 1;
    if (left > 0) this.#perHolder.set(lease.holder, left);
    else this.#perHolder.delete(lease.holder);
  }
}

function removeWaiters<P>(lease: Lease<P>, who: P): void {
  for (let i = lease.waiters.length - 1; i >= 0; i--) if (lease.waiters[i]?.who === who) lease.waiters.splice(i, 1);
}
