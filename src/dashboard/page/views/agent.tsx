// The agent's services and the layers of its store.
import { sumOf, sumsBy } from "../../../report/metrics.ts";
import { Card, Facts } from "../parts/bits.tsx";
import { Table } from "../parts/table.tsx";
import type { ViewProps } from "../view.ts";
import { bytesText, countText, longDuration } from "../words.ts";

export function Agent({ summary }: ViewProps) {
  const { agent, metrics } = summary;
  const layers = Object.keys(sumsBy(metrics, "foregone_store_operations_total", "layer"));
  return (
    <>
      <Card title="Agent" wide>
        {agent === null ? (
          <p class="quiet">
            No agent runs; everything works directly. <code>foregone agent start</code>
          </p>
        ) : (
          <>
            <Facts
              facts={[
                ["version", agent.version],
                ["process", String(agent.pid)],
                ["up", longDuration(agent.upMs)],
                ["memory", bytesText(agent.rssBytes)],
                ["store", <code>{agent.store}</code>],
              ]}
            />
            <Table
              name="services"
              rows={Object.entries(agent.services)}
              rowKey={([name]) => name}
              empty="No service."
              columns={[
                { name: "service", cell: ([name]) => name, head: true },
                { name: "state", cell: ([, s]) => <span class={`state ${s.state}`}>{s.state}</span> },
                { name: "detail", cell: ([, s]) => s.detail ?? "" },
              ]}
            />
          </>
        )}
      </Card>
      <Card title="Layers of the store" wide>
        <Table
          name="layers"
          rows={layers}
          rowKey={(layer) => layer}
          empty="No layer was asked yet."
          columns={[
            { name: "layer", cell: (layer) => layer, head: true },
            {
              name: "answered",
              number: true,
              cell: (layer) => countText(sumOf(metrics, "foregone_store_operations_total", { layer })),
            },
            {
              name: "found",
              number: true,
              cell: (layer) => countText(sumOf(metrics, "foregone_store_operations_total", { layer, found: "true" })),
            },
            {
              name: "bytes",
              number: true,
              cell: (layer) => bytesText(sumOf(metrics, "foregone_store_bytes_total", { layer })),
            },
            {
              name: "mean time",
              number: true,
              cell: (layer) =>
                mean(
                  sumOf(metrics, "foregone_store_seconds_total", { layer }),
                  sumOf(metrics, "foregone_store_operations_total", { layer }),
                ),
            },
            {
              name: "failed",
              number: true,
              cell: (layer) => countText(sumOf(metrics, "foregone_store_failures_total", { layer })),
            },
            {
              name: "bad bytes",
              number: true,
              cell: (layer) => countText(sumOf(metrics, "foregone_store_bad_bytes_total", { layer })),
            },
          ]}
        />
      </Card>
    </>
  );
}

function mean(seconds: number, count: number): string {
  return count === 0 ? "–" : `${((1000 * seconds) / count).toFixed(2)} ms`;
}
