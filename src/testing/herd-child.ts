// Some jobs of a herd in one process: each wants one key, within 0.2 s of the start. For bench/redis-herd.
//   argv: port, "leases" | "no leases", origin ms, jobs, keys, number of this process
//   stdout: "ready", then, after a line on stdin, the milliseconds that each job waited, as JSON
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { leased } from "../store/leased.ts";
import { redisLeases } from "../store/redis-lease.ts";
import { openShared, spaceOf } from "../store/shared.ts";
import { digestOf, entryOf } from "./sample-entry.ts";

const [port = "", mode = "", origin = "", jobs = "", keys = "", number = ""] = process.argv.slice(2);
const address = { host: "127.0.0.1", port: Number(port), tls: false };
const effects = { clock: systemClock, hasher: nodeHasher, random: systemRandom };
const layer = await openShared(
  "redis",
  { engine: "redis", shown: "", ...address },
  {
    secret: Buffer.alloc(32, 2),
    space: "herd",
    signing: undefined,
    writes: true,
    keepMs: 3_600_000,
    deadlineMs: 10_000,
    maxFailures: 3,
    effects,
    onEvent: () => undefined,
  },
);
const leases = await redisLeases(address, { ...effects, prefix: spaceOf("herd") });
const store = leased(layer.store, leases, systemClock, (ms) => sleep(ms));
const counter = new Redis(address.port, address.host);
await counter.ping();
await store.records.lookup(digestOf(`warm ${number}`));
store.done(digestOf(`warm ${number}`));
process.stdout.write("ready\n");
await once(process.stdin, "data");

async function job(i: number): Promise<number> {
  const index = Number(number) * Number(jobs) + i;
  await sleep((index * 37) % 200);
  const from = systemClock.monotonicMs();
  const weak = digestOf(`key ${index % Number(keys)}`);
  const look = mode === "leases" ? store : layer.store;
  if ((await look.records.lookup(weak)).length === 0) {
    await counter.incr("calls");
    await sleep(Number(origin));
    await look.records.append(weak, entryOf("set", "s", 1));
    store.done(weak);
  }
  return systemClock.monotonicMs() - from;
}

const waits = await Promise.all(Array.from({ length: Number(jobs) }, (_, i) => job(i)));
process.stdout.write(`${JSON.stringify(waits.map(Math.round))}\n`);
await sleep(50);
counter.disconnect();
leases.close();
layer.close();
