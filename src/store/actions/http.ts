// One HTTP exchange with a service that may be slow, dead or somebody else: one try, bounded in time and bytes. Time is bounded
// by waiting, not by size: a large download that moves is no reason to give up, silence is.
import type { Clock, Fetch, FetchAnswer } from "../../ports.ts";
import { codeOf } from "../events.ts";
import { StoreError } from "../store.ts";

/** How long the layers of a job may keep it waiting. */
export interface Patience {
  /** For one answer, and between two pieces of it. */
  readonly answerMs: number;
  /** All waiting taken together; questions asked at once wait once. */
  readonly totalMs: number;
}

/** While a decision waits. Design: 1.5 s a look-up, 2 s in all; some of it is work. */
export const DECIDING: Patience = { answerMs: 1_500, totalMs: 1_900 };
/** After the job's own work, in its post step. */
export const PUBLISHING: Patience = { answerMs: 8_000, totalMs: 15_000 };

/** A body that moves is waited for as long as it brings this much, after a start of `answerMs`. */
const MIN_BYTES_PER_MS = 1_048;

export class Waiting {
  readonly #clock: Clock;
  readonly #patience: Patience;
  #spentMs = 0;
  #active = 0;
  #since = 0;

  constructor(clock: Clock, patience: Patience) {
    this.#clock = clock;
    this.#patience = patience;
  }

  get answerMs(): number {
    return this.#patience.answerMs;
  }

  /** Milliseconds that may still be waited for one answer; 0: none. */
  leftMs(): number {
    const running = this.#active > 0 ? this.#clock.monotonicMs() - this.#since : 0;
    return Math.max(0, Math.min(this.#patience.answerMs, this.#patience.totalMs - this.#spentMs - running));
  }

  /** Time that a body was waited for in vain. */
  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** Counts until the returned function is called. */
  begin(): () => void {
    if (this.#active++ === 0) this.#since = this.#clock.monotonicMs();
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      if (--this.#active === 0) this.#spentMs += this.#clock.monotonicMs() - this.#since;
    };
  }
}

export interface HttpParts {
  /** Name of the layer, for its errors. */
  readonly layer: string;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly waiting: Waiting;
}

export interface Request {
  readonly method: "GET" | "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** More than this of an answer is not read. */
  readonly maxBytes: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: FetchAnswer["headers"];
  readonly body: Uint8Array;
}

/**
 * Redirects are not followed: a token must not travel to another host.
 * @throws StoreError: `timeout`, `EFBIG`, or what broke the connection. A status is no error.
 */
export async function exchange(parts: HttpParts, url: string, request: Request): Promise<Answer> {
  const { layer, clock, waiting } = parts;
  const late = (): StoreError => new StoreError(layer, "timeout", `${layer} did not answer in time`);
  const first = waiting.leftMs();
  if (first <= 0) throw late();
  const abort = new AbortController();
  let pausedMs = 0;
  const end = waiting.begin();
  let timer = setTimeout(() => abort.abort(late()), first);
  try {
    const response = await parts.fetch(url, {
      method: request.method,
      redirect: "manual",
      signal: abort.signal,
      headers: { "user-agent": "foregone", ...request.headers },
      ...(request.body !== undefined && { body: request.body }),
    });
    end();
    const from = clock.monotonicMs();
    const pieces: Uint8Array[] = [];
    let size = 0;
    const reader = response.body?.[Symbol.asyncIterator]();
    for (;;) {
      clearTimeout(timer);
      const mostMs = Math.max(1, waiting.leftMs());
      timer = setTimeout(() => {
        pausedMs = mostMs;
        abort.abort(late());
      }, mostMs);
      const { done, value } = (await reader?.next()) ?? { done: true, value: undefined };
      if (done === true) break;
      size += value.length;
      pieces.push(value);
      if (size > request.maxBytes)
        throw new StoreError(layer, "EFBIG", `${layer} sent more than ${request.maxBytes} bytes`);
      if (clock.monotonicMs() - from > waiting.answerMs + size / MIN_BYTES_PER_MS) throw late();
    }
    return { status: response.status, headers: response.headers, body: joined(pieces, size) };
  } catch (error) {
    if (abort.signal.aborted) throw late();
    abort.abort();
    if (error instanceof StoreError) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new StoreError(layer, codeOf(cause), `${layer} cannot be reached (${codeOf(cause)})`);
  } finally {
    clearTimeout(timer);
    end();
    waiting.spend(pausedMs);
  }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const only = pieces[0];
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, size);
}

/** @returns the object that the answer is; undefined for anything else, such as the page of a proxy */
export function jsonObject({ body }: Pick<Answer, "body">): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
