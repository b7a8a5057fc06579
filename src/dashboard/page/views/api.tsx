// Reads of the GitHub API: how they were answered, and what is left of the quota.
import type { Sample } from "../../history.ts";
import type { QuotaPanel } from "../../panels.ts";
import { useData } from "../hooks.ts";
import { Bars } from "../parts/bars.tsx";
import { Card } from "../parts/bits.tsx";
import { Lines } from "../parts/line.tsx";
import { Table } from "../parts/table.tsx";
import type { ViewProps } from "../view.ts";
import { ahead, countText, percent } from "../words.ts";

const OUTCOMES = [
  ["certified", "certified (304, free)", "skip"],
  ["fresh", "under a lease", "fresh"],
  ["shared", "shared a call", "audit"],
  ["paid", "paid", "run"],
  ["stale", "stale", "false"],
] as const;

export function Api({ summary, hours, now }: ViewProps) {
  const panel = useData<QuotaPanel | null>("api/quota", summary.now);
  const names = [
    ...OUTCOMES.map(([outcome]) => `foregone_api_requests_total{outcome="${outcome}"}`),
    ...["core", "graphql", "search"].map((resource) => `foregone_api_quota_remaining{resource="${resource}"}`),
  ];
  const history = useData<readonly Sample[]>(
    `api/history?hours=${hours}&names=${encodeURIComponent(names.join(","))}`,
    Math.floor(now / 60_000),
  );
  const samples = history.data ?? [];
  const stepMs = hours <= 24 ? 3_600_000 : hours <= 168 ? 6 * 3_600_000 : 86_400_000;
  const times = Array.from(
    { length: Math.ceil((hours * 3_600_000) / stepMs) },
    (_, i) => Math.floor((now - hours * 3_600_000) / stepMs + i + 1) * stepMs,
  );
  const quotas = ["core", "graphql", "search"].map((resource, i) => ({
    label: resource,
    tone: ["skip", "fresh", "audit"][i] ?? "run",
    points: samples.flatMap(({ t, v }) => {
      const value = v[`foregone_api_quota_remaining{resource="${resource}"}`];
      return value === undefined ? [] : [{ t, value }];
    }),
  }));
  return (
    <div class="grid">
      <Card title="Reads of the GitHub API" wide>
        <Bars
          title="How they were answered"
          times={times}
          stepMs={stepMs}
          stacks={OUTCOMES.map(([outcome, label, tone]) => ({
            label,
            tone,
            values: increases(samples, `foregone_api_requests_total{outcome="${outcome}"}`, times, stepMs),
          }))}
        />
      </Card>
      <Card title="Quota" wide>
        <Lines
          title="Requests left"
          from={now - hours * 3_600_000}
          to={now}
          series={quotas.filter((q) => q.points.length > 0)}
        />
      </Card>
      <Card title="Quota now">
        {panel.data === undefined || panel.data === null ? (
          <p class="quiet">
            The API proxy is not running here: <code>foregone agent start</code>
          </p>
        ) : (
          <Table
            name="quotas"
            rows={panel.data.quotas}
            rowKey={(q) => q.resource}
            empty="No answer of GitHub was seen yet."
            columns={[
              { name: "resource", cell: (q) => q.resource, head: true },
              {
                name: "left",
                number: true,
                cell: (q) => `${countText(q.remaining)} of ${countText(q.limit)}`,
                sort: (q) => q.remaining,
              },
              { name: "resets", cell: (q) => ahead(q.resetAt, now) },
            ]}
          />
        )}
        {panel.data?.rules.map((rule) => (
          <p key={rule.for} class="quiet note">
            ETag rule {rule.verdict} for {rule.for}: {countText(rule.matches)} of{" "}
            {countText(rule.matches + rule.mismatches)} answers
          </p>
        ))}
      </Card>
      <Card title="By operation">
        <Table
          name="operations"
          rows={panel.data?.operations ?? []}
          rowKey={(r) => r.operation}
          empty="No read yet."
          columns={[
            { name: "operation", cell: (r) => r.operation.replaceAll("_", " "), head: true },
            { name: "paid", number: true, cell: (r) => countText(r.paid), sort: (r) => r.paid },
            { name: "saved", number: true, cell: (r) => countText(r.saved), sort: (r) => r.saved },
            { name: "share saved", number: true, cell: (r) => percent(r.saved, r.paid + r.saved) },
          ]}
        />
      </Card>
    </div>
  );
}

/** Growth of a counter in each step; a counter that fell was started anew. */
export function increases(
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
    if (last !== undefined && sums[at] !== undefined) sums[at] += value >= last ? value - last : value;
    last = value;
  }
  return sums;
}
