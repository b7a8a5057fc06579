// Replaces secrets in a stream of bytes by ***, however the stream is cut into writes. What may be the beginning of a secret is
// held back until more bytes or the end decide: never by a timer, which a slow writer would outwait.
import { Transform } from "node:stream";
import { type Automaton, buildAutomaton, type State } from "./automaton.ts";
import { redactPatterns } from "./forms.ts";

const MASK = Buffer.from("***");
const NOTHING = Buffer.alloc(0);

/** One automaton serves any number of streams. */
export function secretsAutomaton(values: readonly string[]): Automaton {
  const patterns = new Set(values.flatMap(redactPatterns));
  return buildAutomaton([...patterns].map((pattern) => Buffer.from(pattern)));
}

export class Redactor {
  readonly #automaton: Automaton;
  #state: State;
  /** Bytes that may begin a match, and the ranges of them that are matched, ascending and apart. */
  #held: Buffer = NOTHING;
  /** True if the last byte given out was the end of a ***: a match that touches it needs no other. */
  #inMask = false;
  /** Whether anything was replaced. */
  redacted = false;

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
    this.#state = automaton.start;
  }

  /** @returns what can be given out now */
  write(chunk: Buffer): Buffer {
    const held = this.#held.length;
    const bytes = held === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    // Held bytes were walked already, and no match ended in them: it would have been given out.
    const ranges = this.#matches(bytes, held);
    const safe = bytes.length - this.#automaton.depthOf(this.#state);
    return this.#giveOut(bytes, ranges, safe);
  }

  /** What was held back, as the end of the stream decides it: the beginning of a secret is not the secret. */
  end(): Buffer {
    return this.#giveOut(this.#held, this.#open, this.#held.length);
  }

  #open: [number, number][] = [];

  #matches(bytes: Buffer, from: number): [number, number][] {
    const automaton = this.#automaton;
    const ranges = this.#open;
    for (let i = from; ; i++) {
      i = automaton.scan(this.#state, bytes, i);
      this.#state = automaton.last;
      if (i >= bytes.length) return ranges;
      addRange(ranges, i + 1 - automaton.matchOf(this.#state), i + 1);
    }
  }

  /** Bytes before `safe`, masked; the rest stays. A range that reaches over `safe` is masked as far as it goes. */
  #giveOut(bytes: Buffer, ranges: readonly [number, number][], safe: number): Buffer {
    const out: Buffer[] = [];
    const left: [number, number][] = [];
    let at = 0;
    for (const [start, end] of ranges) {
      if (start >= safe) {
        left.push([start - safe, end - safe]);
        continue;
      }
      if (start > at) this.#inMask = false;
      if (start > at) out.push(bytes.subarray(at, start));
      if (!this.#inMask) out.push(MASK);
      this.#inMask = true;
      this.redacted = true;
      at = Math.min(end, safe);
      if (end > safe) left.push([0, end - safe]);
    }
    if (at < safe) {
      out.push(bytes.subarray(at, safe));
      this.#inMask = false;
    }
    // A copy: the chunk belongs to its stream.
    this.#held = safe >= bytes.length ? NOTHING : Buffer.from(bytes.subarray(safe));
    this.#open = left;
    return out.length === 1 ? (out[0] ?? NOTHING) : Buffer.concat(out);
  }

  /** As a stream to pipe through. */
  static stream(automaton: Automaton): Transform {
    const redactor = new Redactor(automaton);
    return new Transform({
      transform: (chunk: Buffer, _, done) => done(null, redactor.write(chunk)),
      flush: (done) => done(null, redactor.end()),
    });
  }
}

/** Ranges that touch or overlap become one: "***" once for what cannot be told apart. */
function addRange(ranges: [number, number][], start: number, end: number): void {
  let from = start;
  for (let last = ranges.at(-1); last !== undefined && last[1] >= from; last = ranges.at(-1)) {
    from = Math.min(from, last[0]);
    ranges.pop();
  }
  ranges.push([from, end]);
}
