// The only freshness there is: this caller got this very answer, less than T ago, and nothing we know of has changed
// since. How long T is, and whether a lease that was granted still holds. Pure.
import type { RequestHeaders } from "./message.ts";
import type { LeaseClass, Operation, Route } from "./route.ts";

export interface LeaseOptions {
  /** `strict`: every read is certified by GitHub; no leases. */
  readonly freshness: "lease" | "strict";
  /** Seconds, by class. */
  readonly lease: Readonly<Record<Exclude<LeaseClass, "never">, number>>;
  /** Seconds: upper bounds by operation (`operation_ttls`). */
  readonly operationTtls: Readonly<Record<Operation, number>>;
  /** Seconds: upper bound for operations that the table does not name (`cache.default_ttl`). */
  readonly defaultTtl: number;
  /** Milliseconds without a lease after a write: GitHub's replicas lag (Mergifyio/mergify#781). */
  readonly settleMs: number;
}

export const DEFAULT_LEASES: LeaseOptions = {
  freshness: "lease",
  lease: { status: 2, default: 5, metadata: 60, immutable: 3600 },
  operationTtls: {
    list_repos: 600,
    get_repo_info: 300,
    list_workflows: 300,
    get_workflow_runs: 120,
    get_workflow_run: 60,
    list_runners: 300,
    get_runner_status: 60,
  },
  defaultTtl: 300,
  settleMs: 10_000,
};

/**
 * How long the answer of this read may serve its own caller again.
 * @param pollIntervalS GitHub's X-Poll-Interval: it asks not to be asked more often
 * @returns milliseconds; 0: no lease
 */
export function leaseMs(
  route: Route,
  options: LeaseOptions,
  request: RequestHeaders,
  pollIntervalS: number | undefined,
): number {
  if (options.freshness === "strict" || route.lease === "never") return 0;
  const asked = goDurationMs(request["x-gh-cache-ttl"]) ?? 0;
  const wanted = Math.max(options.lease[route.lease] * 1000, (pollIntervalS ?? 0) * 1000, asked);
  // Bytes under their own full id never change; only the right to read them can, and `lease.immutable` bounds that.
  if (route.lease === "immutable") return options.lease.immutable * 1000;
  const ceiling = route.operation === undefined ? options.defaultTtl : options.operationTtls[route.operation];
  return Math.min(wanted, ceiling * 1000);
}

/** What the request itself says: the greatest age it accepts, in milliseconds. Infinity if it says nothing. */
export function acceptedAgeMs(request: RequestHeaders): number {
  const control = request["cache-control"];
  if (control === undefined) return request["pragma"]?.includes("no-cache") === true ? 0 : Number.POSITIVE_INFINITY;
  if (/\bno-(?:cache|store)\b/i.test(control)) return 0;
  const maxAge = /\bmax-age\s*=\s*"?(\d+)/i.exec(control)?.[1];
  return maxAge === undefined ? Number.POSITIVE_INFINITY : Number(maxAge) * 1000;
}

/** Two clocks, because each lies: the wall clock jumps, the monotonic one stands still while a machine sleeps. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** Age by whichever clock says more. A wall clock set back does not make anything younger. */
export function ageMs(then: Moment, now: Moment): number {
  return Math.max(now.monotonicMs - then.monotonicMs, now.wallMs - then.wallMs);
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Go's time.Duration text, as `gh --cache 1m` sends it ("1m0s"). Undefined if it is none. */
export function goDurationMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g))
    total += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  return total;
}
