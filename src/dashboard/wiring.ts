// Puts the port together: page, data, metrics. Used by the agent and by `foregone dashboard` alone.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentStatus } from "../agent/daemon.ts";
import { type Route, send } from "../agent/routes.ts";
import type { Digest } from "../core/digest.ts";
import { decodeRecord } from "../core/record-codec.ts";
import type { ActionRecord } from "../core/record.ts";
import type { Clock, Deflate } from "../ports.ts";
import { decisionLog } from "../store/decisions.ts";
import type { StoreFolder } from "../store/folder.ts";
import type { Store } from "../store/store.ts";
import { type ApiSources, apiRoutes } from "./api.ts";
import { DecisionIndex } from "./decision-index.ts";
import { History } from "./history.ts";
import { liveRoute } from "./live.ts";
import type { Panels } from "./panels.ts";
import { webService, type WebService } from "./server.ts";

export interface DashboardOptions {
  readonly port: number;
  readonly token: string;
  readonly folder: StoreFolder;
  readonly store: Store;
  readonly deflate: Deflate;
  readonly clock: Clock;
  readonly version: string;
  /** Folder of the built page; undefined: only /metrics. */
  readonly page: string | undefined;
  /** `dashboard.decisions`. */
  readonly maxDecisionBytes: number;
  readonly history: History;
  readonly metrics: () => Readonly<Record<string, number>>;
  /** /metrics and its like: sums only. */
  readonly metricsRoutes: readonly Route[];
  readonly panels: Panels;
  readonly agent?: () => AgentStatus;
}

export function dashboardService(options: DashboardOptions): WebService {
  const log = decisionLog(options.folder, options.maxDecisionBytes);
  const sources: ApiSources = {
    clock: options.clock,
    version: options.version,
    log,
    index: new DecisionIndex(log),
    history: options.history,
    metrics: options.metrics,
    record: (digest) => loadRecord(options.store, options.deflate, digest),
    panels: options.panels,
    ...(options.agent && { agent: options.agent }),
  };
  return webService({
    name: "dashboard",
    port: options.port,
    token: options.token,
    open: [...options.metricsRoutes, ...(options.page === undefined ? [] : pageRoutes(options.page))],
    closed: options.page === undefined ? [] : [...apiRoutes(sources), liveRoute(sources)],
  });
}

async function loadRecord(store: Store, deflate: Deflate, digest: Digest): Promise<ActionRecord | undefined> {
  const bytes = await store.blobs.get(digest).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const decoded = decodeRecord(bytes, deflate);
  return decoded.kind === "record" ? decoded.record : undefined;
}

const PAGE = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/app.js", "app.js", "text/javascript; charset=utf-8"],
  ["/style.css", "style.css", "text/css; charset=utf-8"],
  ["/icon.svg", "icon.svg", "image/svg+xml"],
] as const;

/** Read once: 70 kB that the first look should not wait for. @throws ENOENT if the page was not built */
function pageRoutes(folder: string): readonly Route[] {
  return PAGE.map(([path, file, type]) => {
    const bytes = readFileSync(join(folder, file));
    return { method: "GET", path, handle: ({ response }) => send(response, 200, type, bytes) };
  });
}

/** @param maxAgeMs `dashboard.history` */
export function historyOf(folder: StoreFolder, maxAgeMs?: number): History {
  // 43,200 samples of a month at about 1 kB are 43 MB; 32 MiB holds what changes in a real month.
  return new History({ files: folder.files, path: `${folder.path}/history`, maxBytes: 32 * 1024 * 1024 }, maxAgeMs);
}
