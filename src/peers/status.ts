// What a peer says of itself and of the others: for `foregone peers`, the dashboard and metrics.
import type { Discovery, RegistryState } from "./discovery.ts";
import type { Peer } from "./open.ts";
import type { Member } from "./member.ts";

export interface PeersStatus {
  readonly network: string;
  readonly epoch: number;
  /** Names the secret without telling it: equal on all machines, or they are strangers to each other. */
  readonly key: string;
  readonly self: {
    readonly id: string;
    readonly role: "ring node" | "member";
    /** Where it can be dialled; none: every port of the range is taken. */
    readonly listening: readonly string[];
    readonly ringSize: number;
    readonly upMs: number;
    readonly writes: string | null;
  };
  readonly peers: readonly PeerStatus[];
  readonly counts: Readonly<Record<"asked" | "hits" | "leases" | "waits" | "hedgesWon" | "budgetsSpent", number>>;
  readonly kept: { readonly values: number; readonly bytes: number; readonly leases: number };
  /** Connections that did not become members, by why. */
  readonly refused: Readonly<Record<string, number>>;
  readonly registries: readonly RegistryState[];
  /** Addresses where nobody answered yet. */
  readonly silent: readonly string[];
}

export interface PeerStatus {
  readonly id: string;
  readonly address: string;
  readonly role: "ring node" | "member";
  readonly rttMs: number | null;
  readonly asked: number;
  readonly hits: number;
  readonly served: number;
  readonly upMs: number;
  /** "up", or why it rests. */
  readonly state: string;
}

export function statusOf({ mesh, getter }: Peer, discovery: Discovery, writes: string | undefined): PeersStatus {
  const now = mesh.options.clock.monotonicMs();
  const [key] = mesh.options.keys;
  return {
    network: mesh.options.network,
    epoch: key.epoch,
    key: key.kid.toString("hex"),
    self: {
      id: mesh.name,
      role: mesh.isRingNode ? "ring node" : "member",
      listening: mesh.addresses,
      ringSize: mesh.ringSize,
      upMs: Math.round(mesh.upMs),
      writes: writes ?? null,
    },
    peers: mesh.members.map((member) => peerStatus(member, now, mesh.options.limits.ringAfterMs)),
    counts: { ...getter.counts },
    kept: mesh.owner.facts,
    refused: Object.fromEntries(mesh.refusals),
    registries: discovery.states,
    silent: mesh.dialer.waiting,
  };
}

function peerStatus(member: Member, now: number, ringAfterMs: number): PeerStatus {
  const rest = member.breaker.rest(now);
  const rtt = member.session.rtt.or(-1);
  return {
    id: member.name,
    address: shown(member),
    role: member.reachable && member.upMs(now) >= ringAfterMs ? "ring node" : "member",
    rttMs: rtt < 0 ? null : rtt,
    ...member.counts,
    upMs: Math.round(member.upMs(now)),
    state: rest === undefined ? "up" : `resting: ${rest.why}, next try in ${Math.ceil(rest.leftMs / 1000)} s`,
  };
}

/** `10.0.4.21:9000`; without a port it cannot be dialled. */
function shown({ addresses, session }: Member): string {
  const [, ip, port] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(addresses[0] ?? "") ?? [];
  return ip === undefined ? session.duplex.remoteAddress : `${ip}:${port}`;
}
