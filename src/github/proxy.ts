// The whole API proxy: engine, way to GitHub, doors. `foregone agent`, `foregone api serve`, `foregone api exec` and the action
// all run exactly this.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock, Hasher, Random } from "../ports.ts";
import type { Fleet } from "../store/fleet.ts";
import type { Store } from "../store/store.ts";
import type { AdminParts } from "./doors/admin.ts";
import { type ProxyDoor, openProxyDoor } from "./doors/connect.ts";
import { type DoorParts, openBaseUrlDoor, openSocketDoor } from "./doors/door.ts";
import { Presenter } from "./doors/present.ts";
import { DEFAULT_PASS_HOSTS } from "./doors/targets.ts";
import { Webhooks } from "./doors/webhook.ts";
import { type ApiEvent, sleepFor } from "./effects.ts";
import { DEFAULT_ENGINE, Engine, type EngineOptions } from "./engine.ts";
import type { Quota } from "./ledger.ts";
import type { RuleFile } from "./rules.ts";
import type { ApiKeys } from "./seal.ts";
import type { ApiStats } from "./stats.ts";
import { DEFAULT_UPSTREAM, type UpstreamOptions, undiciUpstream } from "./upstream.ts";

/** Where the keys of the cache come from. `renew` makes all that was kept unreadable. */
export interface KeySource {
  readonly keys: ApiKeys;
  renew(): ApiKeys;
}

export interface ApiProxyOptions {
  readonly ports: { readonly clock: Clock; readonly hasher: Hasher; readonly random: Random };
  readonly doors: {
    /** Path of the unix socket. */
    readonly socket?: string;
    /** Loopback port of the base URL; 0: any free one. */
    readonly baseUrlPort?: number;
    /** Loopback port of the CONNECT proxy; 0: any free one. */
    readonly proxyPort?: number;
  };
  readonly keys: KeySource;
  /** Undefined: in memory only. */
  readonly store?: Store;
  /** Of layers in `store` that let one machine fetch for many. */
  readonly fleet?: Fleet;
  readonly ruleFile?: RuleFile;
  readonly engine?: EngineOptions;
  readonly upstream?: Partial<UpstreamOptions>;
  readonly passHosts?: readonly string[];
  readonly webhookSecret?: string;
  /** Everybody who uses this proxy is a person at a terminal. */
  readonly interactive?: boolean;
  readonly onEvent?: (event: ApiEvent) => void;
  readonly onBug?: (error: unknown) => void;
}

export interface ApiStatus {
  readonly stats: ApiStats;
  readonly quotas: readonly Quota[];
  /** Host and media class, and whether the tag rule is proven there. */
  readonly rules: readonly {
    readonly for: string;
    readonly verdict: string;
    readonly matches: number;
    readonly mismatches: number;
  }[];
  readonly memory: { readonly bodies: number; readonly bytes: number; readonly keys: number };
  readonly doors: { readonly socket?: string; readonly apiUrl?: string; readonly proxy: boolean };
}

/** Ways in, as `GET /_foregone/doors` gives them to the socket's owner. */
export interface ApiDoors {
  readonly socket: string | undefined;
  /** "http://127.0.0.1:N", with the API root behind it on Enterprise servers. */
  readonly apiUrl: string | undefined;
  readonly proxy: { readonly url: string; readonly certificate: string } | undefined;
}

export interface ApiProxy extends ApiDoors {
  readonly engine: Engine;
  status(): ApiStatus;
  clear(): void;
  /** Answers under way get `graceMs` to finish; then all is durable or given up. */
  close(graceMs?: number): Promise<void>;
}

const GRACE_MS = 5000;

/** @throws ForegoneError if a door cannot be opened; those already open are closed again */
export async function startApiProxy(options: ApiProxyOptions): Promise<ApiProxy> {
  const { ports, doors } = options;
  const engineOptions = options.engine ?? DEFAULT_ENGINE;
  const upstreamOptions = { ...DEFAULT_UPSTREAM, ...options.upstream };
  const upstream = undiciUpstream(upstreamOptions);
  const onEvent = options.onEvent ?? (() => undefined);
  const engine = new Engine(
    { ...ports, upstream, sleep: sleepFor, onEvent },
    options.store,
    options.keys.keys,
    engineOptions,
    options.ruleFile,
    options.fleet,
  );
  const clear = (): void => engine.clear(options.keys.renew());
  const servers: Server[] = [];
  const opened: { apiUrl?: string; proxy?: ProxyDoor } = {};
  const ways = (): ApiDoors => ({
    socket: doors.socket,
    apiUrl: opened.apiUrl,
    proxy: opened.proxy && { url: opened.proxy.url, certificate: opened.proxy.leaf.certificate },
  });
  const status = (): ApiStatus => ({
    stats: engine.stats(),
    quotas: engine.quotas(),
    rules: engine
      .rules()
      .map(([key, { verdict, matches, mismatches }]) => ({ for: key, verdict, matches, mismatches })),
    memory: engine.memory(),
    doors: {
      ...(doors.socket !== undefined && { socket: doors.socket }),
      ...(opened.apiUrl !== undefined && { apiUrl: opened.apiUrl }),
      proxy: opened.proxy !== undefined,
    },
  });
  const admin: AdminParts = {
    webhooks: new Webhooks(options.webhookSecret),
    status,
    doors: ways,
    explain: (host, path) => engine.explain(host, path),
    invalidate: (what) => {
      engine.invalidate(what);
      options.fleet?.changed?.(what);
    },
    clear,
  };
  const parts: DoorParts = {
    engine,
    presenter: new Presenter(ports.hasher),
    onBug: options.onBug ?? (() => undefined),
    targets: { apiHosts: engineOptions.hosts, passHosts: options.passHosts ?? DEFAULT_PASS_HOSTS },
    admin,
    interactive: options.interactive ?? false,
  };
  const close = async (graceMs = GRACE_MS): Promise<void> => {
    await Promise.all(servers.map((server) => closeServer(server, graceMs)));
    opened.proxy?.close();
    await engine.flush();
    await upstream.close();
  };
  try {
    if (doors.socket !== undefined) servers.push(await openSocketDoor(parts, doors.socket));
    if (doors.baseUrlPort !== undefined) {
      const server = await openBaseUrlDoor(parts, doors.baseUrlPort);
      servers.push(server);
      opened.apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${engineOptions.hosts[0]?.root ?? ""}`;
    }
    if (doors.proxyPort !== undefined) {
      const through = upstreamOptions.env["https_proxy"] ?? upstreamOptions.env["HTTPS_PROXY"];
      opened.proxy = await openProxyDoor(parts, doors.proxyPort, ports.clock.now(), ports.random, through || undefined);
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return { engine, ...ways(), status, clear, close };
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
