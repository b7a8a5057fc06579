// How `foregone peers` reads.
import { countText, durationText, plural } from "./units.ts";

/** As `/v1/peers` of the agent says it (peers/status.ts). */
export interface PeersFacts {
  readonly network: string;
  readonly epoch: number;
  readonly key: string;
  readonly self: {
    readonly id: string;
    readonly role: string;
    readonly listening: readonly string[];
    readonly ringSize: number;
    readonly upMs: number;
    readonly writes: string | null;
  };
  readonly peers: readonly {
    readonly id: string;
    readonly address: string;
    readonly role: string;
    readonly rttMs: number | null;
    readonly asked: number;
    readonly hits: number;
    readonly served: number;
    readonly upMs: number;
    readonly state: string;
  }[];
  readonly counts: Readonly<Record<"asked" | "hits" | "leases" | "waits" | "hedgesWon" | "budgetsSpent", number>>;
  readonly kept: { readonly values: number; readonly bytes: number; readonly leases: number };
  readonly refused: Readonly<Record<string, number>>;
  readonly registries: readonly { readonly name: string; readonly found: number; readonly failed?: string }[];
  readonly silent: readonly string[];
}

export function peersText(facts: PeersFacts): string {
  const { self, counts, kept } = facts;
  const where = self.listening.map(place).join(", ") || "nowhere, it only dials";
  const lines = [
    `network    ${facts.network}   epoch ${facts.epoch}   key ${facts.key}`,
    `this peer  ${self.id}  ${self.role} (${plural(self.ringSize, "node")} in the ring)  listening ${where}  up ${durationText(self.upMs)}`,
    `records    ${self.writes === null ? "read only: no grant" : `written to ${self.writes}`}`,
    ...table(facts.peers),
    `so far     ${countText(counts.asked)} asked  ${countText(counts.hits)} hits${share(counts)}  ${countText(counts.leases)} leases  ${countText(counts.waits)} waits  ${countText(counts.hedgesWon)} hedges won  ${countText(counts.budgetsSpent)} budgets spent`,
    `kept       ${plural(kept.values, "value")} for others, ${plural(kept.leases, "lease")} out`,
  ];
  const refused = Object.entries(facts.refused).filter(([why]) => why !== "stopped");
  lines.push(`refused    ${refused.map(([why, times]) => `${countText(times)} ${why}`).join("  ") || "nobody"}`);
  for (const { name, found, failed } of facts.registries)
    lines.push(`registry   ${name}: ${failed ?? plural(found, "address", "addresses")}`);
  for (const address of facts.silent) lines.push(`silent     ${place(address)}`);
  return `${lines.join("\n")}\n`;
}

function table(peers: PeersFacts["peers"]): readonly string[] {
  if (peers.length === 0) return ["peers      none connected"];
  const rows = [
    ["peer", "address", "role", "rtt", "asked", "hits", "served", "state"],
    ...peers.map((peer) => [
      `${peer.id.slice(0, 12)}..${peer.id.slice(-4)}`,
      peer.address,
      peer.role,
      peer.rttMs === null ? "-" : `${peer.rttMs.toFixed(1)} ms`,
      countText(peer.asked),
      countText(peer.hits),
      countText(peer.served),
      peer.state === "up" ? `up ${durationText(peer.upMs)}` : peer.state,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, n) => (n >= 3 && n <= 6 ? cell.padStart(widths[n] ?? 0) : cell.padEnd(widths[n] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

function share({ asked, hits }: PeersFacts["counts"]): string {
  return asked === 0 ? "" : ` (${Math.round((100 * hits) / asked)}%)`;
}

/** `/ip4/10.0.4.17/tcp/9000` -> `10.0.4.17:9000`. */
function place(address: string): string {
  const [, ip, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? [];
  return ip === undefined ? address : `${ip}:${port}`;
}
