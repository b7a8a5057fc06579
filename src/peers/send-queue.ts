// What waits to be sent to one peer: small answers first, pieces of values behind them, at most 8 MiB; who reads slower than that
// is given up, not waited for.
import type { Duplex } from "./duplex.ts";

const MAX_QUEUED = 8 * 1024 * 1024;
/** Of all peers together. */
const MAX_QUEUED_ALL = 128 * 1024 * 1024;
let queuedAll = 0;

export class SendQueue {
  readonly #duplex: Duplex;
  readonly #onOverflow: () => void;
  #small: Buffer[] = [];
  #bulk: Buffer[] = [];
  #queued = 0;
  #blocked = false;

  constructor(duplex: Duplex, onOverflow: () => void) {
    this.#duplex = duplex;
    this.#onOverflow = onOverflow;
  }

  send(frame: Buffer, bulk: boolean): void {
    if (!this.#blocked) {
      this.#blocked = !this.#duplex.send(frame);
      return;
    }
    this.#count(frame.length);
    (bulk ? this.#bulk : this.#small).push(frame);
    if (this.#queued > MAX_QUEUED || queuedAll > MAX_QUEUED_ALL) this.#onOverflow();
  }

  drain(): void {
    this.#blocked = false;
    while (!this.#blocked) {
      const frame = this.#small.shift() ?? this.#bulk.shift();
      if (frame === undefined) return;
      this.#count(-frame.length);
      this.#blocked = !this.#duplex.send(frame);
    }
  }

  clear(): void {
    this.#count(-this.#queued);
    this.#small = [];
    this.#bulk = [];
  }

  #count(bytes: number): void {
    this.#queued += bytes;
    queuedAll += bytes;
  }
}
