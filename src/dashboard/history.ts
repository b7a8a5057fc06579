// Counters and gauges over time, for the plots: the agent writes a sample a minute when something changed. A bounded log like
// that of decisions; a month of samples of about 60 numbers is some 40 MB at worst, and idle minutes write nothing.
import { appendTo, readSince, type Position, type SegmentLog } from "../store/segments.ts";

export interface Sample {
  /** Milliseconds since the epoch. */
  readonly t: number;
  /** Counters as they stood, gauges as they were. */
  readonly v: Readonly<Record<string, number>>;
}

/** 43,200 minutes are 30 days. */
const MAX_SAMPLES = 43_200;
const MAX_AGE_MS = MAX_SAMPLES * 60_000;

export class History {
  readonly #log: SegmentLog;
  /** `dashboard.history`, and at most what is kept. */
  readonly maxAgeMs: number;
  readonly #samples: Sample[] = [];
  #next: Position | undefined;
  #last = "";

  constructor(log: SegmentLog, maxAgeMs = MAX_AGE_MS) {
    this.#log = log;
    this.maxAgeMs = Math.min(maxAgeMs, MAX_AGE_MS);
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

  refresh(nowMs: number): void {
    for (;;) {
      const { lines, next } = readSince(this.#log, this.#next, 1024 * 1024);
      for (const { text } of lines) {
        const sample = parseSample(text);
        if (sample !== undefined) this.#samples.push(sample);
      }
      const young = this.#samples.findIndex(({ t }) => t >= nowMs - this.maxAgeMs);
      const old = young === -1 ? this.#samples.length : young;
      this.#samples.splice(0, Math.max(old, this.#samples.length - MAX_SAMPLES));
      if (next === this.#next) return;
      this.#next = next;
    }
  }

  /**
   * @param names as in the samples
   * @param points at most so many, the last of each equal step of time; and the first of all, from which growth counts
   */
  range(names: readonly string[], fromMs: number, toMs: number, points: number): readonly Sample[] {
    const step = Math.max(1, (toMs - fromMs) / points);
    const kept = new Map<number, Sample>();
    for (const { t, v } of this.#samples) {
      if (t < fromMs || t > toMs) continue;
      const chosen = Object.fromEntries(names.flatMap((name) => (v[name] === undefined ? [] : [[name, v[name]]])));
      if (kept.size === 0) kept.set(-1, { t, v: chosen });
      kept.set(Math.floor((t - fromMs) / step), { t, v: chosen });
    }
    return [...kept.values()].filter(({ t }, i, all) => t !== all[i - 1]?.t);
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
