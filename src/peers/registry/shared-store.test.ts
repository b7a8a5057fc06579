import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../node/ports.ts";
import { redisBucket } from "../../store/redis.ts";
import { memoryBucket } from "../../testing/memory-bucket.ts";
import { redisMissing, redisServer } from "../../testing/redis-server.ts";
import { meshKey, type MeshKeys } from "../mesh-key.ts";
import { peerIdOf, peerIdText } from "../identity.ts";
import { sharedStore } from "./shared-store.ts";

const NETWORK = "github.com/acme/shop";
const LIFE_MS = 900_000;
const keys: MeshKeys = [meshKey(Buffer.alloc(32, 1), 1, NETWORK)];
const self = { peer: peerIdText(peerIdOf(Buffer.alloc(32, 7))), addresses: ["/ip4/10.0.4.17/tcp/9000"] };

test("an address announced in a real Redis is found by the other members, and by nobody else", async (context) => {
  if (redisMissing !== undefined) return context.skip(redisMissing);
  await using server = await redisServer();
  const limits = { deadlineMs: 2000, maxBytes: 4096, keepMs: LIFE_MS, clock: systemClock, prefix: "foregone/x/" };
  const [a, b] = await Promise.all([0, 1].map(() => redisBucket("redis", server.address, limits)));
  if (a === undefined || b === undefined) return;
  onTestFinished(() => {
    a.close();
    b.close();
  });
  await sharedStore(a, NETWORK, keys, LIFE_MS, () => systemClock.now()).announce?.(self);
  expect(await sharedStore(b, NETWORK, keys, LIFE_MS, () => systemClock.now()).list()).toEqual(self.addresses);
  const strangers: MeshKeys = [meshKey(Buffer.alloc(32, 2), 1, NETWORK)];
  expect(await sharedStore(b, NETWORK, strangers, LIFE_MS, () => systemClock.now()).list()).toEqual([]);
});

test("an address is gone when its time is over, and is announced again before", async () => {
  const bucket = memoryBucket();
  let now = systemClock.now() as number;
  const registry = sharedStore(bucket, NETWORK, keys, LIFE_MS, () => now);
  await registry.announce?.(self);
  await registry.announce?.(self);
  expect([...bucket.added.values()].flat()).toHaveLength(1);
  now += LIFE_MS / 3;
  await registry.announce?.(self);
  expect([...bucket.added.values()].flat()).toHaveLength(2);
  now += LIFE_MS + 60_001;
  expect(await registry.list()).toEqual([]);
});

test("lines of whoever can write the store are left out", async () => {
  const bucket = memoryBucket();
  const registry = sharedStore(bucket, NETWORK, keys, LIFE_MS, () => systemClock.now());
  await registry.announce?.(self);
  const [name = ""] = bucket.added.keys();
  for (const junk of [Buffer.alloc(0), Buffer.alloc(4096, 0xff), Buffer.from("p2p-peers-v1-zz"), Buffer.from("\n\0")])
    await bucket.addLine(name, junk);
  expect(await registry.list()).toEqual(self.addresses);
});
