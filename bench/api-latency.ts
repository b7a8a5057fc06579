// What the API cache costs, in time and memory, beside a bare node HTTP server that answers the same bytes in the same run.
// Each server has a process of its own; rounds alternate. Exits 1 if a goal is missed.
//   npm run bench -- api-latency [--rounds 5] [--entries 100000] [--out bench/results/api-latency.json]
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DEFAULT_ENGINE, Engine } from "../src/github/engine.ts";
import type { ApiRequest } from "../src/github/message.ts";
import { deriveKeys } from "../src/github/seal.ts";
import { DEFAULT_UPSTREAM, undiciUpstream } from "../src/github/upstream.ts";
import { startApiProxy } from "../src/github/proxy.ts";
import { passingKeys } from "../src/github/state.ts";
import { nodeHasher, systemClock, systemRandom } from "../src/node/ports.ts";
import { createFetch } from "../src/octokit.ts";
import { diskStore } from "../src/store/disk.ts";
import { openFolder } from "../src/store/folder.ts";
import { quick } from "../src/cli/api/open.ts";
import { diskEffects } from "../src/testing/disk-effects.ts";
import { PROVEN } from "../src/testing/github-engine.ts";
import { GitHubSemantics } from "../src/testing/github-semantics.ts";
import { doubleUpstream, serveDouble } from "../src/testing/github-server.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    role: { type: "string" },
    upstream: { type: "string", default: "" },
    folder: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    entries: { type: "string", default: "100000" },
    out: { type: "string" },
  },
});
const ports = { clock: systemClock, hasher: nodeHasher, random: systemRandom };
const PATH = "/repos/o/r";

/** Issues as GitHub sends them, cut to a size: addresses to rewrite, user text, numbers. */
function sample(bytes: number): Buffer {
  const one = (i: number): string =>
    `{"id":${i},"url":"https://api.github.com/repos/o/r/issues/${i}","title":"title ${i}","body":"some text of a person, ${i}","user":{"login":"u${i}","url":"https://api.github.com/users/u${i}"}}`;
  let text = one(0);
  for (let i = 1; text.length + 150 < bytes; i++) text += `,${one(i)}`;
  return Buffer.from(`{"total_count":1,"items":[${text}]}`);
}
const BODY = sample(20_000);

/** No limits of ours: this measures how fast, not how polite. */
const OPTIONS = {
  ...DEFAULT_ENGINE,
  throttle: { concurrency: 1000, pointsPerMinute: 1e9, writeBurst: 1e9, maxWaitMs: 0 },
};

function say(message: unknown): void {
  process.send?.(message as object);
}

async function serveRole(role: string): Promise<void> {
  process.on("message", () => say({ cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1000 }));
  switch (role) {
    case "bare": {
      const server = http.createServer((_request, response) => {
        response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": BODY.length });
        response.end(BODY);
      });
      server.listen(0, "127.0.0.1", () => say({ port: (server.address() as { port: number }).port }));
      return;
    }
    case "bare-socket": {
      const path = join(values.folder, "bare.sock");
      http
        .createServer((_request, response) => {
          response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": BODY.length });
          response.end(BODY);
        })
        .listen(path, () => say({ path }));
      return;
    }
    case "double": {
      const body = (path: string): Buffer =>
        path.includes("/entry/") ? Buffer.from(JSON.stringify({ path, pad: "x".repeat(3900) })) : BODY;
      const headers = { "content-type": "application/json; charset=utf-8" };
      const semantics = new GitHubSemantics(({ path }) => ({ status: 200, headers, body: body(path) }), {
        limit: 1e12,
      });
      // A log of a million calls is not what is measured.
      const { origin } = await serveDouble({
        handle(request) {
          semantics.log.splice(0);
          return semantics.handle(request);
        },
      });
      say({ origin });
      return;
    }
    case "proxy": {
      const folder = openFolder(diskEffects, join(values.folder, "store"));
      const path = join(values.folder, "api.sock");
      const proxy = await startApiProxy({
        ports,
        doors: { baseUrlPort: 0, socket: path },
        keys: passingKeys(systemRandom),
        store: diskStore(quick(folder)),
        ruleFile: PROVEN,
        engine: {
          ...OPTIONS,
          reads: {
            ...OPTIONS.reads,
            leases: { ...OPTIONS.reads.leases, lease: { status: 2, default: 300, metadata: 300, immutable: 3600 } },
          },
        },
        upstream: { origins: { "api.github.com": values.upstream } },
      });
      say({ port: Number(new URL(proxy.apiUrl ?? "").port), path });
      return;
    }
    case "entries":
      return fillEntries(Number(values.entries));
    default:
      throw new TypeError(`no role ${role}`);
  }
}

/** As the proxy asks, so that the upstream has the same work. */
const GZIP = { "accept-encoding": "gzip" };

type Where = { readonly port: number } | { readonly path: string };
interface Answered {
  readonly ms: number;
  readonly bytes: number;
}

function request(
  agent: http.Agent,
  where: Where,
  path: string,
  token: string,
  more: Record<string, string> = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    const target = "port" in where ? { host: "127.0.0.1", port: where.port } : { socketPath: where.path };
    const headers = {
      authorization: `token ${token}`,
      accept: "application/vnd.github+json",
      ...("path" in where && { host: "api.github.com" }),
      ...more,
    };
    http
      .get({ ...target, agent, path, headers }, (response) => {
        let bytes = 0;
        response.on("data", (chunk: Buffer) => (bytes += chunk.length));
        response.on("end", () =>
          response.statusCode === 200
            ? resolve({ ms: performance.now() - from, bytes })
            : reject(new Error(`status ${response.statusCode}`)),
        );
      })
      .on("error", reject);
  });
}

const quantile = (list: readonly number[], q: number): number =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))] ?? Number.NaN;
interface Latency {
  readonly p50: number;
  readonly p99: number;
}
const latency = (list: readonly number[]): Latency => ({
  p50: round(quantile(list, 0.5)),
  p99: round(quantile(list, 0.99)),
});
const round = (n: number): number => Math.round(n * 10_000) / 10_000;

/** Rounds alternate between the contenders, so that a busy moment of the machine hits all. */
async function alternate(
  contenders: Readonly<Record<string, (i: number) => Promise<number> | number>>,
  perRound: number,
  rounds: number,
): Promise<Record<string, Latency>> {
  const times: Record<string, number[]> = {};
  let i = 0;
  for (let r = -1; r < rounds; r++)
    for (const [name, once] of Object.entries(contenders))
      for (let k = 0; k < perRound; k++) {
        const ms = await once(i++);
        if (r >= 0) (times[name] ??= []).push(ms);
      }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, latency(list)]));
}

interface Rate {
  readonly perSecond: number;
  /** Of the server: on a busy machine the steadier number. */
  readonly cpuMsEach: number;
}

function cpuMs(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("message", (message) => resolve((message as { cpuMs: number }).cpuMs));
    child.send("cpu");
  });
}

async function throughput(agent: http.Agent, where: Where, path: string, server: ChildProcess): Promise<Rate> {
  const TOTAL = 6000;
  let left = TOTAL;
  const before = await cpuMs(server);
  const from = performance.now();
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (left-- > 0) await request(agent, where, path, "ghp_bench");
    }),
  );
  const perSecond = TOTAL / ((performance.now() - from) / 1000);
  return { perSecond, cpuMsEach: ((await cpuMs(server)) - before) / TOTAL };
}

async function fillEntries(entries: number): Promise<void> {
  const folder = openFolder(diskEffects, join(values.folder, "many"));
  const upstream = undiciUpstream({ ...DEFAULT_UPSTREAM, origins: { "api.github.com": values.upstream } });
  const effects = { ...ports, upstream, sleep: async () => undefined, onEvent: () => undefined };
  const engine = new Engine(effects, diskStore(quick(folder)), deriveKeys(new Uint8Array(32), ""), OPTIONS, PROVEN);
  let peak = 0;
  const read = async (i: number): Promise<string> => {
    const answer = await engine.handle({
      method: "GET",
      host: "api.github.com",
      path: `/repos/o/r${i}/entry/x`,
      headers: { authorization: "token a" },
    });
    return answer.mode;
  };
  for (let i = 0; i < entries; i++) {
    await read(i);
    if (i % 64 === 0) await engine.flush();
    if (i % 500 === 0) peak = Math.max(peak, process.memoryUsage().rss);
  }
  await engine.flush();
  // All of them again, oldest first: what memory does not hold any more comes from disk, and GitHub certifies it.
  let certified = 0;
  for (let i = 0; i < entries; i++) {
    if ((await read(i)) !== "MISS") certified++;
    if (i % 500 === 0) peak = Math.max(peak, process.memoryUsage().rss);
  }
  say({ rssMB: process.memoryUsage().rss / 1e6, peakMB: peak / 1e6, certified });
  process.disconnect?.();
}

const children: ChildProcess[] = [];
function start<T>(role: string, folder: string, upstream = ""): Promise<T> {
  const child = fork(process.argv[1] ?? "", [
    "--role",
    role,
    "--folder",
    folder,
    "--upstream",
    upstream,
    "--entries",
    values.entries,
  ]);
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as T));
    child.once("exit", (code) => reject(new Error(`${role} ended with ${code}`)));
  });
}

async function measure(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "foregone-latency-"));
  const rounds = Number(values.rounds);
  try {
    const bare = await start<{ port: number }>("bare", scratch);
    const bareSocket = await start<{ path: string }>("bare-socket", scratch);
    const double = await start<{ origin: string }>("double", scratch);
    const proxy = await start<{ port: number; path: string }>("proxy", scratch, double.origin);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
    const fresh = new http.Agent({ keepAlive: false });
    const doublePort = Number(new URL(double.origin).port);
    await request(agent, { port: proxy.port }, PATH, "ghp_bench");
    const socket = { path: proxy.path };

    const hits = await alternate(
      {
        "bare node": async () => (await request(agent, bare, PATH, "ghp_bench")).ms,
        "hit, base URL": async () => (await request(agent, { port: proxy.port }, PATH, "ghp_bench")).ms,
        "bare node, socket": async () => (await request(agent, bareSocket, PATH, "ghp_bench")).ms,
        "hit, socket": async () => (await request(agent, socket, PATH, "ghp_bench")).ms,
        "bare node, socket, new connection": async () => (await request(fresh, bareSocket, PATH, "ghp_bench")).ms,
        "hit, socket, new connection": async () => (await request(fresh, socket, PATH, "ghp_bench")).ms,
      },
      1000,
      rounds,
    );
    const rates: Record<string, Rate[]> = {};
    const [bareServer, socketServer, , proxyServer] = children;
    if (bareServer === undefined || socketServer === undefined || proxyServer === undefined)
      throw new TypeError("no servers");
    for (let r = -1; r < rounds; r++)
      for (const [name, where, server] of [
        ["bare node", bare, bareServer],
        ["hit, base URL", { port: proxy.port }, proxyServer],
        ["bare node, socket", bareSocket, socketServer],
        ["hit, socket", socket, proxyServer],
      ] as const) {
        const rate = await throughput(agent, where, PATH, server);
        if (r >= 0) (rates[name] ??= []).push(rate);
      }
    const perSecond = Object.fromEntries(
      Object.entries(rates).map(([name, list]) => [name, Math.round(median(list.map((rate) => rate.perSecond)))]),
    );
    const serverCpuMs = Object.fromEntries(
      Object.entries(rates).map(([name, list]) => [name, round(median(list.map((rate) => rate.cpuMsEach)))]),
    );

    const misses = await alternate(
      {
        "upstream alone": async (i) =>
          (await request(agent, { port: doublePort }, `${PATH}/a${i}`, "ghp_bench", GZIP)).ms,
        "miss through the proxy": async (i) => (await request(agent, socket, `${PATH}/b${i}`, "ghp_bench")).ms,
        "304 through the proxy": async (i) => (await request(agent, socket, PATH, `ghp_${i}`)).ms,
      },
      300,
      rounds,
    );

    const library = await libraryTimes(scratch, double.origin, rounds);
    const entries = await start<{ rssMB: number; peakMB: number; certified: number }>(
      "entries",
      scratch,
      double.origin,
    );
    report({ hits, perSecond, serverCpuMs, misses, library, entries });
  } finally {
    for (const child of children) child.kill();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function libraryTimes(scratch: string, origin: string, rounds: number): Promise<Record<string, Latency>> {
  const env = { HOME: scratch, FOREGONE_API_LEASE_DEFAULT: "5m" };
  const read = createFetch({ origins: { "api.github.com": origin }, env });
  const headers = { authorization: "token ghp_lib" };
  const get = async (): Promise<number> => {
    const from = performance.now();
    await (await read(`https://api.github.com${PATH}`, { headers })).arrayBuffer();
    return performance.now() - from;
  };
  await get();
  const result = await alternate({ "memory hit, fetch": get }, 5000, rounds);

  // Disk: a lease that lives, whose bytes are in the store alone; beside one JSON file per key.
  const folder = openFolder(diskEffects, join(scratch, "disk"));
  const bytes: Record<number, Buffer> = { 20: sample(20_000), 200: sample(200_000) };
  const upstream = doubleUpstream(
    new GitHubSemantics(
      ({ path }) => ({
        status: 200,
        headers: { "content-type": "application/json" },
        body: bytes[Number(path.split("/")[4])] ?? BODY,
      }),
      { limit: 1e12 },
    ),
  );
  const lease = { status: 300, default: 300, metadata: 300, immutable: 3600 };
  const options = {
    ...OPTIONS,
    candidates: { ...OPTIONS.candidates, memoryBytes: 1 },
    reads: { ...OPTIONS.reads, leases: { ...OPTIONS.reads.leases, lease } },
  };
  const engine = new Engine(
    { ...ports, upstream, sleep: async () => undefined, onEvent: () => undefined },
    diskStore(quick(folder)),
    deriveKeys(new Uint8Array(32), ""),
    options,
    PROVEN,
  );
  const KEYS = 200;
  const ask = (kb: number, i: number): ApiRequest => ({
    method: "GET",
    host: "api.github.com",
    path: `/repos/o/r/${kb}/${i % KEYS}`,
    headers: { authorization: "token a" },
  });
  for (const kb of [20, 200])
    for (let i = 0; i < KEYS; i++) {
      await engine.handle(ask(kb, i));
      writeFileSync(
        join(scratch, `${kb}-${i}.json`),
        JSON.stringify({ headers: {}, body: (bytes[kb] ?? BODY).toString() }),
      );
    }
  await engine.flush();
  const disk =
    (kb: number) =>
    async (i: number): Promise<number> => {
      const from = performance.now();
      const answer = await engine.handle(ask(kb, i));
      if (answer.mode !== "FRESH") throw new Error(`expected a lease, got ${answer.mode}`);
      return performance.now() - from;
    };
  const file =
    (kb: number) =>
    (i: number): number => {
      const from = performance.now();
      Buffer.from((JSON.parse(readFileSync(join(scratch, `${kb}-${i % KEYS}.json`), "utf8")) as { body: string }).body);
      return performance.now() - from;
    };
  return {
    ...result,
    ...(await alternate(
      {
        "disk hit, 20 KB": disk(20),
        "JSON file, 20 KB": file(20),
        "disk hit, 200 KB": disk(200),
        "JSON file, 200 KB": file(200),
      },
      400,
      rounds,
    )),
  };
}

interface Results {
  readonly hits: Record<string, Latency>;
  readonly perSecond: Record<string, number>;
  readonly serverCpuMs: Record<string, number>;
  readonly misses: Record<string, Latency>;
  readonly library: Record<string, Latency>;
  readonly entries: { readonly rssMB: number; readonly peakMB: number; readonly certified: number };
}

function report(results: Results): void {
  const { hits, perSecond, serverCpuMs, misses, library, entries } = results;
  const of = (table: Record<string, Latency>, name: string): Latency =>
    table[name] ?? { p50: Number.NaN, p99: Number.NaN };
  const ratio = (a: Latency, b: Latency): number => round(a.p50 / b.p50);
  const ratios = {
    "hit, base URL: p50 / bare node": ratio(of(hits, "hit, base URL"), of(hits, "bare node")),
    "hit, socket: p50 / bare node": ratio(of(hits, "hit, socket"), of(hits, "bare node, socket")),
    "hit, base URL: throughput / bare node": round((perSecond["hit, base URL"] ?? 0) / (perSecond["bare node"] ?? 1)),
    "hit, socket: throughput / bare node": round(
      (perSecond["hit, socket"] ?? 0) / (perSecond["bare node, socket"] ?? 1),
    ),
    "hit, base URL: server CPU / bare node": round(
      (serverCpuMs["hit, base URL"] ?? 0) / (serverCpuMs["bare node"] ?? 1),
    ),
    "hit, socket: server CPU / bare node": round(
      (serverCpuMs["hit, socket"] ?? 0) / (serverCpuMs["bare node, socket"] ?? 1),
    ),
    "a miss adds, p50 ms": round(of(misses, "miss through the proxy").p50 - of(misses, "upstream alone").p50),
    "a 304 adds, p50 ms": round(of(misses, "304 through the proxy").p50 - of(misses, "upstream alone").p50),
    "a 304 adds, p99 ms": round(of(misses, "304 through the proxy").p99 - of(misses, "upstream alone").p99),
  };
  const goals = {
    "hit p50 <= 1.5 x bare node":
      ratios["hit, base URL: p50 / bare node"] <= 1.5 && ratios["hit, socket: p50 / bare node"] <= 1.5,
    "throughput >= 0.6 x bare node":
      ratios["hit, base URL: throughput / bare node"] >= 0.6 && ratios["hit, socket: throughput / bare node"] >= 0.6,
    "library memory hit p99 <= 0.1 ms": of(library, "memory hit, fetch").p99 <= 0.1,
    "disk hit p99 <= 1 ms at 20 KB": of(library, "disk hit, 20 KB").p99 <= 1,
    "a miss adds <= 1 ms": ratios["a miss adds, p50 ms"] <= 1,
    "entries in <= 200 MB RSS": entries.peakMB <= 200,
  };
  for (const [name, { p50, p99 }] of Object.entries({ ...hits, ...misses, ...library }))
    process.stdout.write(`${name.padEnd(36)} p50 ${p50.toFixed(4)} ms  p99 ${p99.toFixed(4)} ms\n`);
  for (const [name, rate] of Object.entries(perSecond))
    process.stdout.write(`${name.padEnd(36)} ${rate} a second, server CPU ${serverCpuMs[name]?.toFixed(4)} ms each\n`);
  for (const [name, value] of Object.entries(ratios)) process.stdout.write(`${name.padEnd(40)} ${value}\n`);
  process.stdout.write(
    `${values.entries} entries: RSS ${entries.rssMB.toFixed(0)} MB, peak ${entries.peakMB.toFixed(0)} MB; ${entries.certified} found again\n`,
  );
  process.stdout.write(
    `${Object.entries(goals)
      .map(([goal, met]) => `${met ? "met   " : "MISSED"} ${goal}`)
      .join("\n")}\n`,
  );
  if (values.out !== undefined)
    writeFileSync(values.out, `${JSON.stringify({ ...machine(), ...results, ratios, goals }, undefined, 1)}\n`);
  process.exitCode = Object.values(goals).every(Boolean) ? 0 : 1;
}

await (values.role === undefined ? measure() : serveRole(values.role));
