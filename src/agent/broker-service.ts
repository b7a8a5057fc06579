// The credential broker as a service, and what the agent may know of credentials: names, times, who asked; never a value and
// never the master key. The list comes from our own commands as children, asked again only when the store's files changed.
import { execFile } from "node:child_process";
import { lstatSync, mkdirSync, chownSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CredentialsPanel } from "../dashboard/panels.ts";
import { accessCounts } from "../report/count.ts";
import type { Metrics } from "../report/metrics.ts";
import { countText } from "../report/units.ts";
import { type BrokerProcess, type BrokerProgram, startBrokerProcess } from "./broker-process.ts";
import { type Credential, credentialStates, panelOf } from "./credentials-panel.ts";
import type { Log } from "./log.ts";
import { RETRY_MS, type Service } from "./service.ts";

export interface BrokerServiceOptions extends Pick<BrokerProgram, "program" | "env"> {
  /** `secrets.dir`, absolute; as settings say that no repository can write. */
  readonly folder: string;
  /** `secrets.broker.socket`, absolute. */
  readonly socket: string;
  /** `secrets.broker.group`, by number: a broker of another uid can only give its socket to a group it is in. */
  readonly gid?: number;
  readonly log: Log;
  readonly now: () => number;
}

export interface BrokerService extends Service {
  panel(): Promise<CredentialsPanel>;
}

/** A store that is made later is served then; looking is two stats. */
const LOOK_MS = 10_000;
const LIST_DEADLINE_MS = 15_000;
/** Between readings that nobody waits for: each access changes the store's audit log, and a reading costs two processes. */
const REST_MS = 10_000;
const MAX_LIST_BYTES = 16 * 1024 * 1024;
/** Of the audit log, for the dashboard. */
const AUDIT_LINES = 100;

export function brokerService(options: BrokerServiceOptions): BrokerService {
  const { folder, socket, log } = options;
  let broker: BrokerProcess | undefined;
  let off = "not started";
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const lists = new Lists(options);

  const later = (ms: number): void => {
    timer = setTimeout(() => void serve(), ms).unref();
  };
  const serve = async (): Promise<void> => {
    const why = cannot(folder, socket);
    if (why !== undefined) {
      off = why;
      return later(LOOK_MS);
    }
    try {
      const owner = ownerOf(folder, options.gid);
      prepareFolder(dirname(socket), owner?.uid);
      const started = await startBrokerProcess({ ...options, ...(owner !== undefined && { owner }) });
      if (stopped) return started.stop();
      broker = started;
      log.write("info", `broker up at ${socket}`);
      void started.ended.then(() => {
        broker = undefined;
        off = "it ended; it is started again";
        if (stopped) return;
        log.write("error", "broker ended");
        later(RETRY_MS[0]);
      });
      failures = 0;
    } catch (error) {
      off = error instanceof Error ? error.message : String(error);
      log.write("warning", `broker: ${off}`);
      if (!stopped) later(Math.min(RETRY_MS[1], RETRY_MS[0] * 2 ** failures++));
    }
  };

  return {
    name: "broker",
    async start() {
      stopped = false;
      await serve();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      broker?.stop();
      await broker?.ended;
    },
    status() {
      if (broker === undefined) return { state: "off", detail: off };
      const { opened, denied, stored } = broker.numbers();
      const numbers = [`${countText(opened)} opened`, `${countText(denied)} denied`, `${countText(stored)} stored`];
      return { state: "up", detail: `${numbers.join(", ")}; ${socket}, audience ${broker.audience}` };
    },
    counted(): Metrics {
      const { opened = 0, denied = 0 } = broker?.numbers() ?? {};
      return Object.fromEntries(accessCounts(opened, denied));
    },
    gauges(): Metrics {
      const credentials = lists.known();
      return credentials === undefined ? {} : credentialStates(credentials, options.now());
    },
    look: () => lists.read(),
    panel: async () => panelOf(await lists.read(), options.now()),
  };
}

/** @returns why there can be no broker here now */
function cannot(folder: string, socket: string): string | undefined {
  if (lstatSync(join(folder, "credentials.json.enc"), { throwIfNoEntry: false }) === undefined)
    return `no credential store in ${folder}; to make one: foregone secrets init`;
  const parent = dirname(socket);
  const uid = process.geteuid?.() ?? 0;
  const stat = lstatSync(parent, { throwIfNoEntry: false });
  if (uid !== 0 && stat?.uid !== uid && !ours(dirname(parent), uid))
    return `${parent} is not this user's; credentials are opened directly, or set secrets.broker.socket`;
  return undefined;
}

function ours(folder: string, uid: number): boolean {
  return lstatSync(folder, { throwIfNoEntry: false })?.uid === uid;
}

/** Undefined: the agent's own user owns the folder. */
function ownerOf(folder: string, gid: number | undefined): BrokerProgram["owner"] {
  const stat = lstatSync(folder);
  if (process.geteuid?.() !== 0 || stat.uid === 0) return undefined;
  return { uid: stat.uid, gid: gid ?? stat.gid };
}

/** Root makes the folder for a broker that could not. One that is there stays as it is: the broker says if it is unsafe. */
function prepareFolder(path: string, uid: number | undefined): void {
  if (uid === undefined || lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chownSync(path, uid, -1);
}

interface Read {
  readonly credentials: readonly Credential[];
  readonly audit: readonly unknown[];
  /** Why there is no list. */
  readonly off?: string;
}

class Lists {
  readonly #options: BrokerServiceOptions;
  #stamp = "";
  #read: Read | undefined;
  /** Under way: whoever asks meanwhile waits for it, since each costs two processes and a busy store changes all the time. */
  #reading: Promise<Read> | undefined;
  #failedAt = 0;
  #readAt = 0;

  constructor(options: BrokerServiceOptions) {
    this.#options = options;
  }

  /** As last read; undefined if it could not be. Asks anew in the background if the store changed, after a rest. */
  known(): readonly Credential[] | undefined {
    if (this.#options.now() - this.#readAt >= REST_MS) void this.read();
    return this.#read?.off === undefined ? this.#read?.credentials : undefined;
  }

  async read(): Promise<Read> {
    while (this.#reading !== undefined) await this.#reading;
    const stamp = this.#stampNow();
    const again = this.#failedAt > 0 && this.#options.now() - this.#failedAt > RETRY_MS[1];
    if (this.#read !== undefined && stamp === this.#stamp && !again) return this.#read;
    this.#stamp = stamp;
    this.#failedAt = 0;
    this.#reading = this.#ask();
    this.#read = await this.#reading;
    this.#reading = undefined;
    this.#readAt = this.#options.now();
    return this.#read;
  }

  async #ask(): Promise<Read> {
    if (!this.#stamp.startsWith("there")) {
      const off = `no credential store in ${this.#options.folder}`;
      return { credentials: [], audit: [], off };
    }
    try {
      const credentials = (await this.#list(["secrets", "list", "--json"])) as readonly Credential[];
      const audit = await this.#list(["secrets", "audit", "--last", String(AUDIT_LINES), "--json"]);
      return { credentials, audit };
    } catch (error) {
      this.#failedAt = this.#options.now();
      return { credentials: [], audit: [], off: error instanceof Error ? error.message : String(error) };
    }
  }

  async #list(args: readonly string[]): Promise<readonly unknown[]> {
    const { program, env, folder, gid } = this.#options;
    const [file = "", ...script] = program;
    const owner = ownerOf(folder, gid);
    const text = await new Promise<string>((resolve, reject) => {
      const settings = { cwd: "/", env, timeout: LIST_DEADLINE_MS, maxBuffer: MAX_LIST_BYTES, ...owner };
      execFile(file, [...script, ...args], settings, (error, stdout, stderr) => {
        if (error !== null) return reject(new Error(firstLine(stderr) ?? error.message));
        resolve(stdout);
      });
    });
    // Not in the callback: what is thrown there ends the agent.
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : [];
  }

  #stampNow(): string {
    const stamps = ["credentials.json.enc", "audit.log"].map((name) => {
      const stat = lstatSync(join(this.#options.folder, name), { throwIfNoEntry: false });
      return stat === undefined ? "-" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    });
    return stamps[0] === "-" ? "none" : `there ${stamps.join(" ")}`;
  }
}

function firstLine(text: string): string | undefined {
  const [line = ""] = text.split("\n");
  return line === "" ? undefined : line.replace(/^foregone: (?:error \w+: )?/, "");
}
