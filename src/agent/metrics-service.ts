// The agent's numbers: the counters of all processes from the store, the gauges of its services, a sample a minute for the
// plots, and the exports that were asked for. Nothing is written while nothing happens.
import type { Clock } from "../ports.ts";
import { otlpBody, prometheusText } from "../report/exposition.ts";
import { grownSince, statsLine } from "../report/growth.ts";
import { type Metrics, seriesOf } from "../report/metrics.ts";
import { CounterReader, Counters } from "../store/counters.ts";
import { type StoreFolder, writeWhole } from "../store/folder.ts";
import type { History } from "../dashboard/history.ts";
import type { Log } from "./log.ts";
import { type Route, send } from "./routes.ts";
import type { Service } from "./service.ts";

export interface MetricsOptions {
  readonly folder: StoreFolder;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly history: History;
  /** Whose numbers these are, beside the store's. */
  readonly services: readonly Service[];
  /** `metrics.log-stats`. */
  readonly logStats: boolean;
  /** `metrics.export` and `metrics.format`. */
  readonly exportAs: "json" | "prometheus" | undefined;
  readonly otlp: OtlpOptions | undefined;
  /** Tests look faster. */
  readonly sampleMs?: number;
}

export interface OtlpOptions {
  /** Full URL; `/v1/metrics` is added to one without a path. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly intervalMs: number;
}

export interface MetricsService extends Service {
  /** Counters and gauges, as they are now. */
  metrics(): Metrics;
  /** To be answered on the web port. */
  readonly webRoutes: readonly Route[];
}

const SAMPLE_MS = 60_000;
const STATS_MS = 3_600_000;
/** What kill -9 can cost of the agent's own counts; commands write theirs when they end. */
const FLUSH_MS = 5000;
/** A collector that hangs must not pile up requests. */
const OTLP_DEADLINE_MS = 10_000;

export function metricsService(options: MetricsOptions): MetricsService {
  const { folder, clock, services } = options;
  const reader = new CounterReader(folder);
  const counters = new Counters(folder);
  const grown = new Growth(counters);
  const timers = new Set<NodeJS.Timeout>();
  // Counters are as old as their store. A start of ours is no reset: a collector would add all of them again.
  const sinceMs = folder.files.stat(`${folder.path}/key`)?.mtimeMs ?? clock.now();
  let startedAt = clock.now();
  let lastExport: string | undefined;
  let logged: Metrics | undefined;

  const metrics = (): Metrics => {
    const gauges: Record<string, number> = {
      [seriesOf("foregone_agent_up_seconds")]: (clock.now() - startedAt) / 1000,
      [seriesOf("foregone_agent_resident_bytes")]: process.memoryUsage.rss(),
    };
    for (const service of services) Object.assign(gauges, service.gauges?.());
    return { ...sumsWith(reader.read(), grown.pending(services)), ...gauges };
  };
  const flush = async (): Promise<void> => {
    grown.take(services);
    await counters.flush();
  };
  const keep = (now: Metrics): void => {
    // What changes by itself would make every minute a change.
    const { foregone_agent_up_seconds: _, foregone_agent_resident_bytes: __, ...changing } = now;
    options.history.add({ t: clock.now(), v: changing });
  };
  const sample = async (): Promise<void> => {
    await flush();
    const now = metrics();
    keep(now);
    if (options.exportAs !== undefined) await writeExport(now);
  };
  const writeExport = async (now: Metrics): Promise<void> => {
    const [name, text] =
      options.exportAs === "prometheus"
        ? (["metrics.prom", prometheusText(now)] as const)
        : (["metrics.json", `${JSON.stringify(now, undefined, 2)}\n`] as const);
    if (text === lastExport) return;
    lastExport = text;
    await writeWhole(folder, `${folder.path}/${name}`, new TextEncoder().encode(text), "quick");
  };
  /** One line of what happened since the last one; a quiet hour has none. */
  const logStats = async (): Promise<void> => {
    if (!options.logStats) return;
    const now = metrics();
    const line = statsLine(grownSince(logged ?? now, now));
    logged = now;
    if (line !== undefined) options.log.write("info", `stats: ${line}`);
  };
  const push = async ({ endpoint, headers }: OtlpOptions): Promise<void> => {
    const body = JSON.stringify(otlpBody(metrics(), options.version, { sinceMs, nowMs: clock.now() }));
    const response = await fetch(otlpUrl(endpoint), {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(OTLP_DEADLINE_MS),
      redirect: "error",
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the collector answers ${response.status}`);
  };
  const every = (ms: number, what: string, work: () => Promise<void>): void => {
    let running = false;
    const timer = setInterval(() => {
      if (running) return;
      running = true;
      work()
        .catch((error: unknown) =>
          options.log.write("warning", `${what}: ${error instanceof Error ? error.message : String(error)}`),
        )
        .finally(() => (running = false));
    }, ms);
    timers.add(timer.unref());
  };

  return {
    name: "metrics",
    metrics,
    start() {
      startedAt = clock.now();
      // What the first minute adds is growth only beside what stood before it.
      logged = metrics();
      keep(logged);
      every(FLUSH_MS, "counting", flush);
      every(STATS_MS, "statistics", logStats);
      every(options.sampleMs ?? SAMPLE_MS, "sampling", sample);
      const { otlp } = options;
      if (otlp !== undefined) every(otlp.intervalMs, "OpenTelemetry", () => push(otlp));
      return Promise.resolve();
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      timers.clear();
      await sample().catch(() => undefined);
      await logStats();
    },
    status: () => ({ state: "up", detail: exportsText(options) }),
    webRoutes: [
      {
        method: "GET",
        path: "/metrics",
        handle: ({ response }) =>
          send(response, 200, "text/plain; version=0.0.4; charset=utf-8", prometheusText(metrics())),
      },
      {
        method: "GET",
        path: "/metrics.json",
        handle: ({ response }) => send(response, 200, "application/json; charset=utf-8", JSON.stringify(metrics())),
      },
    ],
  };
}

/** Turns what services counted since their start into what the surviving counters must grow by. */
class Growth {
  readonly #counters: Counters;
  readonly #taken = new Map<Service, Metrics>();

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  take(services: readonly Service[]): void {
    for (const [service, series, delta] of this.#each(services)) {
      this.#counters.add(series, delta);
      const before = this.#taken.get(service);
      this.#taken.set(service, { ...before, [series]: (before?.[series] ?? 0) + delta });
    }
  }

  /** Counted, and not yet in the store. */
  pending(services: readonly Service[]): Metrics {
    const sums: Record<string, number> = {};
    for (const [, series, delta] of this.#each(services)) sums[series] = (sums[series] ?? 0) + delta;
    return sums;
  }

  *#each(services: readonly Service[]): Generator<readonly [Service, string, number]> {
    for (const service of services) {
      const before = this.#taken.get(service);
      for (const [series, value] of Object.entries(service.counted?.() ?? {})) {
        const delta = value - (before?.[series] ?? 0);
        if (delta > 0) yield [service, series, delta];
        // A service that was started anew counts from 0 again.
        else if (delta < 0) this.#taken.set(service, { ...this.#taken.get(service), [series]: 0 });
      }
    }
  }
}

function sumsWith(sums: Metrics, more: Metrics): Metrics {
  const all: Record<string, number> = { ...sums };
  for (const [series, value] of Object.entries(more)) all[series] = (all[series] ?? 0) + value;
  return all;
}

function otlpUrl(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === "/") url.pathname = "/v1/metrics";
  return url.href;
}

function exportsText({ exportAs, otlp }: MetricsOptions): string {
  const parts = [
    exportAs === undefined ? [] : [`written as ${exportAs}`],
    otlp === undefined ? [] : [`sent to ${new URL(otlp.endpoint).host}`],
  ].flat();
  return parts.length === 0 ? "counted" : parts.join(", ");
}
