// Counters and gauges over time, for the plots: the agent writes a sample a minute when something changed. A bounded log like
// that of decisions; a month of samples of about 60 numbers is some 40 MB at worst, and idle minutes write nothing.
import { appendTo, readSince, type Position, type SegmentLog } from "../store/segments.ts";

export interface Sample {
  /** Milliseconds since the epoch. */
  readonly t: number;
  /** Counters as they stood, gauges as they were. */
  readonly v: Readonly<Record<string, number>>;
}

/** 43,200 minutes are 30 days; each sample kept in memory holds only the numbers that plots use. */
const MAX_SAMPLES = 43_200;

export class History {
  readonly #log: SegmentLog;
  readonly #samples: Sample[] = [];
  #next: Position | undefined;
  #last = "";

  constructor(log: SegmentLog) {
    this.#log = log;
  }

  /** @returns false if nothing changed since the last sample, or it could not be written */
  add(sample: Sample): boolean {
    const text = JSON.stringify(sample.v);
    if (text === this.#last) return false;
    this.#last = text;
    try {
      return appendTo(this.#log, JSON.stringify(sample));
    } catch {
      return false;
    }
  }

  refresh(): void {
    for (;;) {
      const { lines, next } = readSince(this.#log, this.#next, 1024 * 1024);
      for (const { text } of lines) {
        const sample = parseSample(text);
        if (sample !== undefined) this.#samples.push(sample);
      }
      this.#samples.splice(0, Math.max(0, this.#samples.length - MAX_SAMPLES));
      if (next === this.#next) return;
      this.#next = next;
    }
  }

  /**
   * @param names as in the samples
   * @param points at most so many, the last of each equal step of time
   */
  range(names: readonly string[], fromMs: number, toMs: number, points: number): readonly Sample[] {
    const step = Math.max(1, (toMs - fromMs) / points);
    const kept = new Map<number, Sample>();
    for (const { t, v } of this.#samples) {
      if (t < fromMs || t > toMs) continue;
      const chosen = Object.fromEntries(names.flatMap((name) => (v[name] === undefined ? [] : [[name, v[name]]])));
      kept.set(Math.floor((t - fromMs) / step), { t, v: chosen });
    }
    return [...kept.values()];
  }
}

function parseSample(text: string): Sample | undefined {
  try {
    const { t, v } = JSON.parse(text) as { t?: unknown; v?: unknown };
    if (typeof t !== "number" || typeof v !== "object" || v === null) return undefined;
    return {
      t,
      v: Object.fromEntries(Object.entries(v).filter((pair): pair is [string, number] => Number.isFinite(pair[1]))),
    };
  } catch {
    return undefined;
  }
}
