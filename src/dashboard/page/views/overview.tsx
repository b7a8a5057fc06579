// The first look: what was saved, what ran and why, and whether anything is wrong.
import type { Bucket } from "../../decision-index.ts";
import { metricsPanel, type PanelLine } from "../../../report/panel.ts";
import { Bars } from "../parts/bars.tsx";
import { Card, DecisionRow } from "../parts/bits.tsx";
import { useData } from "../hooks.ts";
import type { ViewProps } from "../view.ts";
import { countText, longDuration, percent, reasonText } from "../words.ts";

interface Timeline {
  readonly stepMs: number;
  readonly buckets: readonly Bucket[];
}

export function Overview({ summary, recent, hours, now }: ViewProps) {
  const { data } = useData<Timeline>(
    `api/timeline?hours=${hours}&zone=${new Date().getTimezoneOffset()}`,
    summary.decisions,
  );
  const buckets = data?.buckets ?? [];
  const sum = (pick: (bucket: Bucket) => number): number => buckets.reduce((total, bucket) => total + pick(bucket), 0);
  const [skips, runs] = [sum((b) => b.skips), sum((b) => b.runs)];
  const falseSkips = sum((b) => b.falseSkips);
  const api = metricsPanel(summary.metrics).find((group) => group.title === "GitHub API cache");
  const avoided = api?.lines.find((line) => line.label === "cache hits");
  return (
    <>
      <div class="tiles">
        <Tile
          label="Time saved"
          value={longDuration(sum((b) => b.savedMs))}
          note={`beside ${longDuration(sum((b) => b.runMs))} of runs`}
        />
        <Tile
          label="Skipped"
          value={percent(skips, skips + runs)}
          note={`${countText(skips)} of ${countText(skips + runs)} decisions`}
        />
        <Tile
          label="API calls saved"
          value={countText(avoided?.value ?? 0)}
          note={avoided?.share === undefined ? "none asked" : `${percent(avoided.share, 1)} of all reads so far`}
        />
        <Tile
          label="False skips"
          value={countText(falseSkips)}
          note={`found by ${countText(sum((b) => b.audits))} audits`}
          tone={falseSkips > 0 ? "bad" : "good"}
        />
      </div>
      <div class="grid">
        <Card title="Decisions" wide>
          <Bars
            title="Skipped and run"
            times={buckets.map((b) => b.at)}
            stepMs={data?.stepMs ?? 3_600_000}
            stacks={[
              { label: "skipped", tone: "skip", values: buckets.map((b) => b.skips) },
              { label: "run", tone: "run", values: buckets.map((b) => b.runs) },
            ]}
          />
        </Card>
        <Card title="Why commands ran">
          <Reasons buckets={buckets} />
        </Card>
        <Card title="Time saved">
          <Bars
            title="Saved by skips"
            times={buckets.map((b) => b.at)}
            stepMs={data?.stepMs ?? 3_600_000}
            stacks={[{ label: "saved", tone: "skip", values: buckets.map((b) => b.savedMs) }]}
            unit="ms"
            height={160}
          />
        </Card>
        <Card title="Latest decisions" wide aside={<a href="#/decisions">all decisions</a>}>
          {recent.length === 0 ? (
            <p class="quiet">
              None yet. Try <code>foregone run -- npm test</code>, twice.
            </p>
          ) : (
            <ul class="rows">
              {recent.slice(0, 8).map((decision) => (
                <DecisionRow key={decision.id} decision={decision} now={now} />
              ))}
            </ul>
          )}
        </Card>
        <Card title="Since counting began" wide>
          <div class="panel">
            {metricsPanel(summary.metrics).map((group) => (
              <section key={group.title}>
                <h3>{group.title}</h3>
                <dl>
                  {group.lines.map((line) => (
                    <Line key={line.label} line={line} />
                  ))}
                </dl>
              </section>
            ))}
          </div>
        </Card>
      </div>
    </>
  );
}

function Tile({ label, value, note, tone }: { label: string; value: string; note: string; tone?: "good" | "bad" }) {
  return (
    <div class={tone === undefined ? "tile" : `tile ${tone}`}>
      <span class="tile-label">{label}</span>
      <span class="tile-value">{value}</span>
      <span class="tile-note">{note}</span>
    </div>
  );
}

function Line({ line }: { line: PanelLine }) {
  const shown = line.unit === "seconds" ? longDuration(line.value * 1000) : countText(line.value);
  return (
    <div class={line.alarm === true && line.value > 0 ? "bad" : undefined}>
      <dt>{line.label}</dt>
      <dd>
        {shown}
        {line.share !== undefined && <span class="share"> {percent(line.share, 1)}</span>}
      </dd>
    </div>
  );
}

function Reasons({ buckets }: { buckets: readonly Bucket[] }) {
  const counts = new Map<string, number>();
  for (const bucket of buckets)
    for (const [reason, count] of Object.entries(bucket.reasons)) counts.set(reason, (counts.get(reason) ?? 0) + count);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 8);
  const most = sorted[0]?.[1] ?? 1;
  if (sorted.length === 0) return <p class="quiet">Nothing ran in this time.</p>;
  return (
    <ul class="reasons">
      {sorted.map(([reason, count]) => (
        <li key={reason}>
          <a href={`#/decisions?kind=run&reason=${encodeURIComponent(reason)}`}>
            <span class="reason-name">{reasonText(reason)}</span>
            <span class="reason-count">{countText(count)}</span>
            <span class="reason-bar" style={{ width: `${(100 * count) / most}%` }} />
          </a>
        </li>
      ))}
    </ul>
  );
}
