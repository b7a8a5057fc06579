// `store:`, `agent:`, `dashboard:`, `metrics:`: where things are kept and shown.
import { bool, duration, integer, list, map, nullable, oneOf, size, text } from "../kind.ts";
import { setting } from "../setting.ts";

export const storeSettings = {
  "store.directory": setting(text("a folder"), "~/.cache/foregone", "the store on disk, private to you (0700)", {
    env: ["FOREGONE_CACHE_DIR", "CACHE_DIR"],
    tighten: "fixed",
  }),
  "store.memory": setting(size, "64MiB", "blobs kept in the agent's memory"),
  "store.disk": setting(size, "5GiB", "bytes on disk above which the least recently used records go"),
  "store.max-age": setting(duration(), "30d", "records and blobs that nobody used for this long go"),
  "store.shared": setting(
    list(text("a URL: redis://, rediss://, s3:// or https://")),
    [],
    "shared stores, asked in this order after disk and peers",
    {
      tighten: "fixed",
    },
  ),
  "store.trust": setting(
    oneOf("members", "signed"),
    "signed",
    "whose records in a shared store count: `members`, all who hold FOREGONE_MESH_SECRET; `signed`, `trusted-keys`",
    { tighten: ["members", "signed"] },
  ),
  "store.trusted-keys": setting(
    list(text("32 bytes in base64url or hex", /^(?:[A-Za-z0-9_-]{43}|[0-9a-f]{64})$/)),
    [],
    "public keys whose records count (`foregone shared new-key`)",
    { tighten: "fewer" },
  ),
  "store.deadline": setting(duration(), "2s", "a layer that has not answered by then is a miss", {}),
  "store.retry-after-failures": setting(
    integer(1, 1000),
    3,
    "failures in a row after which a layer is off for this run",
  ),
} as const;

export const agentSettings = {
  "agent.enabled": setting(
    bool,
    true,
    "use a running agent: its API proxy, its tracer, its numbers; false: commands do all themselves",
  ),
  "agent.socket": setting(
    nullable(text("a path")),
    null,
    "control socket; null: `$XDG_RUNTIME_DIR/foregone/agent.sock`",
    {
      tighten: "fixed",
    },
  ),
  "agent.port": setting(integer(0, 65535), 9464, "loopback port of metrics and dashboard; 0: any free one"),
  "agent.services": setting(
    list(oneOf("store", "api", "broker", "tracer", "peers", "metrics", "dashboard")),
    ["store", "api", "broker", "tracer", "peers", "metrics", "dashboard"],
    "what the agent hosts",
    { tighten: "fewer" },
  ),
  "agent.log-level": setting(oneOf("error", "warning", "info", "debug"), "info", "what goes into the agent's log"),
  "agent.log-size": setting(size, "8MiB", "the log is rotated at this size; one old file is kept"),
} as const;

export const metricsSettings = {
  "metrics.enabled": setting(bool, true, "count what happens; the counters survive restarts"),
  "metrics.log-stats": setting(
    bool,
    true,
    "a line of statistics in the agent's log, every hour in which something happened and at its end",
  ),
  "metrics.export": setting(bool, false, "write `metrics.prom` or `metrics.json` into the store folder every minute"),
  "metrics.format": setting(oneOf("json", "prometheus"), "json", "format of `metrics.export`"),
  "metrics.otlp.endpoint": setting(
    nullable(text("an http(s) URL")),
    null,
    "OpenTelemetry collector (OTLP/HTTP, JSON); null: off",
    {
      tighten: "fixed",
    },
  ),
  "metrics.otlp.headers": setting(map(text("text")), {}, "headers for the collector, as JSON", {
    tighten: "fixed",
    secret: true,
  }),
  "metrics.otlp.interval": setting(duration(), "1m", "time between two exports"),
} as const;

export const dashboardSettings = {
  "dashboard.enabled": setting(bool, true, "serve the dashboard beside the metrics"),
  "dashboard.history": setting(duration(), "30d", "how far back plots reach; older samples are dropped"),
  "dashboard.decisions": setting(size, "256MiB", "disk for the log of decisions; the oldest go first"),
} as const;
