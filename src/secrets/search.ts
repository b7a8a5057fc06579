// Finds values in what a command leaves behind, in all the forms that the redactor knows.
import type { Automaton, State } from "./automaton.ts";

export class AutomatonSearch {
  readonly #automaton: Automaton;
  #state: State;
  /** Stays true. */
  found = false;

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
    this.#state = automaton.start;
  }

  /** The next bytes of one stream. */
  write(bytes: Uint8Array): void {
    if (this.found) return;
    this.found = this.#automaton.scan(this.#state, bytes, 0) < bytes.length;
    this.#state = this.#automaton.last;
  }
}
