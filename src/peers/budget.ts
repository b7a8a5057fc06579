// What asking peers may cost in time, and when a second owner is asked. Pure: times are arguments.

/** Weight of the newest measurement. */
const WEIGHT = 0.2;
const START_MS = 100;
const MAX_BUDGET_MS = 50;
const MIN_HEDGE_MS = 2;
const HEDGE_WINDOW = 1000;
const HEDGE_SHARE = 0.1;
/** Too few to judge a share by. */
const HEDGE_FREE = 10;

/** A moving average that forgets. */
export class Ewma {
  #value: number | undefined;

  note(ms: number): void {
    this.#value = this.#value === undefined ? ms : this.#value + WEIGHT * (ms - this.#value);
  }

  or(otherwise: number): number {
    return this.#value ?? otherwise;
  }
}

/** Latency of what peers are meant to spare: GitHub, or the next layer. */
export class OriginLatency {
  readonly #ewma = new Ewma();

  note(ms: number): void {
    this.#ewma.note(ms);
  }

  get ms(): number {
    return this.#ewma.or(START_MS);
  }

  /** A miss at all owners adds no more than this: min(50 ms, a quarter of the origin's latency). */
  get budgetMs(): number {
    return Math.min(MAX_BUDGET_MS, this.ms / 4);
  }
}

/** When to ask the second owner as well: after max(2 ms, 3 x round trip), for at most one GET in ten. */
export class Hedges {
  #asked = 0;
  #hedged = 0;

  static delayMs(rtt: Ewma): number {
    return Math.max(MIN_HEDGE_MS, 3 * rtt.or(MIN_HEDGE_MS));
  }

  noteGet(): void {
    if (++this.#asked < HEDGE_WINDOW) return;
    // Half of the window is kept: a burst is not forgotten at once.
    this.#asked /= 2;
    this.#hedged /= 2;
  }

  /** @returns whether one more may be sent; counts it */
  take(): boolean {
    if (this.#hedged >= Math.max(HEDGE_FREE, this.#asked) * HEDGE_SHARE) return false;
    this.#hedged++;
    return true;
  }
}
