// Time that passes only when told: for leases, waits and quotas.
import { UpstreamError } from "../github/message.ts";
import type { Clock, EpochMs } from "../ports.ts";

export class VirtualTime {
  #nowMs: number;
  #monotonicMs = 0;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  readonly clock: Clock = {
    now: () => this.#nowMs as EpochMs,
    monotonicMs: () => this.#monotonicMs,
  };

  /** Both clocks. */
  pass(ms: number): void {
    this.#nowMs += ms;
    this.#monotonicMs += ms;
    for (const sleeper of this.#sleepers)
      if (sleeper.at <= this.#monotonicMs) {
        this.#sleepers.delete(sleeper);
        sleeper.wake();
      }
  }

  /** Somebody sets the wall clock; or (wall 0) a machine sleeps. */
  jump(wallMs: number, monotonicMs = 0): void {
    this.#nowMs += wallMs;
    this.#monotonicMs += monotonicMs;
  }

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const sleeper = { at: this.#monotonicMs + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers.delete(sleeper);
        reject(new UpstreamError("aborted", "the client went away"));
      });
    });

  /** How long those who sleep still want to. */
  get sleeping(): readonly number[] {
    return [...this.#sleepers].map(({ at }) => at - this.#monotonicMs);
  }
}
