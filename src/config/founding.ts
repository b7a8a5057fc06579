// The keys of the two founding files and their first implementation. Each is a name of one of our settings, or held (only
// one value makes sense, any other is refused), or retired (nothing here does that, and the note says what does instead).
// None is ignored in silence: docs/decisions/0081-founding-keys.md.
import type { Json } from "../core/canonical.ts";
import type { Key } from "./settings.ts";

export type Founding =
  | { readonly is: "alias"; readonly key: Key }
  | {
      readonly is: "held";
      /** The value that needs no word. */
      readonly value: Json;
      readonly why: string;
      /** What asking for another value does: nothing but a note, or the peers stay off. */
      readonly otherwise: "note" | "peers-off";
    }
  | { readonly is: "retired"; readonly why: string; readonly quiet?: Json };

const alias = (key: Key): Founding => ({ is: "alias", key });
const held = (value: Json, why: string, otherwise: "note" | "peers-off" = "note"): Founding => ({
  is: "held",
  value,
  why,
  otherwise,
});
const retired = (why: string, quiet?: Json): Founding => ({
  is: "retired",
  why,
  ...(quiet !== undefined && { quiet }),
});

const ALWAYS_VERIFIED = "every byte is verified by its digest; that cannot be switched off";
const BY_ETAG = "GitHub certifies each answer by its ETag, which covers every field of every kind of answer";
const FREE_304 = "a certified read (304) costs no quota, so nothing has to become staler when it runs low";
const COUNTED = "all metrics are always counted; choose by `metrics.export`";
const FRAMES = "frames are at most 64 KiB with flow control per stream; there is no buffer to size";
const SEALED = "values travel sealed and are mostly incompressible; nothing is compressed on the way";

/** Below `p2p:` in cache-config.yml, or at the top of p2p-config.yml. */
const P2P: Readonly<Record<string, Founding>> = {
  "p2p.peer_discovery": alias("p2p.discovery.enabled"),
  "p2p.bootstrap_peers": alias("p2p.discovery.bootstrap_peers"),
  "p2p.encryption.enabled": held(true, "peers always speak encrypted; set `p2p.enabled: false` instead", "peers-off"),
  "p2p.encryption.token_based": alias("p2p.security.encryption.key_derivation.use_github_token"),
  "p2p.network.protocol_version": held("1.0.0", "one protocol version is spoken"),
  "p2p.network.listen.transports": held(["tcp"], "one transport is spoken"),
  "p2p.discovery.methods.dht": retired(
    "a hash table over jobs that live minutes costs 358 ms CPU a look-up and finds the dead",
    false,
  ),
  "p2p.discovery.methods.circuit_relay": retired("a relayed byte is slower than GitHub's own answer", false),
  "p2p.discovery.methods.autonat": retired("a peer is dialled back by two others before it serves", false),
  "p2p.discovery.methods.hole_punching": retired("peers are for runners that can dial each other", false),
  "p2p.discovery.mdns.interval": retired("mDNS is asked at start and when peers are short"),
  "p2p.discovery.mdns.ttl": retired("announcements live as long as `p2p.discovery.github.peer_ttl_minutes`"),
  "p2p.discovery.dht.bucket_size": retired("there is no DHT"),
  "p2p.discovery.dht.query_timeout": retired("there is no DHT"),
  "p2p.discovery.relay.hop_limit": retired("there is no relay"),
  "p2p.discovery.relay.timeout": retired("there is no relay"),
  "p2p.discovery.relay.relay_addrs": retired("there is no relay", []),
  "p2p.discovery.autonat.enable_server": retired("there is no AutoNAT", false),
  "p2p.discovery.autonat.timeout": retired("there is no AutoNAT"),
  "p2p.security.encryption.enabled": held(
    true,
    "peers always speak encrypted; set `p2p.enabled: false` instead",
    "peers-off",
  ),
  "p2p.security.encryption.algorithm": held("AES-256-GCM", "one algorithm is used", "peers-off"),
  "p2p.security.encryption.key_derivation.key_size": held(256, "keys have 256 bits", "peers-off"),
  "p2p.security.access_control.verify_repository_access": held(
    true,
    "membership and the write policy decide; they cannot be switched off",
    "peers-off",
  ),
  "p2p.security.access_control.trust_bootstrap": retired("a bootstrap peer proves membership like any other", false),
  "p2p.security.content_verification.verify_hashes": held(true, ALWAYS_VERIFIED, "peers-off"),
  "p2p.security.content_verification.reject_invalid": held(true, ALWAYS_VERIFIED, "peers-off"),
  "p2p.cache_protocol.protocol_id": held("/github-cache/1.0.0", "one protocol is spoken", "peers-off"),
  "p2p.cache_protocol.message_types": retired("the frames are fixed by the protocol"),
  "p2p.cache_protocol.broadcast.enabled": retired("a value goes to its two owners, never to all", true),
  "p2p.cache_protocol.broadcast.strategy": held(
    "owners",
    "a value goes to its two owners; pushing it to all cost 191 messages a request at 1000 peers",
  ),
  "p2p.cache_protocol.broadcast.peer_count": retired("a value has two owners"),
  "p2p.cache_protocol.broadcast.retry_count": retired("a lost value is asked from the next owner or from GitHub"),
  "p2p.cache_protocol.sync.enabled": retired(
    "values are fetched when asked for; a periodic copy of everything is not",
    false,
  ),
  "p2p.cache_protocol.sync.interval": retired("there is no periodic copy"),
  "p2p.cache_protocol.sync.max_age": retired("there is no periodic copy"),
  "p2p.performance.buffers.read_buffer": retired(FRAMES),
  "p2p.performance.buffers.write_buffer": retired(FRAMES),
  "p2p.performance.compression.enabled": retired(SEALED, false),
  "p2p.performance.compression.algorithm": retired(SEALED),
  "p2p.performance.compression.level": retired(SEALED),
  "p2p.ipfs_accelerate.enabled": retired(
    "the founding peers' messages carry no bytes that GitHub could certify",
    false,
  ),
  "p2p.ipfs_accelerate.accept_accelerate_peers": retired(
    "the founding peers' messages carry no bytes that GitHub could certify",
    false,
  ),
  "p2p.ipfs_accelerate.shared_network_id": retired("the mesh is `p2p.network.network_id`"),
  "p2p.ipfs_accelerate.compatible_protocols": retired("one protocol is spoken"),
  "p2p.logging.level": alias("agent.log-level"),
  "p2p.logging.log_connections": retired("connections are logged at `agent.log-level: info`"),
  "p2p.logging.log_cache_ops": retired("cache operations are logged at `agent.log-level: debug`"),
  "p2p.logging.log_messages": retired("messages are logged at `agent.log-level: debug`", false),
  "p2p.monitoring.enabled": alias("metrics.enabled"),
  "p2p.monitoring.metrics": retired(COUNTED),
};

export const FOUNDING: Readonly<Record<string, Founding>> = {
  "cache.enabled": alias("api.enabled"),
  "cache.max_size": alias("api.max-entries"),
  "cache.default_ttl": alias("api.default-ttl"),
  "cache.directory": alias("store.directory"),
  "cache.persistence": alias("api.persistence"),
  ...P2P,
  "content_addressing.enabled": held(true, ALWAYS_VERIFIED),
  "content_addressing.validation.repos": held(true, BY_ETAG),
  "content_addressing.validation.workflows": held(true, BY_ETAG),
  "content_addressing.validation.runners": held(true, BY_ETAG),
  "rate_limiting.warning_threshold": alias("api.quota.warn"),
  "rate_limiting.aggressive_threshold": alias("api.quota.reserve"),
  "rate_limiting.cache_first_mode": retired(FREE_304),
  "monitoring.enabled": alias("metrics.enabled"),
  "monitoring.log_stats": alias("metrics.log-stats"),
  "monitoring.export_metrics": alias("metrics.export"),
  "monitoring.metrics_format": alias("metrics.format"),
  "operation_ttls.list_repos": alias("api.operation-ttls.list_repos"),
  "operation_ttls.get_repo_info": alias("api.operation-ttls.get_repo_info"),
  "operation_ttls.list_workflows": alias("api.operation-ttls.list_workflows"),
  "operation_ttls.get_workflow_runs": alias("api.operation-ttls.get_workflow_runs"),
  "operation_ttls.get_workflow_run": alias("api.operation-ttls.get_workflow_run"),
  "operation_ttls.list_runners": alias("api.operation-ttls.list_runners"),
  "operation_ttls.get_runner_status": alias("api.operation-ttls.get_runner_status"),
  "operation_ttls.copilot_completion": alias("api.operation-ttls.copilot_completion"),
  "operation_ttls.codeql_results": alias("codeql.cache-ttl"),
  "ipfs_accelerate_integration.enabled": retired(
    "the founding cache's files carry no bytes that GitHub could certify",
    false,
  ),
  "ipfs_accelerate_integration.use_compatible_formats": retired("formats are those of docs/format.md", false),
  "ipfs_accelerate_integration.share_with_accelerate": retired(
    "see `p2p.network.network_id`: members of one mesh share",
    false,
  ),
  "ipfs_accelerate_integration.accept_from_accelerate": retired(
    "see `p2p.network.network_id`: members of one mesh share",
    false,
  ),
};
