// One connection to Redis or Valkey, and what its failures are called. Bucket (redis.ts) and leases (redis-lease.ts) share it.
import type { Redis, RedisOptions } from "ioredis";
import type { Clock } from "../ports.ts";
import { StoreError } from "./store.ts";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database?: number;
}

export interface RedisLimits {
  /** To connect; the answer of a command is waited for by `bounded`. */
  readonly deadlineMs: number;
  /** Of one command's answer. */
  readonly maxAnswerBytes: number;
  readonly clock: Clock;
}

export interface RedisConnection {
  /** @throws StoreError with the server's own word ("OOM", "NOPERM", "WRONGPASS") or an errno */
  run<T>(work: (redis: Redis) => Promise<T>): Promise<T>;
  readonly close: () => void;
}

/**
 * While a command ran for minutes, a middlebox may have forgotten the connection without a word. A new one costs less than
 * waiting for the old one in vain.
 */
const MAX_IDLE_MS = 30_000;

/**
 * Connects at the first command, and anew when the connection has ended or was idle; how often that is tried, `bounded` says.
 * Nothing that is thrown or kept holds the password.
 */
export async function connectRedis(name: string, address: RedisAddress, limits: RedisLimits): Promise<RedisConnection> {
  const { Redis } = await import("ioredis");
  const { clock } = limits;
  let live: Live | undefined;
  let usedMs = 0;
  const connection = (): Live => {
    const idle = live?.inFlight === 0 && clock.monotonicMs() - usedMs > MAX_IDLE_MS;
    if (live === undefined || live.redis.status === "end" || idle) {
      live?.redis.disconnect();
      live = makeLive(new Redis(optionsOf(address, limits)), limits.maxAnswerBytes);
    }
    usedMs = clock.monotonicMs();
    return live;
  };
  return {
    async run(work) {
      const current = connection();
      if (current.inFlight === 0) current.received = 0;
      current.inFlight++;
      try {
        return await work(current.redis);
      } catch (error) {
        throw asStoreError(name, error, current.last);
      } finally {
        current.inFlight--;
      }
    },
    close: () => live?.redis.disconnect(),
  };
}

interface Live {
  readonly redis: Redis;
  inFlight: number;
  /** Bytes since nothing was in flight. */
  received: number;
  /** ioredis tells callers only that the connection is closed; why, it tells in an event. */
  last: unknown;
}

function makeLive(redis: Redis, maxAnswerBytes: number): Live {
  const live: Live = { redis, inFlight: 0, received: 0, last: undefined };
  redis.on("error", (error: unknown) => {
    live.last = error;
    // It would wait for ever on a server that does not speak RESP.
    if (isGarbage(error)) redis.stream.destroy();
  });
  redis.on("connect", () =>
    redis.stream.on("data", (chunk: Uint8Array) => {
      live.received += chunk.length;
      // An answer is kept in memory until it is whole: who can write to the store must not decide how much that is.
      if (live.received > maxAnswerBytes * Math.max(1, live.inFlight))
        redis.stream.destroy(Object.assign(new Error("the answer is too long"), { code: "EFBIG" }));
    }),
  );
  return live;
}

function optionsOf(address: RedisAddress, { deadlineMs }: RedisLimits) {
  return {
    host: address.host,
    port: address.port,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    ...(address.database !== undefined && { db: address.database }),
    ...(address.tls && { tls: { servername: address.host } }),
    // RESP2 needs no HELLO, which old servers and narrow ACLs refuse; so do INFO and CLIENT SETINFO.
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    lazyConnect: true,
    connectTimeout: deadlineMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: () => null,
  } as const satisfies RedisOptions;
}

/** ioredis keeps the arguments of a failed AUTH in its error: only words of the message go on. */
function asStoreError(layer: string, error: unknown, last: unknown): StoreError {
  const closed = error instanceof Error && /connection is closed|max retries/i.test(error.message);
  const cause = closed && last !== undefined ? last : error;
  return new StoreError(layer, wordOf(cause, closed), `${layer}: ${wordOf(cause, closed)}`);
}

function wordOf(cause: unknown, closed: boolean): string {
  if (isGarbage(cause)) return "garbage";
  const { name, message = "", code } = (cause ?? {}) as { name?: string; message?: string; code?: unknown };
  const word = name === "ReplyError" ? /^[A-Z]{2,20}\b/.exec(message)?.[0] : undefined;
  return word ?? (typeof code === "string" ? code : closed ? "closed" : (name ?? "unknown"));
}

function isGarbage(error: unknown): boolean {
  return error instanceof Error && (error.name === "ParserError" || error.message.startsWith("Unknown RESP type"));
}
