// Puts the API proxy together from the configuration: keys, store, engine, doors. Used by serve, exec, the action and the agent.
import { fleetSecret } from "./fleet.ts";
import { type SharedApi, sharedApi } from "./shared.ts";
import { trimBounds, engineOptions } from "./options.ts";
import type { Config } from "../../config/settings.ts";
import type { ApiEvent } from "../../github/effects.ts";
import { type ApiProxy, type ApiProxyOptions, type KeySource, startApiProxy } from "../../github/proxy.ts";
import type { RuleFile } from "../../github/rules.ts";
import { keySource, passingKeys, ruleFile } from "../../github/state.ts";
import { trim } from "../../github/trim.ts";
import { nodeHasher, systemClock, systemRandom } from "../../node/ports.ts";
import { nodeStoreFiles } from "../../node/store-files.ts";
import { diskStore } from "../../store/disk.ts";
import { type StoreFolder, openFolder } from "../../store/folder.ts";
import type { Fleet } from "../../store/fleet.ts";
import { type Store, StoreError } from "../../store/store.ts";

export interface OpenOptions {
  readonly config: Config;
  readonly env: Readonly<Record<string, string>>;
  /** Folder of the cache's own store. */
  readonly storeFolder: string;
  readonly doors: ApiProxyOptions["doors"];
  readonly origins?: Readonly<Record<string, string>>;
  readonly interactive?: boolean;
  /** Puts further layers (peers, a shared store) behind the disk. */
  readonly layers?: (disk: Store) => Store;
  /** Of those layers. */
  readonly fleet?: Fleet;
  readonly onEvent?: (event: ApiEvent) => void;
  readonly onBug?: (error: unknown) => void;
  /** Something is missing, and the proxy works without it. */
  readonly onNote?: (line: string) => void;
}

export interface OpenedApi extends ApiProxy {
  /** Undefined: in memory only. */
  readonly folder: StoreFolder | undefined;
}

export const apiPorts = { clock: systemClock, hasher: nodeHasher, random: systemRandom };

/** @throws ForegoneError if a door cannot be opened */
export async function openApiProxy(options: OpenOptions): Promise<OpenedApi> {
  const { config } = options;
  const kept = await openKept(options);
  const disk = kept.folder === undefined ? undefined : diskStore(quick(kept.folder));
  const near = disk === undefined ? undefined : (options.layers?.(disk) ?? disk);
  const shared = near === undefined ? undefined : await sharedOf(near, options);
  const store = shared?.store ?? near;
  const fleet = bothFleets(options.fleet, shared?.fleet);
  const secret = config["api.webhook.secret"];
  const proxy = await startApiProxy({
    ports: apiPorts,
    doors: options.doors,
    keys: kept.keys,
    ...(store !== undefined && { store }),
    ...(fleet !== undefined && { fleet }),
    ...(kept.rules !== undefined && { ruleFile: kept.rules }),
    engine: engineOptions(config),
    upstream: { origins: options.origins ?? {}, env: options.env },
    passHosts: config["api.pass-hosts"],
    ...(secret !== null && { webhookSecret: secret }),
    ...(options.interactive !== undefined && { interactive: options.interactive }),
    ...(options.onEvent !== undefined && { onEvent: options.onEvent }),
    ...(options.onBug !== undefined && { onBug: options.onBug }),
  });
  const trimming = trimmer(kept.folder, config);
  return {
    ...proxy,
    folder: kept.folder,
    async close(graceMs) {
      await proxy.close(graceMs);
      shared?.close();
      clearInterval(trimming);
      if (kept.folder !== undefined) await trimQuietly(kept.folder, config);
    },
  };
}

function sharedOf(near: Store, { env, config, onEvent, onNote }: OpenOptions): Promise<SharedApi | undefined> {
  return sharedApi(
    near,
    env,
    config,
    (event) => {
      if (event.type === "failed") onEvent?.({ kind: "store-failed", code: `${event.layer} ${event.code}` });
    },
    (line) => onNote?.(line),
  );
}

function bothFleets(a: Fleet | undefined, b: Fleet | undefined): Fleet | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    done(weak) {
      a.done(weak);
      b.done(weak);
    },
    took(ms) {
      a.took(ms);
      b.took(ms);
    },
    changed: (what) => a.changed?.(what),
  };
}

/** A candidate that a power cut tears does not open, which is a miss: not worth waiting for a disk on every one. */
export function quick(folder: StoreFolder): StoreFolder {
  return { ...folder, files: { ...folder.files, fsync: async () => undefined } };
}

interface Kept {
  readonly folder?: StoreFolder;
  readonly keys: KeySource;
  readonly rules?: RuleFile;
}

/** A disk that cannot be used costs persistence, not the proxy. */
async function openKept({ config, env, storeFolder, onNote }: OpenOptions): Promise<Kept> {
  if (!config["api.persistence"]) return { keys: passingKeys(systemRandom) };
  const fleet = await fleetSecret(env, config).catch((error: unknown) => {
    onNote?.(`this machine shares with nobody: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  try {
    const folder = openFolder({ ...apiPorts, files: nodeStoreFiles }, storeFolder);
    const keys = keySource(folder, systemRandom, fleet);
    return { folder, keys, rules: ruleFile(folder, systemRandom) };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    onNote?.(`the API cache is kept in memory only: ${error.message}`);
    return { keys: passingKeys(systemRandom) };
  }
}

/** Hourly, as uses are noted in files. */
const TRIM_MS = 3_600_000;

function trimmer(folder: StoreFolder | undefined, config: Config): NodeJS.Timeout | undefined {
  if (folder === undefined) return undefined;
  return setInterval(() => void trimQuietly(folder, config), TRIM_MS).unref();
}

async function trimQuietly(folder: StoreFolder, config: Config): Promise<void> {
  const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  // What could not be removed now is removed next time.
  await trim(folder, trimBounds(config), breathe).catch(() => 0);
}
