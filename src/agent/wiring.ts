// Puts the agent together from the configuration: the one place that knows which service is which.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { configurationOf, expandPath, withoutRepository } from "../cli/configuration.ts";
import { groupId } from "../cli/secrets/group-id.ts";
import type { ResolvedConfig } from "../config/resolve.ts";
import { historyOf, dashboardService } from "../dashboard/wiring.ts";
import type { Panels } from "../dashboard/panels.ts";
import { scansPanel } from "../dashboard/scans.ts";
import type { WebService } from "../dashboard/server.ts";
import { storeCounts } from "../report/count.ts";
import type { CacheNames } from "../peers/registry/actions-cache.ts";
import { sumOf } from "../report/metrics.ts";
import { countText } from "../report/units.ts";
import { SMALL_HEAP } from "../node/heap.ts";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../node/store-files.ts";
import { diskStore } from "../store/disk.ts";
import { openFolder, type StoreFolder } from "../store/folder.ts";
import { layered } from "../store/layers.ts";
import { memoryStore } from "../store/memory.ts";
import type { OnStoreEvent } from "../store/events.ts";
import { apiService } from "./api-service.ts";
import { brokerService, type BrokerServiceOptions } from "./broker-service.ts";
import type { AgentStatus } from "./daemon.ts";
import { type Log, openLog } from "./log.ts";
import { metricsService, type MetricsService } from "./metrics-service.ts";
import type { AgentPlace } from "./paths.ts";
import type { PeersService } from "./peers-service.ts";
import { hostedPeers } from "./peers-wiring.ts";
import { placeOf } from "./place.ts";
import { sendJson } from "./routes.ts";
import type { Service } from "./service.ts";
import { storeService } from "./store-service.ts";
import { dashboardToken } from "./token.ts";
import { tracerService } from "./tracer-service.ts";

export interface AgentContext {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  /** Absolute: root of the store, and what it would be unasked. */
  readonly store: string;
  readonly defaultStore: string;
  /** The cache service of the job that this agent serves, for addresses of peers. */
  readonly caches?: CacheNames;
}

export interface AgentParts {
  readonly place: AgentPlace;
  readonly log: Log;
  readonly services: readonly Service[];
  readonly web: WebService | undefined;
  readonly token: string;
}

/**
 * @param status of the agent that these parts will run in, asked only when it runs; undefined: there is none
 * @throws StoreError if the store cannot be opened
 */
export async function agentParts(
  context: AgentContext,
  resolved: ResolvedConfig,
  status: (() => AgentStatus) | undefined,
): Promise<AgentParts> {
  const { config } = resolved;
  const place = placeOf(context, resolved);
  const log = openLog({
    path: place.log,
    level: config["agent.log-level"],
    maxBytes: config["agent.log-size"],
    now: () => new Date(systemClock.now()).toISOString(),
  });
  const folder = openFolder(
    { files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom },
    context.store,
  );
  const wanted = new Set<string>(config["agent.services"]);
  const services: Service[] = [];
  /** Hosted if asked for and possible; else named in the status with the reason. */
  const host = <T extends Service>(name: string, refusal: string | undefined, make: () => T): T | undefined => {
    const why = wanted.has(name) ? refusal : "not in agent.services";
    const made = why === undefined ? make() : undefined;
    services.push(made ?? offService(name, why ?? ""));
    return made;
  };
  const broker = await brokerOptions(context, log);
  const sums: Record<string, number> = {};
  const onStoreEvent: OnStoreEvent = (event) => {
    for (const [series, delta] of storeCounts(event)) sums[series] = (sums[series] ?? 0) + delta;
  };
  const hosted = wanted.has("peers") ? await hostedPeers(context, config, { place, log, folder, onStoreEvent }) : "";
  const off = typeof hosted === "string" ? hosted : undefined;
  const peers = host("peers", off, () => hosted as PeersService);
  host("store", undefined, () => storeLayers(folder, config, peers, sums, onStoreEvent));
  const api = host("api", config["api.enabled"] ? undefined : "api.enabled is false", () =>
    apiService({ context, config, log, peers }),
  );
  const root = process.geteuid?.() === 0;
  host("tracer", root ? undefined : "only an agent of root can trace for others", () => tracerOf(config, log));
  const credentials = host("broker", broker.refusal, () => brokerService(broker.options));
  const panels: Panels = {
    ...(api && { quota: async () => api.panel() }),
    peers: peers === undefined ? async () => ({ self: undefined, off: off ?? "", peers: [] }) : () => peers.panel(),
    ...(credentials && { credentials: () => credentials.panel() }),
    scans: async () => scansPanel(folder),
  };
  const metrics = config["metrics.enabled"] ? metricsOf(context, resolved, folder, log, services) : undefined;
  services.push(metrics ?? offService("metrics", "metrics.enabled is false"));
  const token = await dashboardToken(folder);
  const web = webOf(context, resolved, { folder, metrics, token, panels, status, wanted });
  services.push(web ?? offService("dashboard", "neither dashboard nor metrics are wanted here"));
  services.push(aboutService(services, metrics, web, token));
  return { place, log, services, web, token };
}

/** The broker's settings are those that no repository can write. */
async function brokerOptions(
  { cwd, env }: AgentContext,
  log: Log,
): Promise<{ readonly options: BrokerServiceOptions; readonly refusal: string | undefined }> {
  const outside = withoutRepository({ cwd, env });
  const { config } = await configurationOf(outside);
  const group = config["secrets.broker.group"];
  const [script = ""] = process.argv.slice(1);
  const options = {
    program: [process.execPath, ...SMALL_HEAP, script],
    env: outside.env,
    folder: expandPath(config["secrets.dir"], outside),
    socket: expandPath(config["secrets.broker.socket"], outside),
    log,
    now: () => systemClock.now(),
  };
  try {
    return { options: { ...options, ...(group !== null && { gid: groupId(group) }) }, refusal: undefined };
  } catch (error) {
    return { options, refusal: error instanceof Error ? error.message : String(error) };
  }
}

/** Named in the status with the reason, so that nobody waits for it. */
function offService(name: string, detail: string): Service {
  const done = (): Promise<void> => Promise.resolve();
  return { name, start: done, stop: done, status: () => ({ state: "off", detail }) };
}

/** Only root can trace for others; anybody else's agent has no such service. */
function tracerOf(config: ResolvedConfig["config"], log: Log): Service {
  const [script = ""] = process.argv.slice(1);
  return tracerService({
    log,
    tracer: [process.execPath, script, "tracer"],
    maxRingBytes: config["trace.ring"],
    hardLimitMs: config["trace.hard-limit"],
  });
}

/** What commands ask the agent about itself; no service of its own in the status. */
function aboutService(
  services: readonly Service[],
  metrics: MetricsService | undefined,
  web: WebService | undefined,
  token: string,
): Service {
  const url = (): string | null => (web === undefined ? null : `${web.address()}/#token=${token}`);
  return {
    name: "about",
    hidden: true,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    status: () => ({ state: "up" }),
    routes: [
      { method: "GET", path: "/v1/dashboard", handle: ({ response }) => sendJson(response, 200, { url: url() }) },
      {
        method: "GET",
        path: "/v1/metrics",
        handle: async ({ response }) => {
          await Promise.all(services.flatMap((service) => service.look?.() ?? []));
          sendJson(response, 200, metrics?.metrics() ?? {});
        },
      },
    ],
  };
}

function storeLayers(
  folder: StoreFolder,
  config: ResolvedConfig["config"],
  peers: PeersService | undefined,
  sums: Readonly<Record<string, number>>,
  onStoreEvent: OnStoreEvent,
): Service {
  const store = layered({
    memory: memoryStore(nodeHasher, config["store.memory"]),
    disk: diskStore(folder),
    far: peers === undefined ? [] : [peers.store],
    clock: systemClock,
    hasher: nodeHasher,
    onEvent: onStoreEvent,
  });
  return storeService({
    store,
    hasher: nodeHasher,
    counted: () => sums,
    detail: () => {
      const found = (layer: string): string =>
        countText(sumOf(sums, "foregone_store_operations_total", { layer, found: "true" }));
      const lookups = sumOf(sums, "foregone_store_operations_total");
      const far = peers === undefined ? "" : `, ${found("peers")} from peers`;
      return `${countText(lookups)} answers: ${found("memory")} from memory, ${found("disk")} from disk${far}`;
    },
  });
}

function metricsOf(
  { version }: AgentContext,
  { config }: ResolvedConfig,
  folder: StoreFolder,
  log: Log,
  services: readonly Service[],
): MetricsService {
  const endpoint = config["metrics.otlp.endpoint"];
  return metricsService({
    folder,
    clock: systemClock,
    log,
    version,
    history: historyOf(folder, config["dashboard.history"]),
    services,
    logStats: config["metrics.log-stats"],
    exportAs: config["metrics.export"] ? config["metrics.format"] : undefined,
    otlp:
      endpoint === null
        ? undefined
        : { endpoint, headers: config["metrics.otlp.headers"], intervalMs: config["metrics.otlp.interval"] },
  });
}

interface WebParts {
  readonly folder: StoreFolder;
  readonly metrics: MetricsService | undefined;
  readonly token: string;
  readonly panels: Panels;
  readonly status: (() => AgentStatus) | undefined;
  readonly wanted: ReadonlySet<string>;
}

/** One port for both; none if neither is wanted. */
function webOf(context: AgentContext, { config }: ResolvedConfig, parts: WebParts): WebService | undefined {
  const { folder, metrics, wanted } = parts;
  const page = wanted.has("dashboard") && config["dashboard.enabled"] ? pageFolder() : undefined;
  const exposed = wanted.has("metrics") ? metrics : undefined;
  if (page === undefined && exposed === undefined) return undefined;
  return dashboardService({
    port: config["agent.port"],
    token: parts.token,
    folder,
    store: diskStore(folder),
    deflate: nodeDeflate,
    clock: systemClock,
    version: context.version,
    page,
    maxDecisionBytes: config["dashboard.decisions"],
    history: historyOf(folder, config["dashboard.history"]),
    metrics: metrics === undefined ? () => ({}) : () => metrics.metrics(),
    metricsRoutes: exposed?.webRoutes ?? [],
    panels: parts.panels,
    ...(parts.status && { agent: parts.status }),
  });
}

/** Where the build puts the page: beside the bundle this file is in. Undefined in a bundle without it (an action). */
export function pageFolder(): string | undefined {
  const folder = join(dirname(fileURLToPath(import.meta.url)), "dashboard");
  return existsSync(join(folder, "index.html")) ? folder : undefined;
}
