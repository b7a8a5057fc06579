// Growth of counters over time as stacked bars, from the samples that the agent keeps.
import type { Sample } from "../../history.ts";
import { useData } from "../hooks.ts";
import { Bars } from "./bars.tsx";

export interface Counted {
  /** As in /metrics. */
  readonly series: string;
  readonly label: string;
  readonly tone: string;
}

interface GrowthProps {
  readonly title: string;
  readonly counted: readonly Counted[];
  readonly hours: number;
  readonly now: number;
}

export function Growth({ title, counted, hours, now }: GrowthProps) {
  const samples = useSamples(
    counted.map(({ series }) => series),
    hours,
    now,
  );
  const { times, stepMs } = stepsOf(hours, now);
  return (
    <Bars
      title={title}
      times={times}
      stepMs={stepMs}
      stacks={counted.map(({ series, label, tone }) => ({
        label,
        tone,
        values: increases(samples, series, times, stepMs),
      }))}
    />
  );
}

/** Asked once a minute: samples are no younger. */
export function useSamples(names: readonly string[], hours: number, now: number): readonly Sample[] {
  const query = `hours=${hours}&names=${encodeURIComponent(names.join(","))}`;
  return useData<readonly Sample[]>(`api/history?${query}`, Math.floor(now / 60_000)).data ?? [];
}

function stepsOf(hours: number, now: number): { readonly times: readonly number[]; readonly stepMs: number } {
  const stepMs = hours <= 1 ? 300_000 : hours <= 24 ? 3_600_000 : hours <= 168 ? 6 * 3_600_000 : 86_400_000;
  const times = Array.from(
    { length: Math.ceil((hours * 3_600_000) / stepMs) },
    (_, i) => Math.floor((now - hours * 3_600_000) / stepMs + i + 1) * stepMs,
  );
  return { times, stepMs };
}

/** Growth of a counter in each step; a counter that fell was started anew. */
function increases(
  samples: readonly Sample[],
  name: string,
  times: readonly number[],
  stepMs: number,
): readonly number[] {
  const sums = times.map(() => 0);
  let last: number | undefined;
  for (const { t, v } of samples) {
    const value = v[name];
    if (value === undefined) continue;
    const at = Math.floor((t - (times[0] ?? 0)) / stepMs);
    // A counter appears with its first count: what it holds then is growth since there was none.
    const from = last === undefined || value < last ? 0 : last;
    if ((last !== undefined || samples[0]?.v[name] === undefined) && sums[at] !== undefined) sums[at] += value - from;
    last = value;
  }
  return sums;
}
