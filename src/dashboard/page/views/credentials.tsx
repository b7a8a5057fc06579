// Names, times and who asked; never a value.
import type { CredentialsPanel } from "../../panels.ts";
import { useData } from "../hooks.ts";
import { Card, Time } from "../parts/bits.tsx";
import { Growth } from "../parts/growth.tsx";
import { Table } from "../parts/table.tsx";
import type { ViewProps } from "../view.ts";
import { ahead, countText, dateText } from "../words.ts";

const DECISIONS = (["granted", "denied"] as const).map((decision) => ({
  series: `foregone_credential_accesses_total{decision="${decision}"}`,
  label: decision,
  tone: decision === "granted" ? "skip" : "run",
}));

export function Credentials({ summary, hours, now }: ViewProps) {
  const loaded = useData<CredentialsPanel | null>("api/credentials", summary.now);
  const panel = loaded.data;
  if (panel === undefined || panel === null || panel.off !== undefined)
    return (
      <Card title="Credentials" wide>
        <p class="quiet">
          {panel?.off ?? (
            <>
              There is no credential store here: <code>foregone secrets init</code>
            </>
          )}
        </p>
      </Card>
    );
  return (
    <>
      <Card
        title="Credentials"
        wide
        aside={<span class="quiet">names and times only; no value ever leaves the broker</span>}
      >
        <Table
          name="credentials"
          rows={panel.credentials}
          rowKey={(c) => `${c.name} ${c.scope} ${c.version}`}
          empty="None is stored."
          columns={[
            { name: "name", cell: (c) => <code>{c.name}</code>, head: true },
            { name: "scope", cell: (c) => c.scope },
            { name: "version", number: true, cell: (c) => `v${c.version}` },
            { name: "state", cell: (c) => <span class={`state ${c.state}`}>{c.state}</span> },
            {
              name: "expires",
              cell: (c) =>
                c.expiresAt === null ? "never" : <span title={dateText(c.expiresAt)}>{ahead(c.expiresAt, now)}</span>,
              sort: (c) => c.expiresAt ?? Infinity,
            },
          ]}
        />
      </Card>
      <Card title="Accesses" wide>
        <Growth title="Accesses over time" counted={DECISIONS} hours={hours} now={now} />
      </Card>
      <Card title="Who asked" wide>
        <Table
          name="audit"
          rows={panel.audit}
          rowKey={(a) => String(a.seq)}
          empty="Nobody has asked yet."
          columns={[
            { name: "#", number: true, cell: (a) => countText(a.seq), sort: (a) => a.seq },
            { name: "when", cell: (a) => <Time at={a.at} now={now} />, sort: (a) => a.at },
            { name: "action", cell: (a) => a.action },
            { name: "names", cell: (a) => <code>{a.names.join(", ")}</code>, head: true },
            { name: "decision", cell: (a) => <span class={`state ${a.decision}`}>{a.decision}</span> },
            { name: "reasons", cell: (a) => a.reasons.join(", ") },
            { name: "who", cell: (a) => a.actor },
          ]}
        />
      </Card>
    </>
  );
}
