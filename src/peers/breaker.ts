// Whom not to ask for a while, and whom never again. Pure: the time is an argument, monotonic milliseconds.

const FAILURES = 3;
const FIRST_REST_MS = 1000;
const MAX_REST_MS = 300_000;

/** One peer: three failures in a row, and it rests for 1 s, doubled each time up to 5 min. One answer mends it. */
export class Breaker {
  #failures = 0;
  #restMs = 0;
  #until = Number.NEGATIVE_INFINITY;
  #why = "";

  failed(why: string, nowMs: number): void {
    this.#why = why;
    if (++this.#failures < FAILURES) return;
    this.#failures = 0;
    this.#restMs = Math.min(MAX_REST_MS, Math.max(FIRST_REST_MS, this.#restMs * 2));
    this.#until = nowMs + this.#restMs;
  }

  answered(): void {
    this.#failures = 0;
    this.#restMs = 0;
  }

  isResting(nowMs: number): boolean {
    return nowMs < this.#until;
  }

  /** For people: what happened, and how long it still rests. */
  rest(nowMs: number): { readonly why: string; readonly leftMs: number } | undefined {
    return this.isResting(nowMs) ? { why: this.#why, leftMs: this.#until - nowMs } : undefined;
  }
}

/** A token bucket with room for one second's worth. */
export class Bucket {
  readonly #perSecond: number;
  #left: number;
  #at: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#at = nowMs;
  }

  /** Always takes, also below zero: what was received was received. @returns milliseconds until it is no longer empty */
  take(count: number, nowMs: number): number {
    this.#left = Math.min(this.#perSecond, this.#left + (Math.max(0, nowMs - this.#at) * this.#perSecond) / 1000);
    this.#at = nowMs;
    this.#left -= count;
    return this.#left >= 0 ? 0 : (-this.#left * 1000) / this.#perSecond;
  }
}

/** Things noted for a while, at most so many: the oldest give way. */
export class Bans {
  readonly #until = new Map<string, number>();
  readonly #max: number;

  constructor(max = 4096) {
    this.#max = max;
  }

  add(key: string, untilMs: number): void {
    this.#until.delete(key);
    this.#until.set(key, untilMs);
    const [oldest] = this.#until.keys();
    if (this.#until.size > this.#max && oldest !== undefined) this.#until.delete(oldest);
  }

  has(key: string, nowMs: number): boolean {
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (nowMs < until) return true;
    this.#until.delete(key);
    return false;
  }
}
