import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { type Child, childOf } from "../testing/child.ts";
import { freePort, redisMissing, type RedisServer, redisServer } from "../testing/redis-server.ts";
import { rawServer } from "../testing/raw-server.ts";
import { digestOf, entryOf, storeContract } from "../testing/store.contract.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import { leased, type Leases } from "./leased.ts";
import { memoryStore } from "./memory.ts";
import { redisLeases } from "./redis-lease.ts";
import { StoreError } from "./store.ts";

/** Leases in memory, by a clock that a test moves. */
function memoryLeases(time: VirtualTime): Leases & { readonly held: Map<string, { token: string; until: number }> } {
  const held = new Map<string, { token: string; until: number }>();
  const live = (name: string) => {
    const lease = held.get(name);
    return lease !== undefined && time.clock.monotonicMs() < lease.until ? lease : undefined;
  };
  let made = 0;
  return {
    held,
    async take(name, ms) {
      if (live(name) !== undefined) return undefined;
      const token = `t${made++}`;
      held.set(name, { token, until: time.clock.monotonicMs() + ms });
      return token;
    },
    isHeld: async (name) => live(name) !== undefined,
    async release(name, token) {
      if (live(name)?.token === token) held.delete(name);
    },
  };
}

const weak = digestOf("read");
const entry = entryOf("set", "s", 1);

function fleet() {
  const time = new VirtualTime();
  const leases = memoryLeases(time);
  const inner = memoryStore(nodeHasher, 8 << 20);
  /** Time passes while somebody sleeps. */
  const nap = async (ms: number): Promise<void> => time.pass(ms);
  return { time, leases, inner, member: () => leased(inner, leases, time.clock, nap) };
}

storeContract("a leased store", async () => fleet().member());

test("the first who misses fetches; the others get what it stored", async () => {
  const { inner, leases, member } = fleet();
  const [a, b] = [member(), member()];
  expect(await a.records.lookup(weak)).toEqual([]);
  const waiting = b.records.lookup(weak);
  await inner.records.append(weak, entry);
  a.done(weak);
  expect(await waiting).toEqual([entry]);
  expect(leases.held.size).toBe(0);
});

test("a holder that fails lets the next one fetch", async () => {
  const { member } = fleet();
  const [a, b] = [member(), member()];
  await a.records.lookup(weak);
  const waiting = b.records.lookup(weak);
  a.done(weak);
  expect(await waiting).toEqual([]);
  b.done(weak);
});

test("a holder that died is waited for as long as its lease, then one of the others fetches", async () => {
  const { time, member, leases } = fleet();
  await member().records.lookup(weak);
  const from = time.clock.monotonicMs();
  const b = member();
  expect(await b.records.lookup(weak)).toEqual([]);
  expect(time.clock.monotonicMs() - from).toBeLessThanOrEqual(1100);
  expect(leases.held.get(weak)?.token).toBe("t1");
});

test("nobody waits longer than three seconds, whatever holds the lease", async () => {
  const { time, member, leases } = fleet();
  leases.held.set(weak, { token: "somebody's", until: Number.POSITIVE_INFINITY });
  const from = time.clock.monotonicMs();
  const store = member();
  expect(await store.records.lookup(weak)).toEqual([]);
  expect(time.clock.monotonicMs() - from).toBeLessThan(3100);
  store.done(weak);
  expect(leases.held.get(weak)?.token).toBe("somebody's");
});

test("many of one process who ask at once are one to the others", async () => {
  const { member, inner } = fleet();
  const store = member();
  const answers = Array.from({ length: 10 }, () => store.records.lookup(weak));
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 10 }, () => []));
  await inner.records.append(weak, entry);
  store.done(weak);
  expect(await member().records.lookup(weak)).toEqual([entry]);
});

test("leases that cannot be had cost nothing: who asks fetches", async () => {
  const broken: Leases = {
    take: () => Promise.reject(new StoreError("redis", "ECONNREFUSED", "down")),
    isHeld: () => Promise.reject(new StoreError("redis", "ECONNREFUSED", "down")),
    release: () => Promise.reject(new StoreError("redis", "ECONNREFUSED", "down")),
  };
  const store = leased(memoryStore(nodeHasher, 1 << 20), broken, systemClock, () => Promise.resolve());
  expect(await store.records.lookup(weak)).toEqual([]);
  store.done(weak);
});

test("a Redis that is down, or hangs, costs leases a second, and then nothing for a while", async () => {
  await using silent = await rawServer(() => undefined);
  for (const port of [await freePort(), silent.port]) {
    const leases = await redisLeases(
      { host: "127.0.0.1", port, tls: false },
      { prefix: "x/", clock: systemClock, random: systemRandom },
    );
    const store = leased(memoryStore(nodeHasher, 1 << 20), leases, systemClock, (ms) => sleep(ms));
    const from = performance.now();
    for (let i = 0; i < 20; i++) expect(await store.records.lookup(digestOf(String(i)))).toEqual([]);
    expect(performance.now() - from).toBeLessThan(3000);
    leases.close();
  }
});

describe.skipIf(redisMissing !== undefined)(`leases on Redis (${redisMissing ?? "redis-server"})`, () => {
  let server: RedisServer;
  let child: Child;
  let redis: Redis;
  beforeAll(async () => {
    [server, child] = await Promise.all([redisServer(), childOf("src/testing/lease-child.ts")]);
    redis = new Redis(server.address.port, "127.0.0.1");
  });
  afterAll(async () => {
    redis.disconnect();
    child[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  });
  const keys = ["a", "b", "c"];
  const job = (fate: "live" | "die", ...more: string[]) => child.run(String(server.address.port), "300", fate, ...more);

  test("one call a key for eight processes", async () => {
    await redis.flushall();
    const jobs = await Promise.all(Array.from({ length: 8 }, () => job("live", ...keys)));
    expect(jobs.map(({ code, stderr }) => [code, stderr])).toEqual(jobs.map(() => [0, ""]));
    expect(await Promise.all(keys.map((key) => redis.get(`calls/${key}`)))).toEqual(["1", "1", "1"]);
    expect(await redis.keys("h/lease/*")).toEqual([]);
  });

  test("a fetcher killed in the middle costs one call more, and nobody's answer", async () => {
    await redis.flushall();
    expect((await job("die", "a")).signal).toBe("SIGKILL");
    for (const { code } of await Promise.all(Array.from({ length: 4 }, () => job("live", "a")))) expect(code).toBe(0);
    expect(await redis.get("calls/a")).toBe("2");
  });

  test("a lease is released by its token alone", async () => {
    await redis.flushall();
    const leases = await redisLeases(server.address, { prefix: "x/", clock: systemClock, random: systemRandom });
    const token = await leases.take("k", 5000);
    expect(await leases.take("k", 5000)).toBeUndefined();
    await leases.release("k", "another");
    expect(await leases.isHeld("k")).toBe(true);
    await leases.release("k", token ?? "");
    expect(await leases.isHeld("k")).toBe(false);
    leases.close();
  });
});
