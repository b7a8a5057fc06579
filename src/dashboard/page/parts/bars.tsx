// Stacked bars over time. Each bar is a focusable element with its numbers as its name; the same numbers are a table for
// those who do not see bars.
import { useState } from "preact/hooks";
import { useWidth } from "../hooks.ts";
import { axisText, countText, longDuration, spanText } from "../words.ts";

export interface Stack {
  readonly label: string;
  /** Names a colour of the style sheet: "skip", "run", "certified" ... */
  readonly tone: string;
  readonly values: readonly number[];
}

interface BarsProps {
  readonly title: string;
  readonly times: readonly number[];
  readonly stepMs: number;
  readonly stacks: readonly Stack[];
  /** Of the values; milliseconds are shown in the unit that gives round numbers. */
  readonly unit?: "count" | "ms";
  readonly height?: number;
}

const LEFT = 50;
const BOTTOM = 22;
const TOP = 8;

export function Bars({ title, times, stepMs, stacks, unit = "count", height = 190 }: BarsProps) {
  const [ref, width] = useWidth();
  const [active, setActive] = useState<number | undefined>(undefined);
  const totals = times.map((_, i) => stacks.reduce((sum, s) => sum + (s.values[i] ?? 0), 0));
  const { top, ticks, tickText } =
    unit === "ms" ? timeScale(Math.max(0, ...totals)) : countScale(Math.max(0, ...totals));
  const format = unit === "ms" ? longDuration : countText;
  const plotWidth = Math.max(0, width - LEFT);
  const plotHeight = height - BOTTOM - TOP;
  const slot = times.length === 0 ? 0 : plotWidth / times.length;
  const barWidth = Math.max(1, Math.min(40, slot * 0.72));
  const y = (value: number): number => TOP + plotHeight - (top === 0 ? 0 : (value / top) * plotHeight);
  const labelEvery = Math.max(1, Math.ceil(58 / Math.max(1, slot)));
  return (
    <figure class="chart">
      <figcaption>
        <span class="hidden">{title}</span>
        {stacks.length > 1 && <Legend stacks={stacks} />}
      </figcaption>
      <div ref={ref} class="plot" onMouseLeave={() => setActive(undefined)}>
        {width > 0 && (
          <svg
            width={width}
            height={height}
            role="img"
            aria-label={`${title}, as bars; the table below has the numbers`}
          >
            {ticks.map((tick) => (
              <g key={tick}>
                <line class="grid" x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
                <text class="axis" x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
                  {tickText(tick)}
                </text>
              </g>
            ))}
            {times.map((time, i) => {
              const x = LEFT + slot * i + (slot - barWidth) / 2;
              let base = 0;
              return (
                <g key={time} class={i === active ? "bar active" : "bar"} onMouseEnter={() => setActive(i)}>
                  <rect class="hit" x={LEFT + slot * i} y={TOP} width={slot} height={plotHeight} />
                  {stacks.map((stack) => {
                    const value = stack.values[i] ?? 0;
                    if (value === 0) return null;
                    const from = base;
                    base += value;
                    const barHeight = Math.max(1, y(from) - y(base));
                    return (
                      <rect
                        key={stack.tone}
                        class={`fill-${stack.tone}`}
                        x={x}
                        y={y(base)}
                        width={barWidth}
                        height={barHeight}
                        rx="1.5"
                      />
                    );
                  })}
                  {i % labelEvery === 0 && LEFT + slot * (i + 0.5) < width - 18 && (
                    <text class="axis" x={LEFT + slot * (i + 0.5)} y={height - 6} text-anchor="middle">
                      {axisText(time, stepMs)}
                    </text>
                  )}
                </g>
              );
            })}
          </svg>
        )}
        {active !== undefined && times[active] !== undefined && (
          <Tooltip x={LEFT + slot * (active + 0.5)} width={width}>
            <strong>{spanText(times[active], stepMs)}</strong>
            {stacks.map((s) => (
              <span key={s.tone}>
                <i class={`dot fill-${s.tone}`} /> {s.label} <b>{format(s.values[active] ?? 0)}</b>
              </span>
            ))}
          </Tooltip>
        )}
      </div>
      <DataTable title={title} times={times} stepMs={stepMs} stacks={stacks} unit={unit} />
    </figure>
  );
}

export function Legend({ stacks }: { readonly stacks: readonly Pick<Stack, "label" | "tone">[] }) {
  return (
    <span class="legend">
      {stacks.map((s) => (
        <span key={s.tone}>
          <i class={`dot fill-${s.tone}`} aria-hidden="true" /> {s.label}
        </span>
      ))}
    </span>
  );
}

/** Beside what it tells of, on the side where there is room. */
export function Tooltip({ x, width, children }: { x: number; width: number; children: preact.ComponentChildren }) {
  const style = x < width / 2 ? { left: `${x + 26}px` } : { right: `${width - x + 26}px` };
  return (
    <div class="tooltip" style={style}>
      {children}
    </div>
  );
}

function DataTable({ title, times, stepMs, stacks, unit }: Omit<BarsProps, "height">) {
  const format = unit === "ms" ? longDuration : countText;
  return (
    <details class="numbers">
      <summary>Numbers</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, numbers`}>
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              {stacks.map((s) => (
                <th scope="col" class="number" key={s.tone}>
                  {s.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {times.map((time, i) => (
              <tr key={time}>
                <th scope="row">{spanText(time, stepMs)}</th>
                {stacks.map((s) => (
                  <td class="number" key={s.tone}>
                    {format(s.values[i] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

interface Scale {
  readonly top: number;
  readonly ticks: readonly number[];
  readonly tickText: (tick: number) => string;
}

/** A round number at or above `max`, and three to five lines up to it. */
export function countScale(max: number): Scale {
  if (max <= 0) return { top: 1, ticks: [0], tickText: countText };
  const rough = max / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(
    1,
    [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough && Number.isInteger(s)) ?? Math.ceil(rough),
  );
  const count = Math.ceil(max / step);
  return { top: step * count, ticks: Array.from({ length: count + 1 }, (_, i) => i * step), tickText: countText };
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30]
  .flatMap((n) => [n * 1000, n * 60_000])
  .concat([1, 2, 3, 6, 12, 24, 48, 120, 240, 720].map((h) => h * 3_600_000))
  .sort((a, b) => a - b);

function timeScale(max: number): Scale {
  const step = TIME_STEPS.find((s) => max / s <= 5) ?? 2400 * 3_600_000;
  const count = Math.max(1, Math.ceil(max / step));
  const [unit, ms] =
    step < 60_000
      ? (["s", 1000] as const)
      : step < 3_600_000
        ? (["min", 60_000] as const)
        : (["h", 3_600_000] as const);
  return {
    top: step * count,
    ticks: Array.from({ length: count + 1 }, (_, i) => i * step),
    tickText: (tick) => `${tick / ms} ${unit}`,
  };
}
