// POSTs that only read: GraphQL queries, and what the owner lists. Shared while under way with those who send the same bytes
// under the same credential; kept only where the owner or the client asks for it, in memory, for that caller alone.
import { LRUCache } from "lru-cache";
import { endToEnd } from "./answer.ts";
import { collect } from "./collect.ts";
import { Refused } from "./exchange.ts";
import { Flights } from "./flight.ts";
import { executedKind } from "./graphql.ts";
import { type Moment, acceptedAgeMs, ageMs, goDurationMs } from "./lease.ts";
import { type ApiAnswer, type ApiRequest, UpstreamError, one } from "./message.ts";
import { passThrough } from "./pass.ts";
import { discard, replayed } from "./read.ts";
import { type ReadParts, momentNow } from "./reading.ts";
import { hasUnknownHeader, isHarmless } from "./request-key.ts";
import type { Outcome } from "./ask.ts";

export interface PostOptions {
  /** Seconds a GraphQL query's answer may serve its own caller; 0: only if the client asks (`gh api --cache`). */
  readonly graphqlTtl: number;
  /** Other POSTs that only read, such as completions. `ttl` in seconds. */
  readonly cacheablePosts: readonly { readonly host: string; readonly path: string; readonly ttl: number }[];
  /** Seconds: upper bound of their `ttl` (`operation_ttls.copilot_completion`). */
  readonly maxPostTtl: number;
}

export const DEFAULT_POSTS: PostOptions = { graphqlTtl: 0, cacheablePosts: [], maxPostTtl: 3600 };

/** A document beyond this is passed on and not read. */
const MAX_QUESTION_BYTES = 1024 * 1024;
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

interface Kept {
  readonly answer: ApiAnswer;
  readonly body: Uint8Array;
  readonly at: Moment;
  readonly epoch: number;
}

export class Posts {
  readonly #parts: ReadParts;
  readonly #options: PostOptions;
  readonly #flights = new Flights<Outcome>(discard);
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: ({ body }) => body.length + 2000,
  });

  constructor(parts: ReadParts, options: PostOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Seconds this owner-listed POST may be kept; undefined if it is not listed. */
  listedTtl(request: ApiRequest, path: string): number | undefined {
    if (request.method !== "POST") return undefined;
    const plain = path.split("?", 1)[0];
    const listed = this.#options.cacheablePosts.find((post) => post.host === request.host && post.path === plain);
    return listed && Math.min(listed.ttl, this.#options.maxPostTtl);
  }

  async graphql(request: ApiRequest, path: string): Promise<ApiAnswer> {
    const whole = await withWholeBody(request);
    const write = { host: request.host, scope: {} };
    if (whole.body instanceof Uint8Array && executed(whole.body) === "query") {
      const asked = goDurationMs(request.headers["x-gh-cache-ttl"]) ?? 0;
      const ttlMs = Math.min(
        Math.max(this.#options.graphqlTtl * 1000, asked),
        this.#parts.options.leases.defaultTtl * 1000,
      );
      return this.#shared(whole, whole.body, path, ttlMs);
    }
    return passThrough(this.#parts, whole, path, "mutation", write);
  }

  async listed(request: ApiRequest, path: string, ttlS: number): Promise<ApiAnswer> {
    const whole = await withWholeBody(request);
    const streams = /"stream"\s*:\s*true/.test(
      whole.body instanceof Uint8Array ? Buffer.from(whole.body).toString("latin1") : '"stream":true',
    );
    if (streams || !(whole.body instanceof Uint8Array))
      return passThrough(this.#parts, whole, path, "stream", undefined);
    return this.#shared(whole, whole.body, path, ttlS * 1000);
  }

  async #shared(request: ApiRequest, question: Uint8Array, path: string, ttlMs: number): Promise<ApiAnswer> {
    const { effects, epochs, callers, options } = this.#parts;
    const epoch = epochs.epochOf(request.host, {});
    const key = this.#keyOf(request, question, callers.of(request.headers["authorization"]).id);
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.epoch === epoch) {
      const age = ageMs(kept.at, momentNow(effects));
      if (age < ttlMs && age < acceptedAgeMs(request.headers)) {
        const headers = { ...kept.answer.headers, age: String(Math.floor(age / 1000)) };
        return { ...kept.answer, headers, mode: "FRESH", why: "lease", ttlS: Math.floor((ttlMs - age) / 1000) };
      }
    }
    const { led, result } = await this.#flights.join(`${epoch} ${key}`, request.signal, (signal) =>
      this.#ask({ ...request, signal }, path),
    );
    if ("error" in result) {
      if (led) return this.#instead(result.error);
      return (await this.#ask(request, path).catch((error: unknown) => ({ answer: this.#instead(error) }))).answer;
    }
    const { answer, shared } = result.outcome;
    if (!led && !shared) return (await this.#ask(request, path)).answer;
    const quiet = epochs.quietMs(request.host, {}, effects.clock.monotonicMs()) >= options.leases.settleMs;
    if (
      led &&
      shared &&
      ttlMs > 0 &&
      quiet &&
      answer.body instanceof Uint8Array &&
      !hasUnknownHeader(request.headers, POSTED)
    )
      this.#kept.set(key, { answer, body: answer.body, at: momentNow(effects), epoch });
    return led ? answer : { ...answer, mode: "COALESCED", why: "flight" };
  }

  async #ask(request: ApiRequest, path: string): Promise<Outcome> {
    // Uncompressed, because the answer has to be read.
    const { "accept-encoding": _, ...headersUp } = request.headers;
    const passed = await passThrough(this.#parts, { ...request, headers: headersUp }, path, "query", undefined);
    const { status, headers, body } = passed;
    if (status !== 200 || body === undefined || body instanceof Uint8Array) return { answer: passed, shared: false };
    const read = await collect({ status, headers, body }, this.#parts.options.maxBodyBytes);
    if ("stream" in read) return { answer: { ...passed, body: read.stream }, shared: false };
    // An error is an answer with status 200 here; nobody else should get it.
    const odd = one(headers, "content-encoding") !== undefined || read.whole.includes('"errors"');
    const answer = { ...passed, headers: endToEnd(headers), body: read.whole, mode: "NO-STORE" as const };
    return { answer, shared: !odd };
  }

  #instead(error: unknown): ApiAnswer {
    if (error instanceof Refused) return replayed(error, this.#parts.effects.clock.monotonicMs());
    throw error;
  }

  /** Every header that may matter, so that an unknown one separates rather than confuses. */
  #keyOf(request: ApiRequest, question: Uint8Array, caller: number): string {
    const named = Object.entries(request.headers).filter(
      ([name]) => name === "accept" || name === "content-type" || !isHarmless(name),
    );
    const head = JSON.stringify([caller, request.host, request.path, named.sort(([a], [b]) => (a < b ? -1 : 1))]);
    return this.#parts.effects.hasher.sha256(Buffer.concat([Buffer.from(`${head}\n`), question]));
  }
}

/** Headers that GraphQL clients send and that the key holds. */
const POSTED: ReadonlySet<string> = new Set(["graphql-features", "x-github-next-global-id"]);

function executed(question: Uint8Array): string | undefined {
  try {
    const { query, operationName } = JSON.parse(Buffer.from(question).toString()) as Record<string, unknown>;
    if (typeof query !== "string") return undefined;
    return executedKind(query, typeof operationName === "string" ? operationName : undefined);
  } catch {
    return undefined;
  }
}

/** The body in one piece if it is small and not encoded; else a stream that still has all of it. */
async function withWholeBody(request: ApiRequest): Promise<ApiRequest> {
  const { body, headers } = request;
  if (body === undefined || body instanceof Uint8Array || headers["content-encoding"] !== undefined) return request;
  const read = await collect({ status: 0, headers: {}, body }, MAX_QUESTION_BYTES).catch((error: unknown) => {
    throw new UpstreamError("aborted", "the client's request was cut off", error);
  });
  return { ...request, body: "whole" in read ? read.whole : read.stream };
}
