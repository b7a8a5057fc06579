// One connection to Redis or Valkey, and what its failures are called. Bucket (redis.ts) and leases (redis-lease.ts) share it.
import type { Redis } from "ioredis";
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
  /** A process that lives on connects again; a command that ends soon does not. */
  readonly reconnect: boolean;
}

export interface RedisConnection {
  /** @throws StoreError with the server's own word ("OOM", "NOPERM", "WRONGPASS") or an errno */
  run<T>(work: (redis: Redis) => Promise<T>): Promise<T>;
  readonly close: () => void;
}

const MAX_RECONNECT_MS = 30_000;

/** Connects at the first command. Nothing that is thrown or kept holds the password. */
export async function connectRedis(
  name: string,
  address: RedisAddress,
  { deadlineMs, maxAnswerBytes, reconnect }: RedisLimits,
): Promise<RedisConnection> {
  const { Redis } = await import("ioredis");
  const redis = new Redis({
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
    retryStrategy: reconnect ? (times) => Math.min(100 * 2 ** times, MAX_RECONNECT_MS) : () => null,
  });
  // ioredis tells callers only that the connection is closed; why, it tells here.
  let last: unknown;
  redis.on("error", (error: unknown) => {
    last = error;
    // It would wait for ever on a server that does not speak RESP.
    if (isGarbage(error)) redis.stream.destroy();
  });
  let inFlight = 0;
  let received = 0;
  redis.on("connect", () => {
    received = 0;
    redis.stream.on("data", (chunk: Uint8Array) => {
      received += chunk.length;
      // An answer is kept in memory until it is whole: who can write to the store must not decide how much that is.
      if (received > maxAnswerBytes * Math.max(1, inFlight))
        redis.stream.destroy(Object.assign(new Error("the answer is too long"), { code: "EFBIG" }));
    });
  });
  return {
    async run(work) {
      if (inFlight === 0) received = 0;
      inFlight++;
      try {
        return await work(redis);
      } catch (error) {
        throw asStoreError(name, error, last);
      } finally {
        inFlight--;
      }
    },
    close: () => redis.disconnect(),
  };
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
