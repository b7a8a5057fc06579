// The GitHub API proxy as a service: the same that `foregone api serve` runs, on the same socket, so that `foregone api exec` and
// gh find it. Its libraries are loaded when it starts: an agent without it is 15 MB smaller.
import { apiPlace } from "../cli/api/place.ts";
import type { OpenedApi } from "../cli/api/open.ts";
import type { Config } from "../config/settings.ts";
import type { QuotaPanel } from "../dashboard/panels.ts";
import { readCounts } from "../report/count.ts";
import { type Metrics, seriesOf } from "../report/metrics.ts";
import { countText } from "../report/units.ts";
import type { Log } from "./log.ts";
import type { PeersService } from "./peers-service.ts";
import type { Service } from "./service.ts";

export interface ApiService extends Service {
  panel(): QuotaPanel | undefined;
}

export interface ApiServiceOptions {
  readonly context: { readonly cwd: string; readonly env: Readonly<Record<string, string>> };
  readonly config: Config;
  readonly log: Log;
  /** Undefined: this machine shares with nobody. */
  readonly peers: PeersService | undefined;
}

export function apiService({ context, config, log, peers }: ApiServiceOptions): ApiService {
  let opened: OpenedApi | undefined;
  return {
    name: "api",
    async start() {
      const { openApiProxy } = await import("../cli/api/open.ts");
      const { socket, store } = apiPlace(context, config);
      opened = await openApiProxy({
        // One name of the network for the mesh and for the cache's key, or peers would send what this machine cannot open.
        config: peers === undefined ? config : { ...config, "p2p.network.network_id": peers.network },
        env: context.env,
        storeFolder: store,
        doors: { socket, baseUrlPort: 0, ...(config["api.proxy-door"] && { proxyPort: 0 }) },
        origins: config["api.upstreams"],
        ...(peers && {
          fleet: peers.fleet,
          layers: peers.apiLayers,
        }),
        onNote: (line) => log.write("warning", `api: ${line}`),
        onEvent: (event) => log.write("info", `api: ${JSON.stringify(event)}`),
        onBug: (error) =>
          log.write("error", `api: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
      });
      if (peers !== undefined) peers.onChanged = (changed) => opened?.engine.invalidate(changed);
    },
    async stop() {
      const closing = opened;
      opened = undefined;
      await closing?.close();
    },
    status() {
      if (opened === undefined) return { state: "off" };
      const { stats, doors } = opened.status();
      const { reads, certified, paid, fresh, coalesced, stale } = stats;
      const numbers = `${countText(reads)} reads: ${countText(certified)} certified (304), ${countText(paid)} paid, ${countText(fresh + coalesced)} fresh, ${countText(stale)} stale`;
      return { state: "up", detail: `${numbers}; ${doors.socket ?? ""}, ${doors.apiUrl ?? ""}` };
    },
    counted(): Metrics {
      if (opened === undefined) return {};
      return Object.fromEntries(readCounts(opened.status().stats));
    },
    gauges(): Metrics {
      const gauges: Record<string, number> = {};
      for (const { resource, remaining, limit } of opened?.status().quotas ?? []) {
        // Of several tokens the one that runs out first is the one to see.
        const series = seriesOf("foregone_api_quota_remaining", { resource });
        if (remaining >= (gauges[series] ?? Number.POSITIVE_INFINITY)) continue;
        gauges[series] = remaining;
        gauges[seriesOf("foregone_api_quota_limit", { resource })] = limit;
      }
      return gauges;
    },
    panel() {
      if (opened === undefined) return undefined;
      const { stats, quotas, rules } = opened.status();
      return {
        quotas: quotas.map(({ resource, limit, remaining, resetS }) => ({
          resource,
          limit,
          remaining,
          resetAt: resetS * 1000,
        })),
        operations: Object.entries(stats.byOperation).map(([operation, counts]) => ({ operation, ...counts })),
        rules,
      };
    },
  };
}
