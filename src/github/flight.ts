// One call for all who ask the same at the same time. The call belongs to the flight, not to who came first: a participant
// that goes away just leaves, and the call ends when the last has left.
import { UpstreamError } from "./message.ts";

export type Result<T> = { readonly outcome: T } | { readonly error: unknown };

interface Flight<T> {
  readonly call: Promise<Result<T>>;
  readonly abort: AbortController;
  participants: number;
  settled: boolean;
  leaderLeft: boolean;
}

export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();
  readonly #discard: (outcome: T) => void;

  /** @param discard takes an outcome that only its leader could have used, when the leader has left */
  constructor(discard: (outcome: T) => void) {
    this.#discard = discard;
  }

  /**
   * @param start begins the call; its signal fires when nobody waits any more
   * @returns what came of it, and whether this participant began the call
   * @throws UpstreamError "aborted" when `signal` fires
   */
  async join(
    key: string,
    signal: AbortSignal | undefined,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly led: boolean; readonly result: Result<T> }> {
    if (signal?.aborted === true) throw gone();
    const before = this.#flights.get(key);
    const flight = before ?? this.#begin(key, start);
    flight.participants++;
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_resolve, reject) => {
      leave = () => reject(gone());
      signal?.addEventListener("abort", leave, { once: true });
    });
    try {
      const result = await (signal === undefined ? flight.call : Promise.race([flight.call, left]));
      return { led: before === undefined, result };
    } catch (error) {
      if (before === undefined) flight.leaderLeft = true;
      throw error;
    } finally {
      if (leave !== undefined) signal?.removeEventListener("abort", leave);
      flight.participants--;
      if (flight.participants === 0 && !flight.settled) {
        this.#remove(key, flight);
        flight.abort.abort();
      }
    }
  }

  get size(): number {
    return this.#flights.size;
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abort = new AbortController();
    const call = start(abort.signal).then(
      (outcome) => ({ outcome }),
      (error: unknown) => ({ error }),
    );
    const flight: Flight<T> = { call, abort, participants: 0, settled: false, leaderLeft: false };
    this.#flights.set(key, flight);
    // Who comes after the outcome is there asks anew.
    void call.then((result) => {
      flight.settled = true;
      this.#remove(key, flight);
      if (flight.leaderLeft && "outcome" in result) this.#discard(result.outcome);
    });
    return flight;
  }

  #remove(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

function gone(): UpstreamError {
  return new UpstreamError("aborted", "the client went away");
}
