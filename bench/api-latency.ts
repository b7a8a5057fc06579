// What the API cache costs, in time and memory, beside a bare node HTTP server that answers the same bytes in the same run.
// Each server has a process of its own; rounds alternate. Exits 1 if a goal is missed.
//   npm run bench -- api-latency [--rounds 5] [--only hits,misses,library] [--out bench/results/api-latency.json]
//   npm run build && npm run bench -- api-latency --only entries [--entries 100000] [--out bench/results/api-entries.json]
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SMALL_HEAP } from "../src/node/heap.ts";
import { type Entries, manyEntries } from "./api-latency/entries.ts";
import { libraryTimes } from "./api-latency/library.ts";
import { serveRole } from "./api-latency/servers.ts";
import { alternate, type Latency, PATH, round } from "./api-latency/times.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    role: { type: "string" },
    upstream: { type: "string", default: "" },
    folder: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    entries: { type: "string", default: "100000" },
    only: { type: "string", default: "hits,misses,library,entries" },
    out: { type: "string" },
  },
});

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

async function throughput(where: Where, path: string, server: ChildProcess): Promise<Rate> {
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

const children: ChildProcess[] = [];
function start<T>(role: string, folder: string, upstream = ""): Promise<T> {
  const args = ["--role", role, "--folder", folder, "--upstream", upstream];
  // What is ours runs as the agent does, the others as Node does.
  const child = fork(process.argv[1] ?? "", args, { execArgv: role === "proxy" ? [...SMALL_HEAP] : [] });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as T));
    child.once("exit", (code) => reject(new Error(`${role} ended with ${code}`)));
  });
}

interface Servers {
  readonly bare: { readonly port: number };
  readonly bareSocket: { readonly path: string };
  readonly double: { readonly origin: string };
  readonly proxy: { readonly port: number; readonly path: string };
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const fresh = new http.Agent({ keepAlive: false });

async function measure(): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "foregone-latency-"));
  const rounds = Number(values.rounds);
  const wanted = new Set(values.only.split(","));
  try {
    const bare = await start<Servers["bare"]>("bare", scratch);
    const bareSocket = await start<Servers["bareSocket"]>("bare-socket", scratch);
    const double = await start<Servers["double"]>("double", scratch);
    const proxy = await start<Servers["proxy"]>("proxy", scratch, double.origin);
    const servers = { bare, bareSocket, double, proxy };
    await request(agent, { port: proxy.port }, PATH, "ghp_bench");
    report({
      times: {
        ...(wanted.has("hits") && (await hitTimes(servers, rounds))),
        ...(wanted.has("misses") && (await missTimes(servers, rounds))),
        ...(wanted.has("library") && (await libraryTimes(scratch, double.origin, rounds))),
      },
      rates: wanted.has("hits") ? await hitRates(servers, rounds) : {},
      entries: wanted.has("entries") ? await manyEntries(Number(values.entries), scratch, double.origin) : undefined,
    });
  } finally {
    for (const child of children) child.kill();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function hitTimes({ bare, bareSocket, proxy }: Servers, rounds: number): Promise<Record<string, Latency>> {
  const socket = { path: proxy.path };
  return alternate(
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
}

async function hitRates({ bare, bareSocket, proxy }: Servers, rounds: number): Promise<Record<string, Rate>> {
  const rates: Record<string, Rate[]> = {};
  const [bareServer, socketServer, , proxyServer] = children;
  if (bareServer === undefined || socketServer === undefined || proxyServer === undefined)
    throw new TypeError("no servers");
  for (let r = -1; r < rounds; r++)
    for (const [name, where, server] of [
      ["bare node", bare, bareServer],
      ["hit, base URL", { port: proxy.port }, proxyServer],
      ["bare node, socket", bareSocket, socketServer],
      ["hit, socket", { path: proxy.path }, proxyServer],
    ] as const) {
      const rate = await throughput(where, PATH, server);
      if (r >= 0) (rates[name] ??= []).push(rate);
    }
  return Object.fromEntries(
    Object.entries(rates).map(([name, list]) => [
      name,
      {
        perSecond: Math.round(median(list.map((rate) => rate.perSecond))),
        cpuMsEach: round(median(list.map((rate) => rate.cpuMsEach))),
      },
    ]),
  );
}

/**
 * "Back to back" asks for the next while the proxy is still writing what came before, after which no time is left where the upstream
 * answers in a fraction of a millisecond, unlike GitHub: it is told, not judged.
 */
async function missTimes({ double, proxy }: Servers, rounds: number): Promise<Record<string, Latency>> {
  const socket = { path: proxy.path };
  const upstream = { port: Number(new URL(double.origin).port) };
  let run = "";
  const ways = {
    "upstream alone": async (i: number) =>
      (await request(agent, upstream, `${PATH}/a${run}${i}`, "ghp_bench", GZIP)).ms,
    "miss through the proxy": async (i: number) =>
      (await request(agent, socket, `${PATH}/b${run}${i}`, "ghp_bench")).ms,
    "304 through the proxy": async (i: number) => (await request(agent, socket, PATH, `ghp_${run}${i}`)).ms,
  };
  const afterPause = (once: (i: number) => Promise<number>) => async (i: number) => {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return once(i);
  };
  const paused = await alternate(
    Object.fromEntries(Object.entries(ways).map(([name, once]) => [name, afterPause(once)])),
    300,
    rounds,
  );
  run = "back-to-back";
  const dense = await alternate(
    Object.fromEntries(Object.entries(ways).map(([name, once]) => [`${name}, back to back`, once])),
    300,
    rounds,
  );
  return { ...paused, ...dense };
}
/** Long enough to write 20 kB. */
const PAUSE_MS = 5;

interface Results {
  readonly times: Readonly<Record<string, Latency>>;
  readonly rates: Readonly<Record<string, Rate>>;
  readonly entries: Entries | undefined;
}

function report({ times, rates, entries }: Results): void {
  const against = (name: string, baseline: string): number =>
    round((times[name]?.p50 ?? Number.NaN) / (times[baseline]?.p50 ?? Number.NaN));
  const adds = (name: string, to: string, q: "p50" | "p99"): number =>
    round((times[name]?.[q] ?? Number.NaN) - (times[to]?.[q] ?? Number.NaN));
  const rated = (name: string, baseline: string, of: keyof Rate): number =>
    round((rates[name]?.[of] ?? Number.NaN) / (rates[baseline]?.[of] ?? Number.NaN));
  const all = {
    "hit, base URL: p50 / bare node": against("hit, base URL", "bare node"),
    "hit, socket: p50 / bare node": against("hit, socket", "bare node, socket"),
    "hit, base URL: throughput / bare node": rated("hit, base URL", "bare node", "perSecond"),
    "hit, socket: throughput / bare node": rated("hit, socket", "bare node, socket", "perSecond"),
    "hit, base URL: server CPU / bare node": rated("hit, base URL", "bare node", "cpuMsEach"),
    "hit, socket: server CPU / bare node": rated("hit, socket", "bare node, socket", "cpuMsEach"),
    "a miss adds, p50 ms": adds("miss through the proxy", "upstream alone", "p50"),
    "a miss adds, back to back, p50 ms": adds(
      "miss through the proxy, back to back",
      "upstream alone, back to back",
      "p50",
    ),
    "a 304 adds, p50 ms": adds("304 through the proxy", "upstream alone", "p50"),
    "a 304 adds, p99 ms": adds("304 through the proxy", "upstream alone", "p99"),
    "library memory hit, p99 ms": times["memory hit, fetch"]?.p99 ?? Number.NaN,
    "disk hit at 20 KB, p99 ms": times["disk hit, 20 KB"]?.p99 ?? Number.NaN,
    "entries: peak RSS, MB": entries?.peakMB ?? Number.NaN,
    "entries: share found again": entries === undefined ? Number.NaN : entries.foundAgain / entries.entries,
  };
  type Name = keyof typeof all;
  const limits: Partial<Record<Name, { readonly most: number } | { readonly least: number }>> = {
    "hit, base URL: p50 / bare node": { most: 1.5 },
    "hit, socket: p50 / bare node": { most: 1.5 },
    "hit, base URL: throughput / bare node": { least: 0.6 },
    "hit, socket: throughput / bare node": { least: 0.6 },
    "library memory hit, p99 ms": { most: 0.1 },
    "disk hit at 20 KB, p99 ms": { most: 1 },
    "a miss adds, p50 ms": { most: 1 },
    "entries: peak RSS, MB": { most: 200 },
    "entries: share found again": { least: 1 },
  };
  const ratios = Object.fromEntries(Object.entries(all).filter(([, value]) => !Number.isNaN(value)));
  const goals = Object.fromEntries(
    Object.entries(limits)
      .filter(([name]) => name in ratios)
      .map(([name, limit]) => {
        const value = all[name as Name];
        return "most" in limit
          ? [`${name} <= ${limit.most}`, value <= limit.most]
          : [`${name} >= ${limit.least}`, value >= limit.least];
      }),
  ) as Record<string, boolean>;
  for (const [name, { p50, p99 }] of Object.entries(times))
    process.stdout.write(`${name.padEnd(40)} p50 ${p50.toFixed(4)} ms  p99 ${p99.toFixed(4)} ms\n`);
  for (const [name, { perSecond, cpuMsEach }] of Object.entries(rates))
    process.stdout.write(`${name.padEnd(40)} ${perSecond} a second, server CPU ${cpuMsEach.toFixed(4)} ms each\n`);
  for (const [name, value] of Object.entries(ratios)) process.stdout.write(`${name.padEnd(40)} ${value}\n`);
  if (entries !== undefined) process.stdout.write(`${JSON.stringify(entries)}\n`);
  for (const [goal, met] of Object.entries(goals)) process.stdout.write(`${met ? "met   " : "MISSED"} ${goal}\n`);
  if (values.out !== undefined)
    writeFileSync(
      values.out,
      `${JSON.stringify({ ...machine(), times, rates, entries, ratios, goals }, undefined, 1)}\n`,
    );
  process.exitCode = Object.values(goals).every(Boolean) ? 0 : 1;
}

await (values.role === undefined ? measure() : serveRole({ ...values, role: values.role }));
