// `p2p:`: peers (docs/peers.md). `.github/p2p-config.yml` is this section in a file of its own, under the founding names.
import { bool, duration, integer, list, nullable, oneOf, size, text } from "../kind.ts";
import { setting } from "../setting.ts";

const port = integer(0, 65535);

export const p2pSettings = {
  "p2p.enabled": setting(bool, true, "share with peers; without FOREGONE_MESH_SECRET they are off all the same", {
    env: ["ENABLE_P2P_CACHE", "CACHE_ENABLE_P2P"],
    tighten: false,
  }),
  "p2p.listen_port": setting(nullable(port), null, "one port instead of the range; 0: any; null: `port_range`", {
    env: ["P2P_LISTEN_PORT", "CACHE_LISTEN_PORT"],
  }),
  "p2p.network.network_id": setting(
    nullable(text("host/owner/repository, or host/owner")),
    null,
    "the mesh; null: this repository",
    {
      tighten: "fixed",
    },
  ),
  "p2p.network.announce": setting(
    list(text("an address")),
    [],
    "addresses to tell others, if not the ones listened on",
    {
      tighten: "fixed",
    },
  ),
  "p2p.network.listen.addresses": setting(
    list(text("an IP address, or `private`")),
    ["private"],
    "interfaces to listen on; `private`: those with a private address; 0.0.0.0 must be asked for",
    { tighten: "fixed" },
  ),
  "p2p.network.listen.port_range.start": setting(port, 9000, "first port to try"),
  "p2p.network.listen.port_range.end": setting(port, 9010, "last port to try"),
  "p2p.network.connections.max_peers": setting(integer(1, 4096), 512, "connections at most"),
  "p2p.network.connections.min_peers": setting(integer(0, 4096), 2, "below this `foregone peers --check` fails"),
  "p2p.network.connections.timeout": setting(duration(), 3, "time to connect and to prove membership"),
  "p2p.network.connections.keepalive_interval": setting(duration(), 30, "time between two pings"),
  "p2p.network.ring_after": setting(duration(), 60, "a peer younger than this keeps nothing for others"),
  "p2p.discovery.enabled": setting(bool, true, "look for peers", { env: ["ENABLE_PEER_DISCOVERY"] }),
  "p2p.discovery.methods.github_cache_api": setting(bool, true, "find peers by keys in the Actions cache"),
  "p2p.discovery.methods.mdns": setting(
    bool,
    false,
    "find peers on the local network by multicast DNS, UDP port 5353",
    { tighten: false },
  ),
  "p2p.discovery.methods.bootstrap": setting(bool, true, "dial `bootstrap_peers`"),
  "p2p.discovery.bootstrap_peers": setting(list(text("a multiaddr")), [], "peers to dial first", {
    env: ["CACHE_BOOTSTRAP_PEERS"],
    tighten: "fixed",
  }),
  "p2p.discovery.static_file": setting(nullable(text("a path")), null, "file with one address a line", {
    tighten: "fixed",
  }),
  "p2p.discovery.shared_store": setting(nullable(text("a URL")), null, "shared store with addresses", {
    tighten: "fixed",
  }),
  "p2p.discovery.github.repository": setting(nullable(text("owner/repository")), null, "whose cache; null: this one", {
    tighten: "fixed",
  }),
  "p2p.discovery.github.peer_cache_key": setting(text("text"), "p2p-peers", "prefix of the cache keys"),
  "p2p.discovery.github.peer_ttl_minutes": setting(duration("m"), 15, "life of an announcement, in minutes"),
  "p2p.discovery.github.discovery_interval": setting(duration(), 300, "time between two listings"),
  "p2p.discovery.github.max_peers_per_query": setting(integer(1, 100), 10, "peers dialled per listing"),
  "p2p.security.encryption.key_derivation.use_github_token": setting(
    bool,
    false,
    "derive the mesh key from GH_TOKEN: weak, and a job's GITHUB_TOKEN makes a mesh of one",
    { tighten: false },
  ),
  "p2p.security.encryption.key_derivation.pbkdf2_iterations": setting(
    integer(1, 100_000_000),
    600_000,
    "rounds for a pass-phrase; below 600000 is raised to it",
    { tighten: "higher" },
  ),
  "p2p.security.access_control.peer_allowlist": setting(
    list(text("a peer id")),
    [],
    "only these peers; empty: all members",
    {
      tighten: "fixed",
    },
  ),
  "p2p.security.access_control.peer_blocklist": setting(list(text("a peer id")), [], "never these peers", {
    tighten: "more",
  }),
  "p2p.security.access_control.root_keys": setting(list(text("a public key")), [], "keys that sign grants off GitHub", {
    tighten: "fixed",
  }),
  "p2p.security.content_verification.max_content_size": setting(
    size,
    16_777_216,
    "a larger value is not taken from a peer",
    {
      tighten: "lower",
    },
  ),
  "p2p.cache_protocol.budget": setting(
    nullable(duration()),
    null,
    "time an API read may lose to peers that do not answer; null: a quarter of GitHub's latency, at most 50ms",
  ),
  "p2p.cache_protocol.lease.wait": setting(oneOf("once", "never"), "once", "wait for a peer that is fetching the same"),
  "p2p.performance.throttling.max_messages_per_sec": setting(
    integer(1, 1_000_000),
    2000,
    "messages a second from one peer",
    {
      tighten: "lower",
    },
  ),
  "p2p.performance.throttling.max_bandwidth_per_peer": setting(size, 67_108_864, "bytes a second from one peer", {
    tighten: "lower",
  }),
} as const;
