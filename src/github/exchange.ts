// One call to GitHub, with manners: waits while GitHub says wait, stays below its secondary limits, keeps a reserve of the
// quota for people, and enters what the answer says of the quota in the ledger.
import type { Caller } from "./callers.ts";
import { collect } from "./collect.ts";
import type { ApiEffects } from "./effects.ts";
import { Ledger, type Quota } from "./ledger.ts";
import {
  type ApiRequest,
  type RequestHeaders,
  type ResponseHeaders,
  type UpstreamResponse,
  UpstreamError,
} from "./message.ts";
import { type Refusal, Throttle, type ThrottleOptions, isRefusal } from "./throttle.ts";
import { Readable } from "node:stream";

export interface QuotaOptions {
  /** Calls left in a window from which on we warn. */
  readonly warn: number;
  /** Calls kept for people, of a token that people were seen to use within the last hour. */
  readonly reserve: number;
}

export const DEFAULT_QUOTA: QuotaOptions = { warn: 100, reserve: 50 };

/** GitHub (or the reserve) refuses this call for now; nothing was sent. */
export class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super("refused for now");
    this.refusal = refusal;
  }
}

export interface Sending {
  readonly caller: Caller;
  readonly headers: RequestHeaders;
  readonly write: boolean;
  /** Carries our tag: free if GitHub answers 304. */
  readonly conditional: boolean;
  /** Take gzip off: the tag is made of the bytes beneath. */
  readonly decode: boolean;
  readonly signal?: AbortSignal;
}

/** A refusal's body is read to be judged and said again; it is a few hundred bytes. */
const MAX_REFUSAL_BYTES = 64 * 1024;
const PEOPLE_MS = 3_600_000;
const MAX_THROTTLES = 8192;

export class Exchange {
  readonly #effects: ApiEffects;
  readonly #throttleOptions: ThrottleOptions;
  readonly #quotaOptions: QuotaOptions;
  readonly ledger = new Ledger();
  readonly #throttles = new Map<number, Throttle>();
  /** Credential -> monotonic time a person last used it. */
  readonly #people = new Map<number, number>();

  constructor(effects: ApiEffects, throttle: ThrottleOptions, quota: QuotaOptions) {
    this.#effects = effects;
    this.#throttleOptions = throttle;
    this.#quotaOptions = quota;
  }

  /** @throws Refused, UpstreamError */
  async send(request: ApiRequest, path: string, sending: Sending): Promise<UpstreamResponse> {
    const { clock, sleep } = this.#effects;
    const { caller, write, conditional, signal } = sending;
    const throttle = this.#throttleOf(caller.credential);
    const resource = resourceOf(path);
    if (request.interactive === true) this.#people.set(caller.credential, clock.monotonicMs());
    await this.#untilWelcome(throttle, resource, conditional, signal);
    this.#keepReserve(request, caller, resource, conditional);
    const wait = Math.min(throttle.take(write, clock.monotonicMs()), this.#throttleOptions.maxWaitMs);
    // A person in front of a terminal does not queue behind a script.
    if (wait > 0 && request.interactive !== true) await sleep(wait, signal);
    await throttle.enter();
    let response: UpstreamResponse;
    try {
      if (signal?.aborted === true) throw new UpstreamError("aborted", "the client went away");
      response = await this.#effects.upstream.send({
        method: request.method,
        host: request.host,
        path: request.path,
        headers: sending.headers,
        decode: sending.decode,
        ...(request.body !== undefined && { body: request.body }),
        ...(signal !== undefined && { signal }),
      });
    } catch (error) {
      throttle.leave();
      throw error;
    }
    response.body.once("close", () => throttle.leave());
    this.#note(caller, response.headers);
    if (response.status === 403 || response.status === 429)
      return this.#judgeRefusal(throttle, resource, response, conditional);
    throttle.answered(resource, response.status === 304);
    return response;
  }

  quota(caller: Caller, resource: string): Quota | undefined {
    return this.ledger.quota(caller.credential, resource);
  }

  async #untilWelcome(
    throttle: Throttle,
    resource: string,
    conditional: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { clock, sleep } = this.#effects;
    for (;;) {
      const refusal = throttle.refusal(resource, clock.monotonicMs());
      if (refusal === undefined || (conditional && throttle.mayTryTag(resource))) return;
      const left = refusal.untilMs - clock.monotonicMs();
      if (left > this.#throttleOptions.maxWaitMs) throw new Refused(refusal);
      await sleep(left, signal);
    }
  }

  #keepReserve(request: ApiRequest, caller: Caller, resource: string, conditional: boolean): void {
    const { clock } = this.#effects;
    if (request.interactive === true || conditional) return;
    const seen = this.#people.get(caller.credential);
    if (seen === undefined || clock.monotonicMs() - seen > PEOPLE_MS) return;
    const quota = this.quota(caller, resource);
    const leftMs = quota === undefined ? 0 : quota.resetS * 1000 - clock.now();
    if (quota === undefined || quota.remaining > this.#quotaOptions.reserve || leftMs <= 0) return;
    const message = `foregone: the last ${this.#quotaOptions.reserve} of ${quota.limit} calls of this token are kept for people`;
    throw new Refused({
      status: 429,
      headers: { "content-type": "application/json; charset=utf-8" },
      body: Buffer.from(JSON.stringify({ message, documentation_url: "docs/github-api-cache.md" })),
      untilMs: clock.monotonicMs() + leftMs,
    });
  }

  #note(caller: Caller, headers: ResponseHeaders): void {
    const before = this.ledger.quota(caller.credential, String(headers["x-ratelimit-resource"] ?? "core"));
    const quota = this.ledger.note(caller.credential, headers);
    const { warn } = this.#quotaOptions;
    if (quota !== undefined && quota.remaining <= warn && (before === undefined || before.remaining > warn))
      this.#effects.onEvent({
        kind: "quota-low",
        resource: quota.resource,
        remaining: quota.remaining,
        resetS: quota.resetS,
      });
  }

  async #judgeRefusal(
    throttle: Throttle,
    resource: string,
    response: UpstreamResponse,
    conditional: boolean,
  ): Promise<UpstreamResponse> {
    const { clock } = this.#effects;
    const read = await collect(response, MAX_REFUSAL_BYTES);
    if ("stream" in read) return { ...response, body: read.stream };
    if (isRefusal(response.status, response.headers, read.whole)) {
      if (conditional) throttle.tagRefused(resource);
      throttle.refused(
        resource,
        response.status,
        response.headers,
        read.whole,
        clock.monotonicMs(),
        clock.now() / 1000,
      );
      this.#effects.onEvent({ kind: "refused", status: response.status, resource });
    }
    return { ...response, body: Readable.from([read.whole], { objectMode: false }) };
  }

  #throttleOf(credential: number): Throttle {
    let throttle = this.#throttles.get(credential);
    if (throttle !== undefined) return throttle;
    if (this.#throttles.size >= MAX_THROTTLES) this.#sweep();
    throttle = new Throttle(this.#throttleOptions, this.#effects.clock.monotonicMs());
    this.#throttles.set(credential, throttle);
    return throttle;
  }

  /** Jobs bring a new token each: those that are quiet are dropped, with what the ledger knows of them. */
  #sweep(): void {
    const now = this.#effects.clock.monotonicMs();
    for (const [credential, throttle] of this.#throttles) {
      if (!throttle.isQuiet(now)) continue;
      this.#throttles.delete(credential);
      this.#people.delete(credential);
      this.ledger.forget(credential);
    }
  }
}

/** Which of GitHub's budgets a path draws on. A guess only decides which refusals concern it. */
export function resourceOf(path: string): string {
  if (path.startsWith("/graphql")) return "graphql";
  if (path.startsWith("/search/code")) return "code_search";
  if (path.startsWith("/search/")) return "search";
  return "core";
}
