// Two agents that are peers, under mixed load for half an hour: API reads through both proxies, credentials through the broker,
// decisions and counters by other processes' hands, whole `foregone run` processes, blobs over the socket, an open dashboard. Fails
// on any error, if what is alive in any of its processes after a collection still grows in the last quarter, or if one has more resident than its bounds.
//   npm run build && npm run bench -- soak [--minutes 30] [--out FILE]
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { askAgent } from "../src/agent/client.ts";
import { askSocket } from "../src/cli/api/client.ts";
import { nodeHasher, systemClock, systemRandom } from "../src/node/ports.ts";
import { nodeStoreFiles } from "../src/node/store-files.ts";
import { decisionCounts } from "../src/report/count.ts";
import { type Metrics, sumOf, sumsBy } from "../src/report/metrics.ts";
import { askResolve } from "../src/secrets/broker-client.ts";
import { Counters } from "../src/store/counters.ts";
import { appendDecision, decisionLog } from "../src/store/decisions.ts";
import { openFolder } from "../src/store/folder.ts";
import { GitHubSemantics } from "../src/testing/github-semantics.ts";
import { serveDouble } from "../src/testing/github-server.ts";
import { GitHubTable } from "../src/testing/github-table.ts";
import { sampleDecisions } from "../src/testing/sample-decisions.ts";
import { machine } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: { minutes: { type: "string", default: "30" }, out: { type: "string" } },
});
const BIN = join(process.cwd(), "bin/foregone");
/**
 * Loaded into the agents and the broker: on SIGUSR2 a process collects its garbage and says what is still alive. What it holds resident is
 * what V8 has not yet troubled to give back, and grows for hours without a leak.
 */
const PROBE = `
if (/ (agent start --foreground|secrets broker --supervised)/.test(process.argv.join(" "))) {
  const v8 = require("node:v8");
  const delay = require("node:perf_hooks").monitorEventLoopDelay();
  delay.enable();
  process.on("SIGUSR2", () => {
    v8.setFlagsFromString("--expose-gc");
    const gc = require("node:vm").runInNewContext("gc");
    gc();
    // What finalizers let go of is free only after a turn.
    setImmediate(() => {
      gc();
      const file = process.env.FOREGONE_SOAK_PROBED + "/" + process.pid;
      const stalledMs = delay.max / 1e6;
      require("node:fs").appendFileSync(file, JSON.stringify({ ...process.memoryUsage(), stalledMs }) + "\\n");
      // Our own collections are not the agent's.
      delay.reset();
    });
  });
}
`;
const root = mkdtempSync(join(tmpdir(), "foregone-soak-"));
/** Whatever goes wrong, no agent stays behind; its broker goes with it. */
const agents: number[] = [];
process.on("exit", () => {
  for (const each of agents)
    try {
      process.kill(each, "SIGKILL");
    } catch {
      // It has stopped, as it was told.
    }
});
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
mkdirSync(join(root, "run"), { mode: 0o700 });
const table = new GitHubTable();
for (let i = 0; i < 200; i++) table.set(`/repos/octo/r${i}`, { id: i, name: `r${i}`, text: "x".repeat(2000) });
const double = await serveDouble(new GitHubSemantics(table.origin));
const brokerSocket = join(root, "run/broker/broker.sock");
const probe = join(root, "probe.cjs");
const probed = join(root, "probed");
mkdirSync(probed);
writeFileSync(probe, PROBE);
const env = {
  ...process.env,
  NODE_OPTIONS: `--require ${probe}`,
  FOREGONE_SOAK_PROBED: probed,
  HOME: root,
  FOREGONE_CACHE_DIR: join(root, "store"),
  XDG_RUNTIME_DIR: join(root, "run"),
  FOREGONE_AGENT_PORT: "0",
  // All but the tracer: another root agent of this machine may have it.
  FOREGONE_AGENT_SERVICES: "store,api,broker,peers,metrics,dashboard",
  FOREGONE_API_UPSTREAMS: JSON.stringify({ "api.github.com": double.origin }),
  FOREGONE_SECRETS_BROKER_SOCKET: brokerSocket,
  FOREGONE_MESH_SECRET: randomBytes(32).toString("base64url"),
  FOREGONE_P2P_NETWORK_NETWORK_ID: "example.org/octo",
  FOREGONE_P2P_NETWORK_LISTEN_ADDRESSES: "127.0.0.1",
  P2P_LISTEN_PORT: "0",
  // From the start each keeps values for the other.
  FOREGONE_P2P_NETWORK_RING_AFTER: "1s",
  // Small, so that all that is bounded is full in the first half: what grows after that is a leak.
  FOREGONE_STORE_MEMORY: "4MiB",
  FOREGONE_API_MEMORY: "1MiB",
};
/** Another store of the same user: found by the first over their runtime folder. It has neither broker nor page. */
const secondEnv = {
  ...env,
  FOREGONE_CACHE_DIR: join(root, "second"),
  FOREGONE_SOCKET: join(root, "run/second-api.sock"),
  FOREGONE_AGENT_SERVICES: "store,api,peers",
};
const foregone = (args: readonly string[], options: { env?: NodeJS.ProcessEnv; input?: string } = {}): string =>
  execFileSync(process.execPath, [BIN, ...args], { cwd: root, env, encoding: "utf8", ...options });
mkdirSync(join(root, "run/broker"), { mode: 0o700 });
foregone(["secrets", "init", "--key-provider", "file"]);
foregone(["secrets", "set", "TOKEN", "--scope", "global", "--assurance", "local"], { input: "hunter2hunter2" });
interface Status {
  readonly pid: number;
  readonly socket: string;
  readonly services: Readonly<Record<string, { readonly state: string; readonly detail?: string }>>;
}
foregone(["agent", "start"]);
const { pid, socket, services } = JSON.parse(foregone(["agent", "status", "--json"])) as Status;
agents.push(pid);
foregone(["agent", "start"], { env: secondEnv });
const second = JSON.parse(foregone(["agent", "status", "--json"], { env: secondEnv })) as Status;
agents.push(second.pid);
const apiSockets = [services, second.services].map((each) => /\S+api\.sock/.exec(each["api"]?.detail ?? "")?.[0] ?? "");
const url = new URL(foregone(["dashboard", "--print"]).trim());
const headers = { authorization: `Bearer ${url.hash.replace("#token=", "")}` };
const folder = openFolder(
  { files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom },
  join(root, "store"),
);
const log = decisionLog(folder, 256 * 1024 * 1024);
const counters = new Counters(folder);

const counts = { api: 0, fresh: 0, secrets: 0, runs: 0, decisions: 0, blobs: 0, pages: 0 };
const endsAt = performance.now() + Number(values.minutes) * 60_000;
const errors: string[] = [];
const running = (): boolean => performance.now() < endsAt && errors.length < 20;
const want = (ok: boolean, what: string): void => void (ok || errors.push(what));

const slowestMs = { api: 0, blob: 0 };
async function apiLoad(): Promise<void> {
  for (; running(); counts.api++) {
    const from = performance.now();
    const answer = await askSocket(apiSockets[counts.api % 2] ?? "", {
      method: "GET",
      path: `/repos/octo/r${Math.floor(counts.api / 2) % 200}`,
      headers: { host: "api.github.com", authorization: `token t${Math.floor(counts.api / 2) % 3}` },
      timeoutMs: 30_000,
    }).catch(() => undefined);
    slowestMs.api = Math.max(slowestMs.api, performance.now() - from);
    want(answer?.status === 200, `api ${answer?.status}`);
  }
}
/** What nobody has read yet: one agent asks GitHub, the other finds it with its peer. */
async function freshLoad(): Promise<void> {
  for (; running(); counts.fresh++) {
    for (const apiSocket of apiSockets) {
      const answer = await askSocket(apiSocket, {
        method: "GET",
        path: `/repos/octo/r${counts.fresh % 200}?fresh=${counts.fresh}`,
        headers: { host: "api.github.com", authorization: "token t0" },
        timeoutMs: 30_000,
      }).catch(() => undefined);
      want(answer?.status === 200, `fresh ${answer?.status}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
async function secretsLoad(): Promise<void> {
  for (; running(); counts.secrets++) {
    // One in ten is denied; more would be summed up by the broker's flood limit.
    const name = counts.secrets % 10 === 9 ? "NONE" : "TOKEN";
    const { answers } = await askResolve(brokerSocket, { names: [name], mode: "exec" });
    const [answer] = answers;
    want(answer !== undefined && "value" in answer === (name === "TOKEN"), `secret ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
async function runLoad(): Promise<void> {
  for (; running(); counts.runs++) {
    const argv = [BIN, "run", "--", process.execPath, "-e", "0"];
    await promisify(execFile)(process.execPath, argv, { cwd: root, env }).catch((error: unknown) =>
      errors.push(`run ${String(error)}`),
    );
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}
async function decisionLoad(): Promise<void> {
  while (running()) {
    for (const event of sampleDecisions({ count: 20, until: Date.now(), spanMs: 1000, seed: counts.decisions })) {
      want(appendDecision(log, event), "decision not written");
      for (const [series, delta] of decisionCounts(event)) counters.add(series, delta);
      counts.decisions++;
    }
    want(await counters.flush(), "counters not written");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
async function blobLoad(): Promise<void> {
  for (; running(); counts.blobs++) {
    const bytes = Buffer.from(`${counts.blobs} ${"y".repeat(20_000)}`);
    const path = `/v1/blobs/sha256:${nodeHasher.sha256(bytes)}`;
    const from = performance.now();
    // A command would go on without the agent after 2 s; here an answer that is late is told apart from one that is wrong.
    const taken = await askAgent(socket, { method: "POST", path, body: bytes, deadlineMs: 30_000 });
    want(taken?.status === 200, "blob not taken");
    want((await askAgent(socket, { path, deadlineMs: 30_000 }))?.body.equals(bytes) === true, "blob not given");
    slowestMs.blob = Math.max(slowestMs.blob, performance.now() - from);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
async function pageLoad(): Promise<void> {
  for (; running(); counts.pages++) {
    for (const path of ["/api/summary", "/api/decisions", "/api/timeline?hours=24", "/api/commands", "/metrics"]) {
      const response = await fetch(url.origin + path, { headers });
      await response.arrayBuffer();
      want(response.status === 200, `${path} ${response.status}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
/** Resident megabytes over time, by process. */
const rss = new Map<string, number[]>();
const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
const watched = { agent: pid, second: second.pid, broker: Number(children[0]) };
const PROBES = 24;
async function watch(): Promise<void> {
  const everyMs = (Number(values.minutes) * 60_000) / PROBES;
  let probeAt = performance.now();
  while (running()) {
    const due = performance.now() >= probeAt;
    if (due) probeAt += everyMs;
    for (const [name, each] of Object.entries(watched)) {
      if (due) process.kill(each, "SIGUSR2");
      const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${each}/status`, "utf8"))?.[1]);
      rss.set(name, [...(rss.get(name) ?? []), kilobytes / 1024]);
    }
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
}
await Promise.all([apiLoad(), freshLoad(), secretsLoad(), runLoad(), decisionLoad(), blobLoad(), pageLoad(), watch()]);
const metrics = JSON.parse(foregone(["metrics", "--json"])) as Metrics;
const secondMetrics = JSON.parse(foregone(["metrics", "--json"], { env: secondEnv })) as Metrics;
for (const store of ["store", "second"]) {
  const logText = readFileSync(join(root, store, "agent/agent.log"), "utf8");
  for (const line of logText.split("\n")) if (/ (?:error|warning) /.test(line)) errors.push(line);
}
foregone(["agent", "stop"], { env: secondEnv });
foregone(["agent", "stop"]);
await double.close();

/** 60 MB of code and libraries, the bounds below, and what the collector has not yet given back. */
const BOUND_MB = 200;
const memory = Object.fromEntries(
  Object.entries(watched).map(([name, each]) => {
    const samples = readFileSync(join(probed, String(each)), "utf8")
      .trim()
      .split("\n");
    const used = samples.map((line) => JSON.parse(line) as NodeJS.MemoryUsage & { readonly stalledMs: number });
    const all = used.map(({ heapUsed, external }) => (heapUsed + external) / 2 ** 20);
    const highest = (from: number, to: number): number =>
      Math.max(...all.slice(Math.floor(all.length * from), Math.ceil(all.length * to)));
    const [thirdQuarter, lastQuarter] = [highest(0.5, 0.75), highest(0.75, 1)];
    const grows = lastQuarter > thirdQuarter * 1.1;
    const residentMb = Math.max(...(rss.get(name) ?? []));
    const stalledMs = Math.max(...used.map((sample) => sample.stalledMs));
    return [name, { liveMb: { all, thirdQuarter, lastQuarter }, grows, residentMb, stalledMs }] as const;
  }),
);
const result = {
  ...machine(),
  minutes: Number(values.minutes),
  counts,
  slowestMs,
  counted: {
    apiReads: sumsBy(metrics, "foregone_api_requests_total", "outcome"),
    credentialAccesses: sumsBy(metrics, "foregone_credential_accesses_total", "decision"),
    decisions: sumsBy(metrics, "foregone_decisions_total", "kind"),
    secondApiReads: sumsBy(secondMetrics, "foregone_api_requests_total", "outcome"),
    peerHits: sumOf(secondMetrics, "foregone_api_peer_hits_total"),
    peersConnected: sumOf(metrics, "foregone_peers_connected"),
  },
  errors,
  memory,
  boundMb: BOUND_MB,
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
const tooMuch = Object.values(memory).some(({ grows, residentMb }) => grows || residentMb > BOUND_MB);
if (errors.length > 0 || tooMuch) process.exitCode = 1;
