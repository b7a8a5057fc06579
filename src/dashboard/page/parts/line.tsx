// A line over time, for what is left of a quota: gaps where nothing was sampled, no line across them.
import { useState } from "preact/hooks";
import { useWidth } from "../hooks.ts";
import { axisText, countText, dateText } from "../words.ts";
import { Legend, countScale, Tooltip } from "./bars.tsx";

export interface LineSeries {
  readonly label: string;
  readonly tone: string;
  readonly points: readonly { readonly t: number; readonly value: number }[];
}

interface LinesProps {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly series: readonly LineSeries[];
  readonly height?: number;
}

const LEFT = 48;
const BOTTOM = 22;
const TOP = 8;

export function Lines({ title, from, to, series, height = 190 }: LinesProps) {
  const [ref, width] = useWidth();
  const [at, setAt] = useState<number | undefined>(undefined);
  const { top, ticks } = countScale(Math.max(0, ...series.flatMap((s) => s.points.map((p) => p.value))));
  const plotHeight = height - BOTTOM - TOP;
  const x = (t: number): number => LEFT + ((t - from) / (to - from)) * (width - LEFT);
  const y = (value: number): number => TOP + plotHeight - (value / top) * plotHeight;
  const labels = width === 0 ? [] : roundTimes(from, to, Math.floor((width - LEFT) / 80));
  return (
    <figure class="chart">
      <figcaption>
        <span class="hidden">{title}</span>
        <Legend stacks={series} />
      </figcaption>
      <div
        ref={ref}
        class="plot"
        onMouseLeave={() => setAt(undefined)}
        onMouseMove={(event) => setAt(from + ((event.offsetX - LEFT) / (width - LEFT)) * (to - from))}
      >
        {width > 0 && (
          <svg width={width} height={height} role="img" aria-label={describe(title, series)}>
            {ticks.map((tick) => (
              <g key={tick}>
                <line class="grid" x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
                <text class="axis" x={LEFT - 8} y={y(tick) + 4} text-anchor="end">
                  {countText(tick)}
                </text>
              </g>
            ))}
            {labels.map((t) => (
              <text key={t} class="axis" x={x(t)} y={height - 6} text-anchor="middle">
                {axisText(t, to - from > 48 * HOUR_MS ? 24 * HOUR_MS : HOUR_MS)}
              </text>
            ))}
            {series.map((s) => (
              <path key={s.label} class={`line stroke-${s.tone}`} d={pathOf(s.points, x, y, (to - from) / 20)} />
            ))}
            {series.map((s) =>
              s.points.length > FEW
                ? null
                : s.points.map(({ t, value }) => (
                    <circle key={`${s.label} ${t}`} class={`point fill-${s.tone}`} cx={x(t)} cy={y(value)} r={3} />
                  )),
            )}
            {at !== undefined && <line class="cursor" x1={x(at)} x2={x(at)} y1={TOP} y2={TOP + plotHeight} />}
          </svg>
        )}
        {at !== undefined && (
          <Tooltip x={x(at)} width={width}>
            <strong>{dateText(at)}</strong>
            {series.map((s) => {
              const point = s.points.findLast((p) => p.t <= at);
              return (
                <span key={s.label}>
                  <i class={`dot fill-${s.tone}`} /> {s.label}{" "}
                  <b>{point === undefined ? "–" : countText(point.value)}</b>
                </span>
              );
            })}
          </Tooltip>
        )}
      </div>
    </figure>
  );
}

/** A line of a few minutes would be a dot that nobody sees. */
const FEW = 30;
const HOUR_MS = 3_600_000;

/** Full ten minutes, hours or midnights of the reader's clock, at most `count` of them. */
function roundTimes(from: number, to: number, count: number): readonly number[] {
  const step =
    [1 / 6, 1, 2, 3, 6, 12, 24, 48, 168].map((h) => h * HOUR_MS).find((s) => (to - from) / s <= Math.max(1, count)) ??
    336 * HOUR_MS;
  const zone = new Date(to).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - zone) / step) * step + zone;
  const last = to - (to - from) * 0.02;
  return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, i) => first + i * step);
}

function pathOf(points: LineSeries["points"], x: (t: number) => number, y: (v: number) => number, gap: number): string {
  let last: number | undefined;
  return points
    .map(({ t, value }) => {
      const move = last === undefined || t - last > gap;
      last = t;
      return `${move ? "M" : "L"}${x(t).toFixed(1)} ${y(value).toFixed(1)}${move ? "h0.1" : ""}`;
    })
    .join("");
}

function describe(title: string, series: readonly LineSeries[]): string {
  const last = series.map(
    (s) => `${s.label} ${s.points.length === 0 ? "unknown" : countText(s.points.at(-1)?.value ?? 0)}`,
  );
  return `${title}: now ${last.join(", ")}`;
}
