// The agent as its users meet it: processes, sockets, signals.
import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { buildPage } from "../scripts/build-page.mjs";
import { askAgent } from "../src/agent/client.ts";
import { nodeHasher, systemClock, systemRandom } from "../src/node/ports.ts";
import { nodeStoreFiles } from "../src/node/store-files.ts";
import { decisionCounts } from "../src/report/count.ts";
import { type Metrics, sumOf } from "../src/report/metrics.ts";
import { Counters } from "../src/store/counters.ts";
import { appendDecision, decisionLog } from "../src/store/decisions.ts";
import { openFolder } from "../src/store/folder.ts";
import { bundle, CLI } from "../src/testing/bundle.ts";
import { GitHubSemantics } from "../src/testing/github-semantics.ts";
import { serveDouble } from "../src/testing/github-server.ts";
import { GitHubTable } from "../src/testing/github-table.ts";
import { sampleDecisions } from "../src/testing/sample-decisions.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

let program: string;
beforeAll(async () => {
  program = await bundle(CLI);
  await buildPage(join(dirname(program), "dashboard"));
});

interface Machine {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  foregone(
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  pid(): Promise<number | undefined>;
}

/** A user with a store and a runtime folder of their own; whatever agent is left is killed at the end. */
function machine(more: Readonly<Record<string, string>> = {}): Machine {
  const root = temporaryFolder();
  mkdirSync(join(root, "run"), { mode: 0o700 });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: root,
    XDG_RUNTIME_DIR: join(root, "run"),
    FOREGONE_AGENT_PORT: "0",
    ...more,
  };
  const foregone: Machine["foregone"] = (...args) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...args], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
      const texts = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk: Buffer) => (texts.stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (texts.stderr += chunk.toString()));
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, ...texts }));
    });
  const pid = async (): Promise<number | undefined> => {
    const { stdout } = await foregone("agent", "status", "--json");
    return stdout === "" ? undefined : (JSON.parse(stdout) as { pid: number } | null)?.pid;
  };
  onTestFinished(async () => {
    const left = await pid();
    if (left !== undefined) process.kill(left, "SIGKILL");
  });
  return { root, env, foregone, pid };
}

const socketOf = ({ root }: Machine): string => join(root, "run/foregone/agent.sock");
const folderOf = ({ root }: Machine) =>
  openFolder(
    { files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom },
    join(root, ".cache/foregone"),
  );

test("start, status, start again, logs, stop", async () => {
  const here = machine();
  const before = await here.foregone("agent", "status");
  expect([before.code, before.stdout]).toEqual([1, "agent      not running; everything works directly\n"]);
  const started = await here.foregone("agent", "start");
  expect([started.code, started.stderr]).toEqual([0, ""]);
  expect(started.stdout).toMatch(
    /^agent {6}up .*\nsocket .*agent\.sock\npeers .*\nstore .*\nmetrics .*\ndashboard {2}http:\/\/127\.0\.0\.1:\d+\n$/s,
  );
  const again = await here.foregone("agent", "start");
  expect(again.stdout).toMatch(/^agent {6}already up\n/);
  expect((await here.foregone("agent", "status")).code).toBe(0);
  expect((await here.foregone("agent", "logs", "-n", "5")).stdout).toMatch(/ info agent 0\.1\.0 up, pid \d+, store /);
  const stopped = await here.foregone("agent", "stop");
  expect([stopped.code, stopped.stdout]).toEqual([0, expect.stringMatching(/^agent {6}stopped, pid \d+ after /)]);
  expect((await here.foregone("agent", "stop")).stdout).toBe("agent      not running\n");
});

test("only its user can reach it: socket 0600, folder 0700, log 0600, loopback only", async () => {
  const here = machine();
  const { stdout } = await here.foregone("agent", "start");
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect([mode(socketOf(here)), mode(dirname(socketOf(here)))]).toEqual(["600", "700"]);
  expect(mode(join(here.root, ".cache/foregone/agent/agent.log"))).toBe("600");
  expect(mode(join(here.root, ".cache/foregone/v1/dashboard-token"))).toBe("600");
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(stdout)?.[1])
    .toString(16)
    .toUpperCase()
    .padStart(4, "0");
  const listening = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .filter((line) => / 0A /.test(line) && line.includes(`:${port} 00000000`));
  expect(listening.map((line) => line.trim().split(/\s+/)[1])).toEqual([`0100007F:${port}`]);
  const six = readFileSync("/proc/net/tcp6", "utf8")
    .split("\n")
    .filter((line) => line.includes(`:${port} 0000`));
  expect(six).toEqual([]);
});

test("kill -9 and start again loses nothing", async () => {
  const here = machine();
  await here.foregone("agent", "start");
  const first = await here.pid();
  const folder = folderOf(here);
  const bytes = Buffer.from("an output of a job");
  const digest = `sha256:${nodeHasher.sha256(bytes)}`;
  expect((await askAgent(socketOf(here), { method: "POST", path: `/v1/blobs/${digest}`, body: bytes }))?.status).toBe(
    200,
  );
  const counters = new Counters(folder);
  for (const event of sampleDecisions({ count: 40, until: Date.now(), spanMs: 3_600_000 })) {
    appendDecision(decisionLog(folder, 1e8), event);
    for (const [series, delta] of decisionCounts(event)) counters.add(series, delta);
  }
  await counters.flush();
  process.kill(first ?? 0, "SIGKILL");
  const direct = await here.foregone("metrics", "--json");
  const restarted = await here.foregone("agent", "start");
  expect([restarted.code, restarted.stderr]).toEqual([0, ""]);
  expect(await here.pid()).not.toBe(first);
  expect((await askAgent(socketOf(here), { path: `/v1/blobs/${digest}` }))?.body.toString()).toBe("an output of a job");
  const after = JSON.parse((await here.foregone("metrics", "--json")).stdout) as Record<string, number>;
  for (const [series, value] of Object.entries(JSON.parse(direct.stdout) as Record<string, number>))
    expect(after[series], series).toBeGreaterThanOrEqual(value);
  const decisions = Object.entries(after).filter(([series]) => series.startsWith("foregone_decisions_total"));
  expect(decisions.reduce((sum, [, value]) => sum + value, 0)).toBe(40);
});

test("ten starts at once make one agent", async () => {
  const here = machine();
  const starts = await Promise.all(Array.from({ length: 10 }, () => here.foregone("agent", "start")));
  const pids = new Set(starts.flatMap(({ stdout }) => /pid (\d+)/.exec(stdout)?.[1] ?? []));
  expect(pids.size).toBe(1);
  for (const { code, stderr } of starts) expect([0, 11], stderr).toContain(code);
}, 60_000);

test("a port that is taken is a clear error, and no agent stays", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  const here = machine({ FOREGONE_AGENT_PORT: String(port) });
  const { code, stderr } = await here.foregone("agent", "start");
  expect([code, stderr]).toEqual([
    11,
    `foregone: error E_PORT: port ${port} of 127.0.0.1 is taken or not allowed (EADDRINUSE)\nforegone: hint: agent.port: 0 takes a free one (FOREGONE_AGENT_PORT=0)\n`,
  ]);
  expect(await here.pid()).toBeUndefined();
});

test("a wrong configuration stops the start with file and line", async () => {
  const here = machine();
  mkdirSync(join(here.root, ".git"));
  mkdirSync(join(here.root, ".github"));
  writeFileSync(join(here.root, ".github/cache-config.yml"), "agent:\n  prot: 1\n");
  const { code, stderr } = await here.foregone("agent", "start");
  expect([code, stderr]).toEqual([
    2,
    'foregone: error E_CONFIG: unknown key "agent.prot" (.github/cache-config.yml:2)\nforegone: hint: did you mean `port`?\n',
  ]);
});

test("agent.services chooses what is hosted, and the store's folder follows the configuration", async () => {
  const here = machine({ FOREGONE_AGENT_SERVICES: "store", FOREGONE_STORE_DIRECTORY: "~/elsewhere" });
  const { stdout } = await here.foregone("agent", "start");
  expect(stdout).toContain("api        off: not in agent.services\n");
  expect(stdout).not.toContain("http://");
  expect(stdout).toContain("agent-");
  expect(statSync(join(here.root, "elsewhere/v1/key")).isFile()).toBe(true);
});

test("the dashboard's address is the agent's, with its key", async () => {
  const here = machine();
  await here.foregone("agent", "start");
  const { stdout } = await here.foregone("dashboard", "--print");
  const url = new URL(stdout.trim());
  const token = url.hash.replace("#token=", "");
  const answer = await fetch(`${url.origin}/api/summary`, { headers: { authorization: `Bearer ${token}` } });
  expect([answer.status, ((await answer.json()) as { agent: { pid: number } }).agent.pid]).toEqual([
    200,
    await here.pid(),
  ]);
  expect(await (await fetch(`${url.origin}/metrics`)).text()).toContain("# TYPE foregone_agent_up_seconds gauge");
});

test("without an agent the dashboard serves itself until it is interrupted", async () => {
  const here = machine();
  const child = spawn(process.execPath, [program, "dashboard", "--print"], {
    cwd: here.root,
    env: here.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = new URL(
    await new Promise<string>((resolve) =>
      child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim())),
    ),
  );
  const token = url.hash.replace("#token=", "");
  const answer = await fetch(`${url.origin}/api/summary`, { headers: { authorization: `Bearer ${token}` } });
  expect(((await answer.json()) as { agent: unknown }).agent).toBeNull();
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGINT");
  expect(await ended).toBe(0);
});

test("the API proxy is the agent's, and what it spared is counted, also across kill -9", async () => {
  const table = new GitHubTable().set("/repos/octo/hello", { id: 1, name: "hello" });
  const double = await serveDouble(new GitHubSemantics(table.origin));
  onTestFinished(() => double.close());
  const here = machine({ FOREGONE_API_UPSTREAMS: JSON.stringify({ "api.github.com": double.origin }) });
  await here.foregone("agent", "start");
  const read = () => here.foregone("api", "get", "/repos/octo/hello");
  for (let i = 0; i < 3; i++) expect(await read()).toMatchObject({ code: 0, stderr: "" });
  const reads = async () => {
    const metrics = JSON.parse((await here.foregone("metrics", "--json")).stdout) as Metrics;
    return {
      all: sumOf(metrics, "foregone_api_requests_total"),
      paid: sumOf(metrics, "foregone_api_requests_total", { outcome: "paid" }),
    };
  };
  expect(await reads()).toEqual({ all: 3, paid: 1 });
  // Flushed at a stop; kill -9 costs at most what the last five seconds counted, and nothing is counted twice.
  await here.foregone("agent", "stop");
  expect(await reads()).toEqual({ all: 3, paid: 1 });
  expect((await here.foregone("agent", "logs")).stdout).toContain(" info stats: 3 API reads, 1 paid\n");
  await here.foregone("agent", "start");
  await read();
  process.kill((await here.pid()) ?? 0, "SIGKILL");
  const after = await reads();
  expect([3, 4]).toContain(after.all);
  expect(after.paid).toBeLessThanOrEqual(2);
}, 60_000);

test("agent.enabled: false: commands do all themselves; metrics.log-stats: false: no line in the log", async () => {
  const here = machine({ FOREGONE_METRICS_LOG_STATS: "false" });
  await here.foregone("agent", "start");
  expect((await here.foregone("metrics", "--json")).stdout).toContain("foregone_agent_up_seconds");
  const child = spawn(process.execPath, [program, "metrics", "--json"], {
    env: { ...here.env, FOREGONE_AGENT_ENABLED: "false" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect(await new Response(child.stdout as unknown as ReadableStream).text()).toBe("{}\n");
  await here.foregone("run", "--", "true");
  await here.foregone("agent", "stop");
  expect((await here.foregone("agent", "logs")).stdout).not.toContain("stats:");
});

test("the broker is a process of its own, counted and shown without a value, and gone with a killed agent", async () => {
  const here = machine({ FOREGONE_SECRETS_BROKER_SOCKET: "~/run/foregone/broker.sock" });
  expect((await here.foregone("agent", "start")).stdout).toContain(
    `broker     off: no credential store in ${here.root}/.credentials; to make one: foregone secrets init\n`,
  );
  await here.foregone("agent", "stop");
  await here.foregone("secrets", "init", "--key-provider", "file");
  const set = spawn(process.execPath, [program, "secrets", "set", "T", "--scope", "global", "--assurance", "local"], {
    env: here.env,
    stdio: ["pipe", "ignore", "inherit"],
  });
  set.stdin.end("hunter2hunter2");
  await new Promise((resolve) => set.once("close", resolve));
  const socket = join(here.root, "run/foregone/broker.sock");
  const asks = (name: string) =>
    here.foregone("secrets", "exec", "--socket", socket, "--only", name, "--", "printenv", name);

  const started = await here.foregone("agent", "start");
  expect(started.stdout).toContain(`broker     0 opened, 0 denied, 0 stored; ${socket}, audience `);
  expect(await asks("T")).toMatchObject({ code: 0, stdout: "***\n" });
  expect((await asks("NONE")).code).toBe(125);

  const url = new URL((await here.foregone("dashboard", "--print")).stdout.trim());
  const headers = { authorization: `Bearer ${url.hash.replace("#token=", "")}` };
  const panel = await (await fetch(`${url.origin}/api/credentials`, { headers })).text();
  expect(panel).not.toContain("hunter2");
  expect(JSON.parse(panel)).toMatchObject({
    credentials: [{ name: "T", scope: "global", version: 1, state: "active" }],
    audit: [
      { action: "resolve", names: ["NONE"], decision: "denied", reasons: ["unknown-name"], actor: "local" },
      { action: "resolve", names: ["T v1"], decision: "granted" },
      { action: "done" },
      { action: "set" },
      { action: "init" },
    ],
  });
  const metrics = JSON.parse((await here.foregone("metrics", "--json")).stdout) as Metrics;
  expect(metrics).toMatchObject({
    'foregone_credentials{state="active"}': 1,
    'foregone_credential_accesses_total{decision="granted"}': 1,
    'foregone_credential_accesses_total{decision="denied"}': 1,
  });

  process.kill((await here.pid()) ?? 0, "SIGKILL");
  // The socket is free again at once, or as soon as the orphan has seen its standard input end: the agent tries until then.
  await here.foregone("agent", "start");
  await vi.waitUntil(async () => (await asks("T")).code === 0, { timeout: 10_000 });
  await here.foregone("agent", "stop");
  expect((await asks("T")).stderr).toContain("no broker answers");
}, 60_000);

test("install shows a unit that starts this very program, and writes nothing unasked", async () => {
  const here = machine();
  const { code, stdout, stderr } = await here.foregone("agent", "install");
  expect([code, stderr]).toEqual([0, "foregone: hint: foregone agent install --write puts it there and starts it\n"]);
  expect(stdout).toContain(
    `ExecStart="${process.execPath}" "--max-semi-space-size=2" "${program}" agent start --foreground\n`,
  );
  expect(stdout).toContain("Restart=always");
});
