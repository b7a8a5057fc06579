// Redis or Valkey as a bucket: a value is a string, lines are a list. What nobody uses for `keepMs` expires, so the store never
// grows beyond what a fleet needs; beyond its memory, the server evicts (docs/stores.md says how to set it up).
import type { Clock } from "../ports.ts";
import { type Bucket, MAX_LINES } from "./bucket.ts";
import { connectRedis, type RedisAddress } from "./redis-client.ts";
import { StoreError } from "./store.ts";

export interface EngineBucket extends Bucket {
  readonly close: () => void;
}

export interface EngineLimits {
  readonly deadlineMs: number;
  /** Of one value. */
  readonly maxBytes: number;
  readonly clock: Clock;
}

/** Of a list: 200 sealed and signed entries have 50 kB. */
const MAX_LIST_BYTES = 1024 * 1024;

/**
 * Values of no bytes are not told from missing ones: seal them first.
 * @param prefix of every key, so that several networks share a server
 */
export async function redisBucket(
  name: string,
  address: RedisAddress,
  { prefix, keepMs, ...limits }: EngineLimits & { readonly prefix: string; readonly keepMs: number },
): Promise<EngineBucket> {
  const { maxBytes } = limits;
  const connection = await connectRedis(name, address, {
    ...limits,
    maxAnswerBytes: Math.max(maxBytes, MAX_LIST_BYTES) + 65_536,
  });
  const keyOf = (key: string): string => prefix + key;
  return {
    name,
    close: connection.close,
    async get(key) {
      // Not GET: a value larger than we take stays where it is.
      const bytes = await connection.run((redis) => redis.getrangeBuffer(keyOf(key), 0, maxBytes));
      if (bytes.length > maxBytes)
        throw new StoreError(name, "EFBIG", `${name}: a value has more than ${maxBytes} bytes`);
      return bytes.length === 0 ? undefined : bytes;
    },
    async put(key, bytes) {
      await connection.run(async (redis) => {
        // A value of the same name has the same meaning; of another length, it was cut.
        const [length, kept] = await Promise.all([redis.strlen(keyOf(key)), redis.pexpire(keyOf(key), keepMs)]);
        if (kept === 0 || length !== bytes.length) await redis.set(keyOf(key), Buffer.from(bytes), "PX", keepMs);
      });
    },
    missing: (keys) =>
      connection.run(async (redis) => {
        const there = await Promise.all(keys.map((key) => redis.exists(keyOf(key))));
        return keys.filter((_, i) => there[i] === 0);
      }),
    async addLine(key, line) {
      await connection.run((redis) =>
        Promise.all([
          redis.lpush(keyOf(key), Buffer.from(line)),
          redis.ltrim(keyOf(key), 0, MAX_LINES - 1),
          redis.pexpire(keyOf(key), keepMs),
        ]),
      );
    },
    lines: (key) => connection.run((redis) => redis.lrangeBuffer(keyOf(key), 0, MAX_LINES - 1)),
  };
}
