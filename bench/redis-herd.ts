// A herd: 200 jobs of 20 processes want 10 keys within 0.2 s, none of them cached. How many calls to the origin, how long does a job
// wait? With leases on Redis, against the same Redis without. The goal of the mesh is <= 30 calls; without a lease it is up to 200.
//   npm run bench -- redis-herd [--jobs 200] [--processes 20] [--keys 10] [--origin 120] [--rounds 3] [--out FILE]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { Redis } from "ioredis";
import { redisServer } from "../src/testing/redis-server.ts";
import { machine, median } from "./machine.ts";

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    jobs: { type: "string", default: "200" },
    processes: { type: "string", default: "20" },
    keys: { type: "string", default: "10" },
    /** Milliseconds that a call to the origin takes. */
    origin: { type: "string", default: "120" },
    rounds: { type: "string", default: "3" },
    out: { type: "string" },
  },
});
const [jobs, processes, keys, origin, rounds] = [
  values.jobs,
  values.processes,
  values.keys,
  values.origin,
  values.rounds,
].map(Number) as [number, number, number, number, number];

const folder = mkdtempSync(resolve("node_modules", ".herd-"));
const child = join(folder, "herd.mjs");
await build({
  entryPoints: ["src/testing/herd-child.ts"],
  outfile: child,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  packages: "external",
});
await using server = await redisServer();
const redis = new Redis(server.address.port, server.address.host);

const results: Record<string, { calls: number; waitMs: { p50: number; p99: number } }[]> = {};
for (let i = 0; i < rounds; i++)
  for (const mode of ["leases", "no leases"]) (results[mode] ??= []).push(await herd(mode));
redis.disconnect();
rmSync(folder, { recursive: true, force: true });

const summary = Object.fromEntries(
  Object.entries(results).map(([mode, list]) => [
    mode,
    {
      calls: median(list.map(({ calls }) => calls)),
      waitMsP50: Math.round(median(list.map(({ waitMs }) => waitMs.p50))),
      waitMsP99: Math.round(median(list.map(({ waitMs }) => waitMs.p99))),
    },
  ]),
);
const result = { ...machine(), jobs, processes, keys, originMs: origin, rounds, summary, goal: { calls: 30 } };
const text = `${JSON.stringify(result, undefined, 2)}\n`;
process.stdout.write(text);
if (values.out !== undefined) writeFileSync(values.out, text);

/** All processes are up and connected before the first job starts. */
async function herd(mode: string): Promise<{ calls: number; waitMs: { p50: number; p99: number } }> {
  await redis.flushall();
  const each = Math.ceil(jobs / processes);
  const running = Array.from({ length: processes }, (_, i) => {
    const args = [String(server.address.port), mode, String(origin), String(each), String(keys), String(i)];
    const one = spawn(process.execPath, [child, ...args], { stdio: ["pipe", "pipe", "inherit"] });
    let out = "";
    const ready = new Promise<void>((done) =>
      one.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes("ready\n")) done();
      }),
    );
    const ended = new Promise<string>((done) => one.once("close", () => done(out)));
    return { one, ready, ended };
  });
  await Promise.all(running.map(({ ready }) => ready));
  for (const { one } of running) one.stdin.end("go\n");
  const outputs = await Promise.all(running.map(({ ended }) => ended));
  const waits = outputs.flatMap((out) => JSON.parse(out.split("\n")[1] ?? "[]") as number[]);
  if (waits.length !== each * processes) throw new Error(`${waits.length} of ${each * processes} jobs ended`);
  waits.sort((a, b) => a - b);
  return {
    calls: Number(await redis.get("calls")),
    waitMs: { p50: median(waits), p99: waits[Math.floor(waits.length * 0.99)] ?? Number.NaN },
  };
}
