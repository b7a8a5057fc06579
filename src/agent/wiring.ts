// Puts the agent together from the configuration: the one place that knows which service is which.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ResolvedConfig } from "../config/resolve.ts";
import { historyOf, dashboardService } from "../dashboard/wiring.ts";
import type { Panels } from "../dashboard/panels.ts";
import type { WebService } from "../dashboard/server.ts";
import { storeCounts } from "../report/count.ts";
import { sumOf } from "../report/metrics.ts";
import { countText } from "../report/units.ts";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeDeflate, nodeStoreFiles } from "../node/store-files.ts";
import { diskStore } from "../store/disk.ts";
import { openFolder, type StoreFolder } from "../store/folder.ts";
import { layered } from "../store/layers.ts";
import { memoryStore } from "../store/memory.ts";
import { apiService } from "./api-service.ts";
import type { AgentStatus } from "./daemon.ts";
import { type Log, openLog } from "./log.ts";
import { metricsService, type MetricsService } from "./metrics-service.ts";
import { type AgentPlace, agentPlace } from "./paths.ts";
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
}

export interface AgentParts {
  readonly place: AgentPlace;
  readonly log: Log;
  readonly services: readonly Service[];
  readonly web: WebService | undefined;
  readonly token: string;
}

export function placeOf(context: AgentContext, { config }: ResolvedConfig): AgentPlace {
  const uid = process.getuid?.() ?? 0;
  const session = `/run/user/${uid}`;
  return agentPlace({
    hasher: nodeHasher,
    runtime: context.env["XDG_RUNTIME_DIR"] || (existsSync(session) ? session : undefined),
    uid,
    store: context.store,
    defaultStore: context.defaultStore,
    socket: config["agent.socket"],
  });
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
  if (wanted.has("store")) services.push(storeLayers(folder, config));
  const api = wanted.has("api") && config["api.enabled"] ? apiService({ context, config, log }) : undefined;
  if (api !== undefined) services.push(api);
  if (wanted.has("tracer") && process.geteuid?.() === 0) services.push(tracerOf(config, log));
  if (wanted.has("broker"))
    services.push(elsewhere("broker", "a process of its own, under another uid: foregone secrets broker"));
  if (wanted.has("peers")) services.push(elsewhere("peers", "not hosted by the agent in this version"));
  const panels: Panels = { ...(api && { quota: async () => api.panel() }) };
  const metrics = config["metrics.enabled"] ? metricsOf(context, resolved, folder, log, services) : undefined;
  if (metrics !== undefined) services.push(metrics);
  const token = await dashboardToken(folder);
  const web = webOf(context, resolved, { folder, metrics, token, panels, status, wanted });
  if (web !== undefined) services.push(web);
  services.push(aboutService(metrics, web, token));
  return { place, log, services, web, token };
}

/** Named in the status, so that nobody waits for it. */
function elsewhere(name: string, detail: string): Service {
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
function aboutService(metrics: MetricsService | undefined, web: WebService | undefined, token: string): Service {
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
        handle: ({ response }) => sendJson(response, 200, metrics?.metrics() ?? {}),
      },
    ],
  };
}

/** 64 MiB: the largest output a skip restores. */
const MAX_BLOB_BYTES = 64 * 1024 * 1024;

function storeLayers(folder: StoreFolder, config: ResolvedConfig["config"]): Service {
  const sums: Record<string, number> = {};
  const store = layered({
    memory: memoryStore(nodeHasher, config["store.memory"]),
    disk: diskStore(folder),
    far: [],
    bounds: {
      deadlineMs: config["store.deadline"],
      maxBytes: MAX_BLOB_BYTES,
      maxFailures: config["store.retry-after-failures"],
    },
    clock: systemClock,
    hasher: nodeHasher,
    onEvent: (event) => {
      for (const [series, delta] of storeCounts(event)) sums[series] = (sums[series] ?? 0) + delta;
    },
  });
  return storeService({
    store,
    hasher: nodeHasher,
    counted: () => sums,
    detail: () => {
      const found = (layer: string): string =>
        countText(sumOf(sums, "foregone_store_operations_total", { layer, found: "true" }));
      const lookups = sumOf(sums, "foregone_store_operations_total");
      return `${countText(lookups)} answers: ${found("memory")} from memory, ${found("disk")} from disk`;
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
    history: historyOf(folder),
    services,
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
    history: historyOf(folder),
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
