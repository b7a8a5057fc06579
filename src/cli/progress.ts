// Progress of long work: one line that is drawn over on a terminal, plain lines at each quarter in CI.
import type { CliContext } from "./command.ts";

const WIDTH = 30;
/** 10 pictures a second are smooth enough and cost nothing. */
const REDRAW_MS = 100;

export class Progress {
  readonly #out: CliContext["stderr"];
  readonly #what: string;
  #drawnAt = -Infinity;
  #quarter = 0;
  #open = false;

  constructor(out: CliContext["stderr"], what: string) {
    this.#out = out;
    this.#what = what;
  }

  readonly show = (done: number, total: number): void => {
    if (total === 0) return;
    if (this.#out.isTTY === true) this.#draw(done, total);
    else {
      const quarter = Math.floor((4 * done) / total);
      // Short work needs no lines of its own.
      if (quarter > this.#quarter && total >= 400) this.#out.write(`foregone: ${this.#what} ${done} of ${total}\n`);
      this.#quarter = quarter;
    }
  };

  end(): void {
    if (this.#open) this.#out.write("\r\u001b[K");
    this.#open = false;
  }

  #draw(done: number, total: number): void {
    const now = performance.now();
    if (now - this.#drawnAt < REDRAW_MS && done < total) return;
    this.#drawnAt = now;
    this.#open = true;
    const filled = Math.round((WIDTH * done) / total);
    this.#out.write(
      `\r${this.#what.padEnd(11)}${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${done} of ${total}\u001b[K`,
    );
  }
}
