// One job of a fleet: reads keys through a leased Redis, and "fetches" what it is told to by noting it in Redis itself.
//   argv: port, origin milliseconds, "die" or "live", keys...     stdout: one line "fetched N"
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Digest } from "../core/digest.ts";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { bucketStore } from "../store/bucket.ts";
import { leased } from "../store/leased.ts";
import { redisLeases } from "../store/redis-lease.ts";
import { redisBucket } from "../store/redis.ts";
import { sealed } from "../store/sealed.ts";
import { digestOf, entryOf } from "./sample-entry.ts";

const [port = "", origin = "", fate = "", ...keys] = process.argv.slice(2);
const address = { host: "127.0.0.1", port: Number(port), tls: false };
const limits = { deadlineMs: 5000, maxBytes: 1 << 20, prefix: "h/", keepMs: 60_000, clock: systemClock };
const bucket = await redisBucket("redis", address, limits);
const inner = bucketStore(
  sealed(bucket, Buffer.alloc(32, 1), systemRandom, () => undefined),
  nodeHasher,
);
const leases = await redisLeases(address, { prefix: "h/", clock: systemClock, random: systemRandom });
const store = leased(inner, leases, systemClock, (ms) => sleep(ms));
const counter = new Redis(address.port, address.host);

let fetched = 0;
async function read(key: string): Promise<void> {
  const weak: Digest = digestOf(key);
  const entries = await store.records.lookup(weak);
  if (entries.length > 0) return;
  fetched++;
  await counter.incr(`calls/${key}`);
  if (fate === "die") process.kill(process.pid, "SIGKILL");
  await sleep(Number(origin));
  await store.records.append(weak, entryOf("set", key, 1));
  store.done(weak);
}

await Promise.all(keys.map(read));
process.stdout.write(`fetched ${fetched}\n`);
// A release is on its way behind the answer.
await sleep(20);
counter.disconnect();
leases.close();
bucket.close();
