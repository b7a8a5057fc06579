// Commands, GitHub API, peers, credentials, agent: one table or plot each.
import type { CommandSums } from "../../decision-index.ts";
import type { Sample } from "../../history.ts";
import type { CredentialsPanel, PeersPanel, QuotaPanel } from "../../panels.ts";
import { parseSeries, sumsBy } from "../../../report/metrics.ts";
import { useData } from "../hooks.ts";
import { Bars } from "../parts/bars.tsx";
import { Card, Facts, Time, Verdict, Waiting } from "../parts/bits.tsx";
import { Lines } from "../parts/line.tsx";
import { type Column, Table } from "../parts/table.tsx";
import type { ViewProps } from "../view.ts";
import { ahead, bytesText, commandText, countText, dateText, longDuration, percent, reasonText } from "../words.ts";

export function Commands({ summary, now }: ViewProps) {
  const loaded = useData<readonly CommandSums[]>("api/commands", summary.decisions);
  const columns: readonly Column<CommandSums>[] = [
    { name: "command", cell: (c) => <a href={`#/decisions?text=${encodeURIComponent(c.command.join(" "))}`}><code>{commandText(c.command)}</code></a>, head: true },
    { name: "where", cell: (c) => <code title={c.workspace}>{c.job ?? placeText(c)}</code> },
    { name: "skipped", number: true, cell: (c) => percent(c.skips, c.skips + c.runs), sort: (c) => c.skips / (c.skips + c.runs) },
    { name: "decisions", number: true, cell: (c) => countText(c.skips + c.runs), sort: (c) => c.skips + c.runs },
    { name: "saved", number: true, cell: (c) => longDuration(c.savedMs), sort: (c) => c.savedMs },
    { name: "ran most because", cell: (c) => topReason(c) },
    { name: "last", cell: (c) => <span class="nowrap"><a href={`#/decisions/${c.lastId}`}><Verdict decision={{ kind: c.lastKind }} /></a> <Time at={c.lastAt} now={now} /></span>, sort: (c) => c.lastAt },
  ];
  return (
    <Card title="Commands" wide aside={<span class="quiet">what skips, what does not, and why</span>}>
      {loaded.data === undefined ? <Waiting loaded={loaded} what="commands" /> : <Table name="commands" rows={loaded.data} columns={columns} rowKey={(c) => c.key} empty="No command was decided yet." />}
    </Card>
  );
}

/** The repository's folder and where in it: the whole path is in the title. */
function placeText({ workspace, cwd }: CommandSums): string {
  const name = workspace.slice(workspace.lastIndexOf("/") + 1);
  return cwd === "." ? name : `${name}/${cwd}`;
}

function topReason({ reasons }: CommandSums): string {
  const [top] = Object.entries(reasons).sort((a, b) => b[1] - a[1]);
  return top === undefined ? "–" : `${reasonText(top[0])} (${countText(top[1])})`;
}

const OUTCOMES = [
  ["certified", "certified (304, free)", "skip"],
  ["fresh", "under a lease", "fresh"],
  ["paid", "paid", "run"],
  ["stale", "stale", "false"],
] as const;

export function Api({ summary, hours, now }: ViewProps) {
  const panel = useData<QuotaPanel | null>("api/quota", summary.now);
  const names = [
    ...OUTCOMES.map(([outcome]) => `foregone_api_requests_total{outcome="${outcome}"}`),
    ...["core", "graphql", "search"].map((resource) => `foregone_api_quota_remaining{resource="${resource}"}`),
  ];
  const history = useData<readonly Sample[]>(`api/history?hours=${hours}&names=${encodeURIComponent(names.join(","))}`, Math.floor(now / 60_000));
  const samples = history.data ?? [];
  const stepMs = hours <= 24 ? 3_600_000 : hours <= 168 ? 6 * 3_600_000 : 86_400_000;
  const times = Array.from({ length: Math.ceil((hours * 3_600_000) / stepMs) }, (_, i) => Math.floor((now - hours * 3_600_000) / stepMs + i + 1) * stepMs);
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
          stacks={OUTCOMES.map(([outcome, label, tone]) => ({ label, tone, values: increases(samples, `foregone_api_requests_total{outcome="${outcome}"}`, times, stepMs) }))}
        />
      </Card>
      <Card title="Quota" wide>
        <Lines title="Requests left" from={now - hours * 3_600_000} to={now} series={quotas.filter((q) => q.points.length > 0)} />
      </Card>
      <Card title="Quota now">
        {panel.data === undefined || panel.data === null ? (
          <p class="quiet">The API proxy is not running here: <code>foregone agent start</code></p>
        ) : (
          <Table
            name="quotas"
            rows={panel.data.quotas}
            rowKey={(q) => `${q.resource}${q.partition}`}
            empty="No answer of GitHub was seen yet."
            columns={[
              { name: "resource", cell: (q) => q.resource, head: true },
              { name: "token", cell: (q) => <code>{q.partition}</code> },
              { name: "left", number: true, cell: (q) => `${countText(q.remaining)} of ${countText(q.limit)}`, sort: (q) => q.remaining },
              { name: "resets", cell: (q) => ahead(q.resetAt, now) },
            ]}
          />
        )}
      </Card>
      <Card title="Routes">
        <Table
          name="routes"
          rows={panel.data?.routes ?? []}
          rowKey={(r) => r.route}
          empty="No read yet."
          columns={[
            { name: "route", cell: (r) => <code>{r.route}</code>, head: true },
            { name: "paid", number: true, cell: (r) => countText(r.paid), sort: (r) => r.paid },
            { name: "certified", number: true, cell: (r) => countText(r.certified), sort: (r) => r.certified },
            { name: "lease", number: true, cell: (r) => countText(r.fresh), sort: (r) => r.fresh },
          ]}
        />
      </Card>
    </div>
  );
}

/** Growth of a counter in each step; a counter that fell was started anew. */
export function increases(samples: readonly Sample[], name: string, times: readonly number[], stepMs: number): readonly number[] {
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

export function Peers({ summary }: ViewProps) {
  const loaded = useData<PeersPanel | null>("api/peers", summary.now);
  const panel = loaded.data;
  if (panel === undefined || panel === null || panel.self === undefined)
    return (
      <Card title="Peers" wide>
        <p class="quiet">{panel?.off ?? "Peers are off here: set FOREGONE_MESH_SECRET and start the agent."}</p>
      </Card>
    );
  return (
    <Card title="Peers" wide>
      <Facts facts={[["this peer", <code>{panel.self.id}</code>], ["network", panel.self.network], ["role", panel.self.role], ["listening", panel.self.addresses.join(", ")]]} />
      <Table
        name="peers"
        rows={panel.peers}
        rowKey={(p) => p.id}
        empty="No peer is known."
        columns={[
          { name: "peer", cell: (p) => <code>{p.id}</code>, head: true },
          { name: "address", cell: (p) => <code>{p.address}</code> },
          { name: "role", cell: (p) => p.role },
          { name: "round trip", number: true, cell: (p) => (p.rttMs === null ? "–" : `${p.rttMs.toFixed(1)} ms`), sort: (p) => p.rttMs ?? Infinity },
          { name: "asked", number: true, cell: (p) => countText(p.asked), sort: (p) => p.asked },
          { name: "hits", number: true, cell: (p) => countText(p.hits), sort: (p) => p.hits },
          { name: "served", number: true, cell: (p) => countText(p.served), sort: (p) => p.served },
          { name: "state", cell: (p) => p.state },
        ]}
      />
    </Card>
  );
}

export function Credentials({ summary, now }: ViewProps) {
  const loaded = useData<CredentialsPanel | null>("api/credentials", summary.now);
  const panel = loaded.data;
  if (panel === undefined || panel === null || panel.off !== undefined)
    return (
      <Card title="Credentials" wide>
        <p class="quiet">{panel?.off ?? <>There is no credential store here: <code>foregone secrets init</code></>}</p>
      </Card>
    );
  return (
    <>
      <Card title="Credentials" wide aside={<span class="quiet">names and times only; no value ever leaves the broker</span>}>
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
            { name: "expires", cell: (c) => (c.expiresAt === null ? "never" : <span title={dateText(c.expiresAt)}>{ahead(c.expiresAt, now)}</span>), sort: (c) => c.expiresAt ?? Infinity },
          ]}
        />
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

export function Agent({ summary }: ViewProps) {
  const { agent, metrics } = summary;
  const layers = Object.keys(sumsBy(metrics, "foregone_store_operations_total", "layer"));
  return (
    <>
      <Card title="Agent" wide>
        {agent === null ? (
          <p class="quiet">No agent runs; everything works directly. <code>foregone agent start</code></p>
        ) : (
          <>
            <Facts facts={[["version", agent.version], ["process", String(agent.pid)], ["up", longDuration(agent.upMs)], ["memory", bytesText(agent.rssBytes)], ["store", <code>{agent.store}</code>]]} />
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
            { name: "answered", number: true, cell: (layer) => countText(of(metrics, "foregone_store_operations_total", { layer })) },
            { name: "found", number: true, cell: (layer) => countText(of(metrics, "foregone_store_operations_total", { layer, found: "true" })) },
            { name: "bytes", number: true, cell: (layer) => bytesText(of(metrics, "foregone_store_bytes_total", { layer })) },
            { name: "mean time", number: true, cell: (layer) => mean(of(metrics, "foregone_store_seconds_total", { layer }), of(metrics, "foregone_store_operations_total", { layer })) },
            { name: "failed", number: true, cell: (layer) => countText(of(metrics, "foregone_store_failures_total", { layer })) },
            { name: "bad bytes", number: true, cell: (layer) => countText(of(metrics, "foregone_store_bad_bytes_total", { layer })) },
          ]}
        />
      </Card>
    </>
  );
}

function of(metrics: Readonly<Record<string, number>>, name: string, labels: Readonly<Record<string, string>>): number {
  let sum = 0;
  for (const [series, value] of Object.entries(metrics)) {
    const parsed = parseSeries(series);
    if (parsed?.name === name && Object.entries(labels).every(([label, wanted]) => parsed.labels[label] === wanted)) sum += value;
  }
  return sum;
}

function mean(seconds: number, count: number): string {
  return count === 0 ? "–" : `${((1000 * seconds) / count).toFixed(2)} ms`;
}
