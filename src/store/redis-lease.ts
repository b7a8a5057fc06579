// Leases on Redis: SET NX PX to take, and a release that checks whose it is, in one step on the server.
// https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/ : a single instance. Two who both fetch after a failover
// cost one call more; nothing that must be right depends on a lease.
import type { Clock, Random } from "../ports.ts";
import type { Leases } from "./leased.ts";
import { connectRedis, type RedisAddress } from "./redis-client.ts";
import { StoreError } from "./store.ts";

const RELEASE = 'if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end';
/** A server that does not answer by then is asked again after the rest: it must cost this once, not every reader. */
const DEADLINE_MS = 1000;
const REST_MS = 10_000;

export interface RedisLeases extends Leases {
  readonly close: () => void;
}

export async function redisLeases(
  address: RedisAddress,
  { prefix, clock, random }: { readonly prefix: string; readonly clock: Clock; readonly random: Random },
): Promise<RedisLeases> {
  const name = "redis";
  const connection = await connectRedis(name, address, { deadlineMs: DEADLINE_MS, maxAnswerBytes: 65_536, clock });
  const keyOf = (weak: string): string => `${prefix}lease/${weak}`;
  let offUntilMs = 0;
  const run: typeof connection.run = async (work) => {
    if (clock.monotonicMs() < offUntilMs) throw new StoreError(name, "off", "leases are off for a while");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StoreError(name, "timeout", "no lease in time")), DEADLINE_MS);
    });
    try {
      return await Promise.race([connection.run(work), late]);
    } catch (error) {
      offUntilMs = clock.monotonicMs() + REST_MS;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    async take(weak, ms) {
      const token = Buffer.from(random.bytes(16)).toString("hex");
      const taken = await run((redis) => redis.set(keyOf(weak), token, "PX", ms, "NX"));
      return taken === "OK" ? token : undefined;
    },
    isHeld: async (weak) => (await run((redis) => redis.exists(keyOf(weak)))) === 1,
    async release(weak, token) {
      await run((redis) => redis.eval(RELEASE, 1, keyOf(weak), token));
    },
    close: connection.close,
  };
}
