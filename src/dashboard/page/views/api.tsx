// Reads of the GitHub API: how they were answered, and what is left of the quota.
import type { QuotaPanel } from "../../panels.ts";
import { useData } from "../hooks.ts";
import { Card } from "../parts/bits.tsx";
import { Growth, useSamples } from "../parts/growth.tsx";
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

const RESOURCES = ["core", "graphql", "search"] as const;

export function Api({ summary, hours, now }: ViewProps) {
  const panel = useData<QuotaPanel | null>("api/quota", summary.now);
  const samples = useSamples(
    RESOURCES.map((resource) => `foregone_api_quota_remaining{resource="${resource}"}`),
    hours,
    now,
  );
  const quotas = RESOURCES.map((resource, i) => ({
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
        <Growth
          title="How they were answered"
          counted={OUTCOMES.map(([outcome, label, tone]) => ({
            series: `foregone_api_requests_total{outcome="${outcome}"}`,
            label,
            tone,
          }))}
          hours={hours}
          now={now}
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
