// The agent's life: lock, services, socket, until told to stop. Crash-only: everything worth keeping is already on disk when
// it is acknowledged, so stopping is only good manners and kill -9 is a way to stop.
import { EXIT, ForegoneError } from "../core/errors.ts";
import type { Clock } from "../ports.ts";
import { takeLock } from "./lock.ts";
import type { Log } from "./log.ts";
import type { AgentPlace } from "./paths.ts";
import { type Route, sendJson } from "./routes.ts";
import { RETRY_MS, type Service, type ServiceStatus, STOP_MS } from "./service.ts";
import { listenOn } from "./socket.ts";

export interface DaemonOptions {
  readonly place: AgentPlace;
  readonly services: readonly Service[];
  readonly log: Log;
  readonly clock: Clock;
  readonly version: string;
  /** Absolute. */
  readonly store: string;
  /** Default `STOP_MS`. */
  readonly stopMs?: number;
}

export interface AgentStatus {
  readonly version: string;
  readonly pid: number;
  readonly store: string;
  readonly socket: string;
  readonly startedAt: number;
  readonly upMs: number;
  readonly rssBytes: number;
  readonly services: Readonly<Record<string, ServiceStatus>>;
}

export interface Daemon {
  /** Resolves when it has stopped, by `stop` or over its socket. */
  readonly stopped: Promise<void>;
  stop(why: string): Promise<void>;
  status(): AgentStatus;
}

/**
 * @throws ForegoneError E_LOCKED: another agent serves this user and store; or what a required service throws
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { place, services, log, clock, stopMs = STOP_MS } = options;
  const lock = await takeLock(place.lockName);
  if (lock === undefined)
    throw new ForegoneError("E_LOCKED", `an agent already serves ${options.store}`, {
      exitCode: EXIT.locked,
      hint: "foregone agent status",
    });
  const startedAt = clock.now();
  const failures = new Map<Service, string>();
  const timers = new Set<NodeJS.Timeout>();
  let stopping: Promise<void> | undefined;
  let ended: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => (ended = resolve));

  const start = async (service: Service, attempt: number): Promise<void> => {
    try {
      await service.start();
      failures.delete(service);
      const { state, detail = "" } = service.status();
      if (service.hidden !== true) log.write("info", `${service.name} ${state === "off" ? `off: ${detail}` : state}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      failures.set(service, why);
      log.write("error", `${service.name} failed: ${why}`);
      await service.stop().catch(() => undefined);
      if (service.required === true) throw error;
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          if (stopping === undefined) void start(service, attempt + 1);
        },
        Math.min(RETRY_MS[1], RETRY_MS[0] * 2 ** attempt),
      );
      timers.add(timer.unref());
    }
  };

  const status = (): AgentStatus => ({
    version: options.version,
    pid: process.pid,
    store: options.store,
    socket: place.socket,
    startedAt,
    upMs: clock.now() - startedAt,
    rssBytes: process.memoryUsage.rss(),
    services: Object.fromEntries(
      services
        .filter((service) => service.hidden !== true)
        .map((service) => [service.name, statusOf(service, failures.get(service))]),
    ),
  });

  const close = async (why: string): Promise<void> => {
    log.write("info", `stopping: ${why}`);
    for (const timer of timers) clearTimeout(timer);
    await control.close(stopMs);
    for (const service of services.toReversed()) await within(stopMs, service.stop());
    await lock.release();
    log.write("info", "stopped");
    ended();
  };
  const stop = (why: string): Promise<void> => (stopping ??= close(why));

  const own: Route[] = [
    { method: "GET", path: "/v1/status", handle: ({ response }) => sendJson(response, 200, status()) },
    {
      method: "POST",
      path: "/v1/stop",
      handle: ({ response }) => {
        response.once("finish", () => void stop("asked over the socket"));
        sendJson(response, 200, { pid: process.pid });
      },
    },
  ];
  // Bound before the services start: whoever asks during a slow start gets an answer, and a second start a clear error.
  const control = await listenOn(place.folder, place.socket, [
    ...own,
    ...services.flatMap((service) => service.routes ?? []),
  ]);
  try {
    for (const service of services) await start(service, 0);
  } catch (error) {
    await stop("a required service failed");
    throw error;
  }
  log.write("info", `agent ${options.version} up, pid ${process.pid}, store ${options.store}`);
  return { stopped, stop, status };
}

function statusOf(service: Service, failure: string | undefined): ServiceStatus {
  if (failure !== undefined) return { state: "failed", detail: failure };
  return service.status();
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
