// What peers cost an agent, and what a hostile one can cost it. The agent is the bundled program in its own process; beside it an
// agent without peers. Hostile members, in a process of their own, attack it in each way in turn while an honest peer looks things
// up there: how much memory does the agent grow by, and how long does the honest one wait? Ends with 1 if a bound is broken.
//   npm run build && npm run bench -- mesh-load [--peers 32] [--hostile 16] [--seconds 5] [--out FILE]
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { askAgentJson } from "../src/agent/client.ts";
import type { AgentStatus } from "../src/agent/daemon.ts";
import type { Digest } from "../src/core/digest.ts";
import { keyHash } from "../src/peers/claim.ts";
import type { PeersStatus } from "../src/peers/status.ts";
import { childOf } from "../src/testing/child.ts";
import { LAB_NETWORK, labPeer, until } from "../src/testing/mesh-lab.ts";
import { digestOf } from "../src/testing/store.contract.ts";
import { machine, median } from "./machine.ts";
import { others, timesOf, type Times } from "./mesh-lab.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    peers: { type: "string", default: "32" },
    hostile: { type: "string", default: "16" },
    seconds: { type: "string", default: "5" },
    starts: { type: "string", default: "5" },
    out: { type: "string" },
  },
});
const [peerCount, hostileCount, seconds] = [Number(values.peers), Number(values.hostile), Number(values.seconds)];
const GOALS = { startMs: 300, rssMb: 150, attackGrowthMiB: 256, lookupP99Ms: 100 };
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const root = mkdtempSync(join(tmpdir(), "foregone-load-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

interface Agent {
  readonly process: ChildProcess;
  readonly socket: string;
  /** From its process's start to an answer, milliseconds. */
  readonly startMs: number;
  stop(): Promise<void>;
}

let agents = 0;
async function agentWith(
  more: Readonly<Record<string, string>>,
  isUp: (status: AgentStatus) => boolean,
): Promise<Agent> {
  const home = join(root, String(agents++));
  mkdirSync(join(home, "run"), { recursive: true, mode: 0o700 });
  const socket = join(home, "run", "agent.sock");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    FOREGONE_CACHE_DIR: join(home, "store"),
    XDG_RUNTIME_DIR: join(home, "run"),
    FOREGONE_AGENT_PORT: "0",
    FOREGONE_AGENT_SOCKET: socket,
    ...more,
  };
  const from = performance.now();
  const child = spawn(process.execPath, [join(process.cwd(), "bin/foregone"), "agent", "start", "--foreground"], {
    cwd: home,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (;;) {
    const status = await askAgentJson<AgentStatus>(socket, { path: "/v1/status", deadlineMs: 1000 }).catch(
      () => undefined,
    );
    if (status !== undefined && isUp(status)) break;
    if (performance.now() - from > 60_000 || child.exitCode !== null) throw new Error("the agent does not start");
    await sleep(2);
  }
  return {
    process: child,
    socket,
    startMs: performance.now() - from,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

const isListening = (status: AgentStatus): boolean => status.services["peers"]?.state === "up";
const peersEnv = (bootstrap: readonly string[]): Record<string, string> => ({
  FOREGONE_MESH_SECRET: Buffer.alloc(32, 7).toString("hex"),
  FOREGONE_P2P_NETWORK_NETWORK_ID: LAB_NETWORK,
  FOREGONE_P2P_NETWORK_LISTEN_ADDRESSES: "127.0.0.1",
  FOREGONE_P2P_NETWORK_RING_AFTER: "0",
  FOREGONE_P2P_NETWORK_CONNECTIONS_MIN_PEERS: "64",
  P2P_LISTEN_PORT: "0",
  CACHE_BOOTSTRAP_PEERS: bootstrap.join(","),
});
const rssMb = ({ process: { pid } }: Agent): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

const startsOf = async (env: Record<string, string>, isUp: (status: AgentStatus) => boolean): Promise<number[]> => {
  const times: number[] = [];
  for (let n = 0; n < Number(values.starts); n++) {
    const agent = await agentWith(env, isUp);
    times.push(agent.startMs);
    await agent.stop();
  }
  return times;
};
const startMs = {
  without: median(await startsOf({}, () => true)),
  with: median(await startsOf(peersEnv([]), isListening)),
};

const rest = await others([peerCount], "apart");
const alone = await agentWith({}, () => true);
const agent = await agentWith(peersEnv(rest.addresses.flat()), isListening);
const statusNow = (): Promise<PeersStatus | undefined> =>
  askAgentJson<PeersStatus>(agent.socket, { path: "/v1/peers" });
let status = await statusNow();
for (const end = performance.now() + 60_000; (status?.peers.length ?? 0) < peerCount && performance.now() < end;) {
  await sleep(100);
  status = await statusNow();
}
const connected = status?.peers.length ?? 0;
await sleep(3000);
const rss = { without: rssMb(alone), with: rssMb(agent), connected };
await alone.stop();
rest.stop();

// Only what the agent owns first is asked for.
const address = status?.self.listening[0] ?? "";
const honest = await labPeer();
honest.mesh.addAddress(address, "operator");
honest.mesh.dialer.tick();
await until(() => honest.mesh.ringSize === 2, 30_000);
let asked = 0;
function notOurs(): Digest {
  for (;;) {
    const weak = digestOf(`read ${asked++}`);
    if (honest.mesh.ownersOf(keyHash("api", weak))[0] !== "self") return weak;
  }
}
async function lookups(
  forMs: number,
): Promise<{ readonly times: Times; readonly peakRssMb: number; readonly spent: number }> {
  const ms: number[] = [];
  let peak = 0;
  const before = honest.getter.counts.budgetsSpent;
  for (const end = performance.now() + forMs; performance.now() < end;) {
    const weak = notOurs();
    const from = performance.now();
    await honest.api.records.lookup(weak);
    ms.push(performance.now() - from);
    honest.api.done(weak);
    if (ms.length % 10 === 0) peak = Math.max(peak, rssMb(agent));
    await sleep(2);
  }
  return { times: timesOf(ms), peakRssMb: peak, spent: honest.getter.counts.budgetsSpent - before };
}
await lookups(1000);
const idle = await lookups(seconds * 1000);
const hostile = await childOf("src/testing/hostile-children.ts");
const attacks: Record<string, { growthMiB: number; lookupMs: Times; budgetsSpent: number; stillServes: boolean }> = {};
for (const attack of ["flood", "oversize", "slow", "deaf", "leases"]) {
  const before = rssMb(agent);
  const attackers = hostile.start({}, address, String(hostileCount), attack);
  attackers.stderr.pipe(process.stderr);
  await once(attackers.stdout, "data");
  const { times, peakRssMb, spent } = await lookups(seconds * 1000);
  attackers.kill("SIGKILL");
  await once(attackers, "exit");
  const after = await lookups(1000);
  attacks[attack] = {
    growthMiB: peakRssMb - before,
    lookupMs: times,
    budgetsSpent: spent,
    stillServes: after.spent < after.times.count,
  };
}
hostile[Symbol.dispose]();
await honest.stop();
await agent.stop();

const all = Object.entries(attacks);
const broken = [
  ...(connected < peerCount ? [`only ${connected} of ${peerCount} peers connected`] : []),
  ...(rss.with > GOALS.rssMb ? [`${rss.with.toFixed(0)} MB with ${connected} peers`] : []),
  ...all.flatMap(([name, { growthMiB, lookupMs, stillServes }]) => [
    ...(growthMiB > GOALS.attackGrowthMiB ? [`${name}: the agent grew by ${growthMiB.toFixed(0)} MiB`] : []),
    ...(lookupMs.p99 > GOALS.lookupP99Ms ? [`${name}: look-ups took ${lookupMs.p99.toFixed(0)} ms at p99`] : []),
    ...(stillServes ? [] : [`${name}: the agent no longer answers`]),
  ]),
];
const result = {
  ...machine(),
  startMs: { ...startMs, ofPeers: startMs.with - startMs.without },
  rssMb: rss,
  hostile: hostileCount,
  baseline: { idleLookupMs: idle.times },
  attacks,
  ratios: {
    rss: rss.with / rss.without,
    worstP99: Math.max(...all.map(([, { lookupMs }]) => lookupMs.p99)) / idle.times.p99,
  },
  goals: GOALS,
  broken,
};
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
process.exit(broken.length === 0 ? 0 : 1);
