import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { redisMissing, type RedisServer, redisServer } from "../testing/redis-server.ts";
import { storeContract } from "../testing/store.contract.ts";
import { bucketStore } from "./bucket.ts";
import { type EngineBucket, redisBucket } from "./redis.ts";
import { sealed } from "./sealed.ts";

const limits = { deadlineMs: 2000, maxBytes: 2 << 20, keepMs: 60_000, clock: systemClock };
const secret = Buffer.alloc(32, 1);

describe.skipIf(redisMissing !== undefined)(`Redis (${redisMissing ?? "redis-server"})`, () => {
  let server: RedisServer;
  const opened: EngineBucket[] = [];
  let made = 0;
  const bucket = async (more: Partial<typeof limits & { prefix: string }> = {}): Promise<EngineBucket> => {
    const one = await redisBucket("redis", server.address, { prefix: `test${made++}/`, ...limits, ...more });
    opened.push(one);
    return one;
  };
  beforeAll(async () => {
    server = await redisServer();
  });
  afterAll(async () => {
    for (const each of opened) each.close();
    await server[Symbol.asyncDispose]();
  });

  storeContract("Redis, sealed,", async () =>
    bucketStore(
      sealed(await bucket(), secret, systemRandom, () => undefined),
      nodeHasher,
    ),
  );

  test("a value that was cut is written anew by the next put", async () => {
    const [a, prefix] = [await bucket({ prefix: "cut/" }), "cut/"];
    await a.put("x", Buffer.from("whole"));
    const other = await redisBucket("redis", server.address, { ...limits, prefix });
    opened.push(other);
    const { Redis } = await import("ioredis");
    const bare = new Redis(server.address.port, "127.0.0.1");
    await bare.set("cut/x", "wh");
    await other.put("x", Buffer.from("whole"));
    expect(await bare.get("cut/x")).toBe("whole");
    expect(await bare.pttl("cut/x")).toBeGreaterThan(0);
    bare.disconnect();
  });
});
