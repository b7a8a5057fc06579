// Peers as a service of the agent: one peer a machine, whose two layers the store and the API proxy use as soon as it is up.
import type { Config } from "../config/settings.ts";
import type { PeersPanel } from "../dashboard/panels.ts";
import { nodeHasher, systemClock } from "../node/ports.ts";
import type { Discovery } from "../peers/discovery.ts";
import type { PeerEvent } from "../peers/events.ts";
import { lateLayer } from "../peers/late-layer.ts";
import type { Changed } from "../peers/messages.ts";
import type { Peer } from "../peers/open.ts";
import { type PeersStatus, statusOf } from "../peers/status.ts";
import type { PeerRegistry } from "../peers/registry/registry.ts";
import { type Metrics, seriesOf } from "../report/metrics.ts";
import { countText, plural } from "../report/units.ts";
import type { OnStoreEvent } from "../store/events.ts";
import type { Fleet } from "../store/fleet.ts";
import { type FarLayer, layered } from "../store/layers.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "./log.ts";
import type { PeersPlan } from "./peers-plan.ts";
import { sendJson } from "./routes.ts";
import type { Service } from "./service.ts";

export interface PeersService extends Service {
  /** Records and blobs. */
  readonly store: FarLayer;
  /** Puts API candidates of others below the disk. */
  readonly apiLayers: (disk: Store) => Store;
  readonly fleet: Fleet;
  readonly network: string;
  /** Who is told when another machine changed something. */
  onChanged: (changed: Changed) => void;
  panel(): Promise<PeersPanel>;
}

export interface PeersServiceOptions {
  readonly plan: PeersPlan;
  readonly config: Config;
  readonly version: string;
  readonly log: Log;
  readonly blobs: (name: string) => Promise<Uint8Array | undefined>;
  readonly registries: readonly PeerRegistry[];
  readonly onStoreEvent: OnStoreEvent;
}

const LAYER = "peers";
/** A layer that is off after failures is tried again: peers come and go. */
const REST_MS = 30_000;

export function peersService(options: PeersServiceOptions): PeersService {
  const { plan, config, version, log } = options;
  /** Bytes of API answers that a peer had; whether GitHub then certified them is counted by the API cache. */
  let apiHits = 0;
  let running: { readonly peer: Peer; readonly discovery: Discovery } | undefined;
  const bounds = {
    deadlineMs: config["store.deadline"],
    maxBytes: config["p2p.security.content_verification.max_content_size"],
    maxFailures: config["store.retry-after-failures"],
    restMs: REST_MS,
  };
  const status = (): PeersStatus | undefined =>
    running && statusOf(running.peer, running.discovery, plan.writer(systemClock.now())?.scope);

  const service: PeersService = {
    name: "peers",
    store: { store: lateLayer(LAYER, () => running?.peer.store), bounds },
    apiLayers: (disk) =>
      layered({
        disk,
        far: [{ store: lateLayer(LAYER, () => running?.peer.api), bounds }],
        clock: systemClock,
        hasher: nodeHasher,
        onEvent: (event) => {
          options.onStoreEvent(event);
          if (event.type === "done" && event.layer === LAYER && event.operation === "get" && event.found) apiHits++;
        },
      }),
    network: plan.network,
    fleet: {
      done: (weak) => running?.peer.api.done(weak),
      took: (ms) => running?.peer.api.took(ms),
      changed: (what) => running?.peer.api.changed?.(what),
    },
    onChanged: () => undefined,
    async start() {
      for (const note of plan.notes) log.write("warning", `peers: ${note}`);
      const [{ openPeer }, { Discovery }] = await Promise.all([
        import("../peers/open.ts"),
        import("../peers/discovery.ts"),
      ]);
      const peer = await openPeer({
        ...plan,
        clock: systemClock,
        agent: `foregone ${version}`,
        announce: config["p2p.network.announce"],
        allow: new Set(config["p2p.security.access_control.peer_allowlist"]),
        block: new Set(config["p2p.security.access_control.peer_blocklist"]),
        waits: config["p2p.cache_protocol.lease.wait"] === "once",
        budgetMs: config["p2p.cache_protocol.budget"],
        writer: () => plan.writer(systemClock.now()),
        blobs: options.blobs,
        onChanged: (changed) => service.onChanged(changed),
        onEvent: (event) => log.write(levelOf(event), `peers: ${JSON.stringify(event)}`),
      });
      if (peer.listening === undefined)
        log.write("warning", "peers: no port of the range is free: this peer only dials");
      const discovery = new Discovery(peer.mesh, {
        registries: config["p2p.discovery.enabled"] ? options.registries : [],
        intervalMs: config["p2p.discovery.github.discovery_interval"],
        enough: Math.max(1, config["p2p.network.connections.min_peers"]),
      });
      running = { peer, discovery };
      // Not waited for: registries may take seconds, and the agent serves meanwhile.
      void discovery.start();
    },
    async stop() {
      const ending = running;
      running = undefined;
      await ending?.discovery.stop();
      await ending?.peer.stop();
    },
    status() {
      const now = status();
      if (now === undefined) return { state: "off" };
      const { asked, hits } = now.counts;
      const share = asked === 0 ? "" : `, ${countText(hits)} of ${countText(asked)} found`;
      return {
        state: "up",
        detail: `${plural(now.peers.length, "peer")} connected${share}; ${now.self.listening.join(", ") || "dials only"}`,
      };
    },
    routes: [{ method: "GET", path: "/v1/peers", handle: ({ response }) => sendJson(response, 200, status() ?? null) }],
    counted: () => ({
      [seriesOf("foregone_api_peer_hits_total")]: apiHits,
      ...(running && countedOf(running.peer)),
    }),
    gauges: () => ({ [seriesOf("foregone_peers_connected")]: running?.peer.mesh.members.length ?? 0 }),
    async panel() {
      const now = status();
      if (now === undefined) return { self: undefined, off: "peers are not up", peers: [] };
      const { id, role, listening } = now.self;
      return { self: { id, network: now.network, role, addresses: listening }, peers: now.peers };
    },
  };
  return service;
}

function levelOf({ kind }: PeerEvent): "warning" | "info" {
  return kind === "peer-bad-bytes" || kind === "peer-bad-value" ? "warning" : "info";
}

function countedOf({ mesh, getter }: Peer): Metrics {
  const { messagesIn, messagesOut, bytesIn, bytesOut, served } = mesh.traffic;
  return {
    [seriesOf("foregone_peer_messages_total", { direction: "in" })]: messagesIn,
    [seriesOf("foregone_peer_messages_total", { direction: "out" })]: messagesOut,
    [seriesOf("foregone_peer_bytes_total", { direction: "in" })]: bytesIn,
    [seriesOf("foregone_peer_bytes_total", { direction: "out" })]: bytesOut,
    [seriesOf("foregone_peer_entries_total", { direction: "in" })]: getter.counts.hits,
    [seriesOf("foregone_peer_entries_total", { direction: "out" })]: served,
  };
}
