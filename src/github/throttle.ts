// Keeps each caller below GitHub's secondary limits, and away from GitHub while it says wait. GitHub's budgets: 100 calls at
// a time, 900 points a minute (a read 1, a write 5), 80 content writes a minute; ours stay below. Whether a 304 costs
// points is undocumented, so it counts. Pure: asks for the time, tells how long to wait.
import { type ResponseHeaders, one } from "./message.ts";

export interface ThrottleOptions {
  /** Calls under way at once, per caller. */
  readonly concurrency: number;
  readonly pointsPerMinute: number;
  /** Writes at once, then one a second. */
  readonly writeBurst: number;
  /** A call that would wait longer gets GitHub's own refusal again. */
  readonly maxWaitMs: number;
}

export const DEFAULT_THROTTLE: ThrottleOptions = {
  concurrency: 80,
  pointsPerMinute: 800,
  writeBurst: 10,
  maxWaitMs: 30_000,
};

/** GitHub's refusal, kept to be said again while it holds. */
export interface Refusal {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Uint8Array;
  /** Monotonic. */
  readonly untilMs: number;
}

const FIRST_BACKOFF_MS = 60_000;

/** One caller's budgets. */
export class Throttle {
  readonly #options: ThrottleOptions;
  #points: Bucket;
  #writes: Bucket;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];
  /** By resource; "" holds for all: a secondary limit counts every call. */
  readonly #refusals = new Map<string, Refusal>();
  /** With the quota gone a 304 may still be had; tried once a window. Resource -> what came of it. */
  readonly #tagTries = new Map<string, "works" | "refused">();
  #backoffMs = FIRST_BACKOFF_MS;
  #usedAtMs: number;

  constructor(options: ThrottleOptions, nowMs: number) {
    this.#options = options;
    this.#usedAtMs = nowMs;
    this.#points = { level: options.pointsPerMinute, atMs: nowMs };
    this.#writes = { level: options.writeBurst, atMs: nowMs };
  }

  /** Takes the points of one call. @returns milliseconds to wait before it may go */
  take(write: boolean, nowMs: number): number {
    const { pointsPerMinute, writeBurst } = this.#options;
    this.#usedAtMs = nowMs;
    this.#points = drain(this.#points, pointsPerMinute / 60_000, pointsPerMinute, write ? 5 : 1, nowMs);
    let wait = waitOf(this.#points, pointsPerMinute / 60_000);
    if (write) {
      this.#writes = drain(this.#writes, 1 / 1000, writeBurst, 1, nowMs);
      wait = Math.max(wait, waitOf(this.#writes, 1 / 1000));
    }
    return wait;
  }

  /** A place among the calls under way; first come, first served. Undefined: there is one now. */
  enter(): Promise<void> | undefined {
    if (this.#underWay < this.#options.concurrency) {
      this.#underWay++;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#underWay--;
    else next();
  }

  /** Nothing under way and nothing to remember: an hour is the longest window GitHub counts in. */
  isQuiet(nowMs: number): boolean {
    return this.#underWay === 0 && nowMs - this.#usedAtMs > 3_600_000;
  }

  /** What GitHub said last about this resource, if it still holds. */
  refusal(resource: string, nowMs: number): Refusal | undefined {
    for (const key of ["", resource]) {
      const refusal = this.#refusals.get(key);
      if (refusal === undefined) continue;
      if (refusal.untilMs > nowMs) return refusal;
      this.#refusals.delete(key);
      this.#tagTries.delete(key);
    }
    return undefined;
  }

  /** The quota is gone, but a read with a tag might be free: once, and again while that proves true. */
  mayTryTag(resource: string): boolean {
    return !this.#refusals.has("") && this.#tagTries.get(resource) !== "refused";
  }

  tagRefused(resource: string): void {
    this.#tagTries.set(resource, "refused");
  }

  /** @param wallS epoch seconds, for the reset time GitHub gives */
  refused(
    resource: string,
    status: number,
    headers: ResponseHeaders,
    body: Uint8Array,
    nowMs: number,
    wallS: number,
  ): void {
    const asked = waitAsked(headers, wallS);
    const waitMs = asked ?? this.#backoffMs;
    // Without a word from GitHub: a minute, then twice as long each time (GitHub's own advice), at most an hour.
    if (asked === undefined) this.#backoffMs = Math.min(this.#backoffMs * 2, 3_600_000);
    const primary = one(headers, "x-ratelimit-remaining") === "0" && one(headers, "retry-after") === undefined;
    this.#refusals.set(primary ? resource : "", { status, headers, body, untilMs: nowMs + waitMs });
  }

  /** An answer came through: the caller is welcome again. */
  answered(resource: string, notModified: boolean): void {
    this.#backoffMs = FIRST_BACKOFF_MS;
    if (notModified && this.#refusals.has(resource)) this.#tagTries.set(resource, "works");
  }
}

/** Does this answer say "too much", rather than "you may not"? */
export function isRefusal(status: number, headers: ResponseHeaders, body: Uint8Array | undefined): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  if (one(headers, "retry-after") !== undefined || one(headers, "x-ratelimit-remaining") === "0") return true;
  return body !== undefined && /secondary rate limit|abuse detection/i.test(Buffer.from(body).toString("latin1"));
}

function waitAsked(headers: ResponseHeaders, wallS: number): number | undefined {
  const retryAfter = Number(one(headers, "retry-after") ?? Number.NaN);
  if (Number.isFinite(retryAfter)) return Math.max(0, retryAfter * 1000);
  if (one(headers, "x-ratelimit-remaining") !== "0") return undefined;
  const reset = Number(one(headers, "x-ratelimit-reset") ?? Number.NaN);
  return Number.isFinite(reset) ? Math.max(1000, (reset - wallS) * 1000) : undefined;
}

/** Below zero: calls that were let in to wait. */
interface Bucket {
  readonly level: number;
  readonly atMs: number;
}

function drain(bucket: Bucket, perMs: number, capacity: number, cost: number, nowMs: number): Bucket {
  const filled = Math.min(capacity, bucket.level + Math.max(0, nowMs - bucket.atMs) * perMs);
  return { level: filled - cost, atMs: nowMs };
}

function waitOf(bucket: Bucket, perMs: number): number {
  return bucket.level >= 0 ? 0 : Math.ceil(-bucket.level / perMs);
}
