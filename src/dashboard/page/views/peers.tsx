// The mesh as this peer sees it.
import type { PeersPanel } from "../../panels.ts";
import { useData } from "../hooks.ts";
import { Card, Facts } from "../parts/bits.tsx";
import { useSamples } from "../parts/growth.tsx";
import { Lines } from "../parts/line.tsx";
import { Table } from "../parts/table.tsx";
import type { ViewProps } from "../view.ts";
import { countText } from "../words.ts";

const CONNECTED = "foregone_peers_connected";

export function Peers({ summary, hours, now }: ViewProps) {
  const loaded = useData<PeersPanel | null>("api/peers", summary.now);
  const panel = loaded.data;
  const samples = useSamples([CONNECTED], hours, now);
  if (panel === undefined || panel === null || panel.self === undefined)
    return (
      <Card title="Peers" wide>
        <p class="quiet">{panel?.off ?? "Peers are off here: set FOREGONE_MESH_SECRET and start the agent."}</p>
      </Card>
    );
  return (
    <>
      <Card title="Peers" wide>
        <Facts
          facts={[
            ["this peer", <code>{panel.self.id}</code>],
            ["network", panel.self.network],
            ["role", panel.self.role],
            ["listening", panel.self.addresses.join(", ")],
          ]}
        />
        <Table
          name="peers"
          rows={panel.peers}
          rowKey={(p) => p.id}
          empty="No peer is known."
          columns={[
            { name: "peer", cell: (p) => <code>{p.id}</code>, head: true },
            { name: "address", cell: (p) => <code>{p.address}</code> },
            { name: "role", cell: (p) => p.role },
            {
              name: "round trip",
              number: true,
              cell: (p) => (p.rttMs === null ? "–" : `${p.rttMs.toFixed(1)} ms`),
              sort: (p) => p.rttMs ?? Infinity,
            },
            { name: "asked", number: true, cell: (p) => countText(p.asked), sort: (p) => p.asked },
            { name: "hits", number: true, cell: (p) => countText(p.hits), sort: (p) => p.hits },
            { name: "served", number: true, cell: (p) => countText(p.served), sort: (p) => p.served },
            { name: "state", cell: (p) => p.state },
          ]}
        />
      </Card>
      <Card title="Connected" wide>
        <Lines
          title="Peers connected"
          from={now - hours * 3_600_000}
          to={now}
          series={[
            {
              label: "connected",
              tone: "skip",
              points: samples.flatMap(({ t, v }) => (v[CONNECTED] === undefined ? [] : [{ t, value: v[CONNECTED] }])),
            },
          ]}
        />
      </Card>
    </>
  );
}
