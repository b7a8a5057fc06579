// setup-github-cache, main: starts the agent, proves with one free call that GitHub is reached through it, and only then tells
// later steps. Whatever goes wrong is one notice and `fallback`: they ask GitHub themselves.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { askAgentJson } from "../agent/client.ts";
import { askSocket } from "../cli/api/client.ts";
import { deliver } from "./github-cache-deliver.ts";
import { type CacheInputs, readCacheInputs } from "./github-cache-inputs.ts";
import { endDaemon, isRunning, SOCKETS } from "./github-cache-process.ts";
import type { Ready, Report, Start } from "./github-cache-supervisor.ts";
import type { Host } from "./host.ts";

export type CacheStatus = "success" | "fallback" | "disabled";

/** For the post step. */
export const STATE = { folder: "folder", pid: "pid", store: "store", pack: "pack", perKey: "per-key" } as const;
/** A cold hosted runner needs 2 s. */
const START_MS = 15_000;
const PROBE_MS = 5000;
/** A dial and a handshake take 0.1 s. */
const PEERS_MS = 1000;
/** sun_path holds 107 bytes on Linux, 103 on macOS; "/agent.sock" is the longest name. */
const MAX_FOLDER_BYTES = 90;

export async function main(host: Host): Promise<void> {
  host.output("peer-count", "0");
  const inputs = readCacheInputs(host);
  if ("mistake" in inputs) return fallBack(host, inputs.mistake);
  if (process.platform === "win32") return fallBack(host, "not on Windows yet");
  try {
    await start(host, inputs);
  } catch (error) {
    fallBack(host, error instanceof Error ? error.message : String(error));
  }
}

async function start(host: Host, inputs: CacheInputs): Promise<void> {
  const folder = makeFolder(host);
  const daemon = await spawnDaemon(host, inputs, folder);
  const { report, pid } = daemon;
  try {
    if ("disabled" in report) return finish(host, "disabled");
    if ("failed" in report) throw new Error(report.failed);
    const { ready } = report;
    await probe(ready, inputs.token);
    host.saveState(STATE.folder, folder);
    host.saveState(STATE.pid, String(pid));
    host.saveState(STATE.store, ready.store);
    if (ready.pack !== undefined) {
      host.saveState(STATE.pack, ready.pack.name);
      host.saveState(STATE.perKey, String(ready.pack.perKey));
    }
    deliver(host, inputs.ways, ready, { folder, pid });
    host.output("peer-count", String(await firstPeers(folder)));
    host.output("cache-dir", ready.store);
    for (const note of ready.notes) host.log(`note: ${note}`);
    daemon.keep();
    finish(host, "success");
    host.log(
      `GitHub reads go through ${ready.doors.apiUrl ?? ""} and ${ready.doors.socket ?? ""}; kept in ${ready.store}`,
    );
  } finally {
    if (!daemon.kept()) {
      await endDaemon(pid);
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Private. Under one name, so that what later steps are told is the same in every run; another one if a step like this runs already. */
function makeFolder({ env }: Host): string {
  const temp = env["RUNNER_TEMP"];
  const named = temp === undefined || temp === "" ? undefined : join(temp, "foregone-github-cache");
  if (named === undefined || Buffer.byteLength(named) > MAX_FOLDER_BYTES || isRunning(named))
    return mkdtempSync(join(tmpdir(), "foregone-github-cache-"));
  // Of a job that was killed.
  rmSync(named, { recursive: true, force: true });
  mkdirSync(named, { mode: 0o700 });
  chmodSync(named, 0o700);
  return named;
}

interface Spawned {
  readonly report: Report;
  readonly pid: number;
  /** From now on it lives as long as the job. */
  keep(): void;
  kept(): boolean;
}

async function spawnDaemon(host: Host, inputs: CacheInputs, folder: string): Promise<Spawned> {
  const script = fileURLToPath(new URL("./github-cache-daemon.js", import.meta.url));
  // A held stdout would make the runner wait 5 s for it at the end of the step.
  const log = openSync(join(folder, "log"), "a", 0o600);
  const child = spawn(process.execPath, [script], {
    cwd: "/",
    env: processEnv(host.env),
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  const settings: Start = {
    folder,
    inode: statSync(folder).ino,
    cwd: host.env["GITHUB_WORKSPACE"] ?? "/",
    env: agentEnv(host.env, inputs, folder),
    runnerPid: process.ppid > 1 ? process.ppid : undefined,
  };
  let timer: NodeJS.Timeout | undefined;
  const report = await new Promise<Report>((resolve) => {
    timer = setTimeout(() => resolve({ failed: `the agent was not up in ${START_MS / 1000} s` }), START_MS);
    child.once("message", (message: Report) => resolve(message));
    child.once("error", (error) => resolve({ failed: error.message }));
    child.once("exit", (code, signal) => resolve({ failed: `the agent ended at once (${signal ?? code})` }));
    child.send(settings, (error) => error && resolve({ failed: error.message }));
  });
  clearTimeout(timer);
  let kept = false;
  return {
    report,
    pid: child.pid ?? 0,
    keep() {
      kept = true;
      if (child.connected) child.disconnect();
      child.unref();
    },
    kept: () => kept,
  };
}

/** What the processes are started with, and anybody of this user can read: no secret, and nothing that loads code into them. */
function processEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "NODE_EXTRA_CA_CERTS", "RUNNER_TRACKING_ID"];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function agentEnv(
  env: Readonly<Record<string, string>>,
  { settings, token, ways }: CacheInputs,
  folder: string,
): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !/^(?:INPUT_|STATE_|NODE_OPTIONS$|BASH_ENV$)/.test(name));
  return {
    ...Object.fromEntries(kept),
    ...enterpriseHost(env),
    ...(token !== "" && { GITHUB_TOKEN: token }),
    FOREGONE_AGENT_SERVICES: "api,peers",
    FOREGONE_AGENT_SOCKET: join(folder, SOCKETS.agent),
    FOREGONE_SOCKET: join(folder, SOCKETS.api),
    FOREGONE_METRICS_ENABLED: "false",
    ...(ways.includes("proxy") && { FOREGONE_API_PROXY_DOOR: "true" }),
    ...settings,
  };
}

/** The API that this runner works for, unless the configuration names others. */
function enterpriseHost(env: Readonly<Record<string, string>>): Record<string, string> {
  const api = env["GITHUB_API_URL"] ?? "";
  if (!URL.canParse(api) || env["FOREGONE_API_HOSTS"] !== undefined) return {};
  const { protocol, host, pathname } = new URL(api);
  if (protocol !== "https:" || host === "api.github.com") return {};
  return { FOREGONE_API_HOSTS: `${host}${pathname.replace(/\/+$/, "")}` };
}

/** One call that costs no quota, with the caller's own token: an answer of any kind shows that GitHub is reached. */
async function probe({ doors, hosts }: Ready, token: string): Promise<void> {
  const [{ name, root } = { name: "api.github.com", root: "" }] = hosts;
  const answer = await askSocket(doors.socket ?? "", {
    method: "GET",
    path: `${root}/rate_limit`,
    headers: { host: name, "user-agent": "foregone", ...(token !== "" && { authorization: `Bearer ${token}` }) },
    timeoutMs: PROBE_MS,
  });
  if (answer === undefined) throw new Error("the agent's socket does not answer");
  if (answer.status >= 500) throw new Error(`${name} is not reached through the cache (${answer.status})`);
}

/** Peers find each other after the agent is up; the step waits a moment for the first, if there can be any. */
async function firstPeers(folder: string): Promise<number> {
  const until = performance.now() + PEERS_MS;
  for (;;) {
    const count = await connectedPeers(folder);
    if (count === undefined) return 0;
    if (count > 0 || performance.now() > until) return count;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function peerCount(folder: string): Promise<number> {
  return (await connectedPeers(folder)) ?? 0;
}

/** Undefined: this agent has no peers. */
async function connectedPeers(folder: string): Promise<number | undefined> {
  const status = await askAgentJson<{ peers?: unknown }>(join(folder, SOCKETS.agent), { path: "/v1/peers" });
  return Array.isArray(status?.peers) ? status.peers.length : undefined;
}

function fallBack(host: Host, why: string): void {
  host.annotate("notice", `the GitHub API cache is off, later steps ask GitHub themselves: ${why}`);
  finish(host, "fallback");
}

function finish(host: Host, status: CacheStatus): void {
  host.output("cache-status", status);
  host.log(`GitHub API cache: ${status}`);
}
