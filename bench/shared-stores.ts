// What a value of 20 kB costs to get from each layer as the product puts it together (verified, opened, bounded): disk, agent's socket,
// Redis, S3; as ratios against a bare GET of ioredis and of undici from the same servers in the same run. And what the first
// look of a short-lived process costs: load the client, connect, ask.
//   npm run bench -- shared-stores [--rounds 500] [--starts 11] [--out FILE]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { Redis } from "ioredis";
import { Agent, request } from "undici";
import { agentStore } from "../src/agent/store-client.ts";
import { route } from "../src/agent/routes.ts";
import { storeService } from "../src/agent/store-service.ts";
import type { Digest } from "../src/core/digest.ts";
import { nodeHasher, systemClock, systemRandom } from "../src/node/ports.ts";
import { nodeStoreFiles } from "../src/node/store-files.ts";
import { bounded } from "../src/store/bounded.ts";
import { diskStore } from "../src/store/disk.ts";
import { openFolder } from "../src/store/folder.ts";
import { memoryStore } from "../src/store/memory.ts";
import { openShared } from "../src/store/shared.ts";
import { signingKey } from "../src/store/signed.ts";
import type { Store } from "../src/store/store.ts";
import { verified } from "../src/store/verified.ts";
import { redisServer } from "../src/testing/redis-server.ts";
import { s3Server } from "../src/testing/s3-server.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    rounds: { type: "string", default: "500" },
    starts: { type: "string", default: "11" },
    out: { type: "string" },
  },
});
const [rounds, starts] = [Number(values.rounds), Number(values.starts)];
const SIZE = 20_000;
const bytes = Buffer.from(systemRandom.bytes(SIZE));
const scratch = mkdtempSync(join(tmpdir(), "foregone-shared-"));
const redis = await redisServer();
const s3 = await s3Server();
const bareRedis = new Redis(redis.address.port, redis.address.host);
// The baseline of S3: a plain HTTP server that answers with the same bytes, without S3 and without signatures.
const web = createServer((_request, response) => response.end(bytes));
await new Promise<void>((done) => web.listen(0, "127.0.0.1", done));
const webPort = (web.address() as { port: number }).port;
const keepAlive = new Agent();

const key = signingKey(Buffer.alloc(32, 1));
const parts = {
  secret: Buffer.alloc(32, 2),
  space: "bench",
  signing: { key, trusted: [key.publicKey], network: "bench" },
  writes: true,
  keepMs: 3_600_000,
  deadlineMs: 10_000,
  maxFailures: 3,
  effects: { clock: systemClock, hasher: nodeHasher, random: systemRandom },
  onEvent: () => undefined,
};
const shared = {
  redis: await openShared("redis", { engine: "redis", shown: "", ...redis.address }, parts),
  s3: await openShared("s3", { engine: "s3", shown: "", prefix: "", ...s3.address }, parts),
};
const guarded = (store: Store): Store =>
  bounded(
    verified(store, nodeHasher, () => undefined),
    { deadlineMs: 10_000, maxBytes: 1 << 24, maxFailures: 3 },
    systemClock,
    () => undefined,
  );
const effects = { files: nodeStoreFiles, hasher: nodeHasher, clock: systemClock, random: systemRandom };
const socket = join(scratch, "agent.sock");
const agent = await startAgent(socket);

const stores: Record<string, Store> = {
  disk: diskStore(openFolder(effects, join(scratch, "disk"))),
  "agent's memory, over its socket": guarded(agentStore(nodeHasher, socket, 10_000)),
  redis: guarded(shared.redis.store),
  s3: guarded(shared.s3.store),
};
const digests = new Map<string, Digest>();
for (const [name, store] of Object.entries(stores)) digests.set(name, await store.blobs.put(bytes));
await bareRedis.set("bare", bytes);
const weak = `sha256:${nodeHasher.sha256("bench")}` as Digest;
for (const { store } of Object.values(shared))
  for (let i = 0; i < 20; i++) {
    const strong = `sha256:${nodeHasher.sha256(String(i))}` as Digest;
    await store.records.append(weak, { pathSet: weak, strong, record: strong, recordedAt: systemClock.now() });
  }

const gets: Record<string, () => Promise<unknown>> = {
  "bare ioredis GET": () => bareRedis.getBuffer("bare"),
  "bare undici GET": async () =>
    (await request(`http://127.0.0.1:${webPort}/`, { dispatcher: keepAlive })).body.arrayBuffer(),
  ...Object.fromEntries(
    Object.entries(stores).map(([name, store]) => [name, () => store.blobs.get(digests.get(name) as Digest)]),
  ),
  "redis, look-up of 20 signed entries": () => shared.redis.store.records.lookup(weak),
  "s3, look-up of 20 signed entries": () => shared.s3.store.records.lookup(weak),
};
const times: Record<string, number[]> = {};
for (let i = -20; i < rounds; i++)
  for (const [name, get] of Object.entries(gets)) {
    const from = performance.now();
    if ((await get()) === undefined) throw new Error(`${name} lost its value`);
    // The first rounds warm up.
    if (i >= 0) (times[name] ??= []).push((performance.now() - from) * 1000);
  }
const microseconds = Object.fromEntries(
  Object.entries(times).map(([name, list]) => [name, { p50: round(median(list)), p99: round(quantile(list, 0.99)) }]),
);
const p50 = (name: string): number => microseconds[name]?.p50 ?? Number.NaN;
const ratios = {
  "redis / bare ioredis": round(p50("redis") / p50("bare ioredis GET")),
  "s3 / bare undici": round(p50("s3") / p50("bare undici GET")),
  "disk / bare ioredis": round(p50("disk") / p50("bare ioredis GET")),
  "agent / disk": round(p50("agent's memory, over its socket") / p50("disk")),
  "redis / disk": round(p50("redis") / p50("disk")),
};

const firstLookMs = await firstLooks();
const result = { ...machine(), sizeBytes: SIZE, rounds, starts, microseconds, ratios, firstLookMs };
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);
for (const layer of Object.values(shared)) layer.close();
bareRedis.disconnect();
await keepAlive.close();
web.close();
await agent();
await redis[Symbol.asyncDispose]();
await s3[Symbol.asyncDispose]();
rmSync(scratch, { recursive: true, force: true });

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function quantile(list: readonly number[], share: number): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The agent's store service alone, as its socket serves it. */
async function startAgent(path: string): Promise<() => Promise<void>> {
  const store = memoryStore(nodeHasher, 1 << 26);
  const { routes } = storeService({ store, hasher: nodeHasher });
  const server = createServer((incoming, response) => void route(routes ?? [], incoming, response));
  await new Promise<void>((done) => server.listen(path, done));
  return () => new Promise((done) => server.close(() => done()));
}

/** A process that loads the client, connects and asks once, against one that does nothing. */
async function firstLooks(): Promise<Record<string, number>> {
  const folder = mkdtempSync(resolve("node_modules", ".first-look-"));
  const file = join(folder, "first-look.mjs");
  await build({
    entryPoints: ["src/testing/first-look.ts"],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    banner: { js: 'import{createRequire as r}from"node:module";const require=r(import.meta.url);' },
  });
  const once = (what: string): number => {
    const port = what === "redis" ? String(redis.address.port) : s3.address.endpoint;
    const from = performance.now();
    const { status, stderr } = spawnSync(process.execPath, [file, what, port], { encoding: "utf8" });
    if (status !== 0) throw new Error(`${what}: ${stderr}`);
    return performance.now() - from;
  };
  const all: Record<string, number[]> = {};
  for (let i = 0; i < starts; i++) for (const what of ["nothing", "redis", "s3"]) (all[what] ??= []).push(once(what));
  rmSync(folder, { recursive: true, force: true });
  return Object.fromEntries(Object.entries(all).map(([name, list]) => [name, round(median(list))]));
}
