// Scans: stored, found again, replaced by their replay; and why others ran.
import { sumOf } from "../../../report/metrics.ts";
import type { ScansPanel } from "../../panels.ts";
import { useData } from "../hooks.ts";
import { Card, Facts, Time } from "../parts/bits.tsx";
import { Growth } from "../parts/growth.tsx";
import { Table } from "../parts/table.tsx";
import type { ViewProps } from "../view.ts";
import { countText, longDuration, percent, reasonText } from "../words.ts";

const OUTCOMES = [
  ["skipped", "skipped", "skip"],
  ["stored", "scanned and stored", "run"],
] as const;

const KINDS: Readonly<Record<string, string>> = {
  hit: "retrieved",
  miss: "scan needed",
  "ran-anyway": "ran anyway",
  "audit-same": "audit: same result",
  "false-skip": "FALSE SKIP",
};

export function Scans({ summary, hours, now }: ViewProps) {
  const { metrics } = summary;
  const panel = useData<ScansPanel | null>("api/scans", summary.now).data;
  const count = (outcome: string): number => sumOf(metrics, "foregone_codeql_scans_total", { outcome });
  const [stored, skipped] = [count("stored"), count("skipped")];
  const misses = Object.entries(panel?.misses ?? {}).sort(([, a], [, b]) => b - a);
  return (
    <div class="grid">
      <Card title="Code scanning" wide>
        <Facts
          facts={[
            ["stored", countText(stored)],
            ["retrieved", countText(count("retrieved"))],
            ["skipped", `${countText(skipped)}, ${percent(skipped, skipped + stored)} of scans asked for`],
            ["time saved", longDuration(1000 * sumOf(metrics, "foregone_codeql_saved_seconds_total"))],
            ["audits", countText(panel?.audits ?? 0)],
            ["false skips", countText(panel?.falseSkips ?? 0)],
          ]}
        />
        <Growth
          title="Scans over time"
          counted={OUTCOMES.map(([outcome, label, tone]) => ({
            series: `foregone_codeql_scans_total{outcome="${outcome}"}`,
            label,
            tone,
          }))}
          hours={hours}
          now={now}
        />
      </Card>
      <Card title="Why scans ran" wide>
        {misses.length === 0 ? (
          <p class="quiet">No scan was needed yet.</p>
        ) : (
          <Facts facts={misses.map(([reason, n]) => [reasonText(reason), countText(n)])} />
        )}
      </Card>
      <Card title="Latest scans" wide>
        <Table
          name="scans"
          rows={panel?.events ?? []}
          rowKey={(event) => `${event.at} ${event.kind} ${event.scan}`}
          empty="None yet. Try foregone sarif run, or the setup-codeql-cache action."
          columns={[
            { name: "scan", cell: (event) => <code>{event.scan || "all"}</code>, head: true },
            { name: "what", cell: (event) => KINDS[event.kind] ?? event.kind },
            {
              name: "why",
              cell: (event) =>
                event.savedMs === undefined ? reasonText(event.reason ?? "") : `saved ${longDuration(event.savedMs)}`,
            },
            { name: "commit", cell: (event) => <code>{event.commit?.slice(0, 8) ?? ""}</code> },
            { name: "when", cell: (event) => <Time at={event.at} now={now} />, sort: (event) => event.at },
          ]}
        />
      </Card>
    </div>
  );
}
