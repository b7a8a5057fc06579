// One call to GitHub for a read, and what comes of each way it can answer.
import { certifiedHeaders, endToEnd, lasting } from "./answer.ts";
import { isEdge } from "./body.ts";
import { safeHeaders } from "./candidate.ts";
import { collect, dispose } from "./collect.ts";
import { etagHex, sameTag, tagHex } from "./etag.ts";
import { resourceOf } from "./exchange.ts";
import {
  type ApiAnswer,
  type CacheMode,
  type RequestHeaders,
  type ResponseHeaders,
  type UpstreamResponse,
  UpstreamError,
  flat,
  internList,
  listed,
  one,
} from "./message.ts";
import { staleInstead, toClient } from "./own-answer.ts";
import type { TagPlan } from "./plan.ts";
import { type Reading, type ReadParts, momentNow, whyNotKept } from "./reading.ts";
import { mediaClass } from "./request-key.ts";
import type { Sight } from "./sights.ts";
import { isRefusal } from "./throttle.ts";

/** "[" */
const ARRAY = 0x5b;

/** What may be handed to others who asked the same at the same time: bytes that were certified or just came, and 404. */
export interface Outcome {
  readonly answer: ApiAnswer;
  readonly shared: boolean;
}

export class Asking {
  readonly #parts: ReadParts;
  readonly #reading: Reading;
  readonly #sent: RequestHeaders;
  readonly #reasons: readonly string[];
  readonly #signal: AbortSignal | undefined;

  /**
   * @param sent the headers that go up, but for the tag
   * @param reasons why this call is made
   */
  constructor(
    parts: ReadParts,
    reading: Reading,
    sent: RequestHeaders,
    reasons: readonly string[],
    signal: AbortSignal | undefined,
  ) {
    this.#parts = parts;
    this.#reading = reading;
    this.#sent = sent;
    this.#reasons = reasons;
    this.#signal = signal;
  }

  /** @throws Refused, UpstreamError */
  async call(plan: TagPlan | undefined): Promise<Outcome> {
    // With no bytes of ours to ask about, the client's own question goes up.
    return this.#send(plan, plan?.tag ?? this.#reading.request.headers["if-none-match"]);
  }

  async #send(plan: TagPlan | undefined, tag: string | undefined): Promise<Outcome> {
    const { request, caller, path } = this.#reading;
    const response = await this.#parts.exchange.send(request, path, {
      caller,
      headers: tag === undefined ? this.#sent : { ...this.#sent, "if-none-match": tag },
      write: false,
      conditional: plan !== undefined,
      decode: true,
      ...(this.#signal !== undefined && { signal: this.#signal }),
    });
    if (response.status === 304) return this.#notModified(plan, tag, response);
    if (response.status === 200 && request.method === "GET") return this.#full(plan, response);
    return this.#other(response);
  }

  async #notModified(plan: TagPlan | undefined, tag: string | undefined, response: UpstreamResponse): Promise<Outcome> {
    response.body.resume();
    if (tag === undefined) throw new UpstreamError("protocol", "304 to a request without a tag");
    if (plan === undefined)
      return this.#outcome(304, endToEnd(response.headers), undefined, "REVALIDATED", "client-tag", false);
    const given = one(response.headers, "etag");
    if (given !== undefined && !sameTag(given, plan.tag)) {
      // Not modified, but something else: whatever it means, it does not certify our bytes.
      const { request, path, accept } = this.#reading;
      this.#parts.effects.onEvent({ kind: "tag-lie", host: request.host, path });
      this.#parts.rules.note(request.host, mediaClass(accept), false, () => "");
      return this.#send(undefined, undefined);
    }
    if (this.#linkUnsure(plan, response)) return this.#askForLink();
    const candidate = plan.candidate ?? this.#keepGuess(plan, response);
    const etag = given ?? plan.tag;
    this.#see(candidate, etag, response.headers);
    const headers = certifiedHeaders(candidate, response.headers, etag);
    return this.#outcome(200, headers, plan.body, "REVALIDATED", plan.how, true, candidate.body);
  }

  /**
   * A list in pages, and a 304 that says nothing of pages: either GitHub left them out, or this has become the last one. Its
   * `Link` is not covered by the tag (app-sre/github-mirror #113). A list with a total_count is: its pages follow from the body.
   */
  #linkUnsure(plan: TagPlan, response: UpstreamResponse): boolean {
    const { request } = this.#reading;
    if (response.headers["link"] !== undefined) this.#parts.omitsLink.delete(request.host);
    return (
      plan.candidate?.headers.link !== undefined && response.headers["link"] === undefined && plan.body[0] === ARRAY
    );
  }

  async #askForLink(): Promise<Outcome> {
    const { request } = this.#reading;
    const outcome = await this.#send(undefined, undefined);
    // It was left out. From now on no tag is sent for such lists: one call instead of two.
    if (outcome.answer.headers["link"] !== undefined) this.#parts.omitsLink.add(request.host);
    return outcome;
  }

  #keepGuess(plan: TagPlan, response: UpstreamResponse): Sight["candidate"] {
    const headers = { "content-type": "application/json; charset=utf-8" };
    const facts = this.#facts(headers, listed(response.headers, "vary"), plan.body, true);
    return this.#parts.candidates.add(this.#reading.look, facts, plan.body);
  }

  async #full(plan: TagPlan | undefined, response: UpstreamResponse): Promise<Outcome> {
    const headers = endToEnd(response.headers);
    const read = await collect(response, this.#parts.options.maxBodyBytes);
    if ("stream" in read) return this.#outcome(200, headers, read.stream, "NO-STORE", "too-large", false);
    const body = read.whole;
    const etag = one(headers, "etag");
    const vary = listed(headers, "vary");
    const rule = this.#checkRule(vary, etag, body);
    const refusal = whyNotKept(this.#reading.request, headers, body);
    if (refusal !== undefined) return this.#outcome(200, headers, body, "NO-STORE", refusal, true);
    const facts = this.#facts(headers, vary, body, rule);
    const candidate = this.#parts.candidates.add(this.#reading.look, facts, body);
    this.#see(candidate, etag, headers);
    const mode = plan === undefined ? "MISS" : "CHANGED";
    return this.#outcome(200, headers, body, mode, plan?.how ?? "uri-miss", true, candidate.body);
  }

  async #other(response: UpstreamResponse): Promise<Outcome> {
    const { status } = response;
    const headers = endToEnd(response.headers);
    const read = await collect(response, this.#parts.options.maxBodyBytes);
    const whole = "whole" in read ? read.whole : undefined;
    if (status >= 500 || isRefusal(status, headers, whole)) {
      const stale = await staleInstead(this.#parts, this.#reading, `status-${status}`);
      if (stale !== undefined) {
        if ("stream" in read) dispose(read.stream);
        return { answer: stale, shared: false };
      }
    } else this.#forget(status);
    const body = "stream" in read ? read.stream : read.whole;
    return this.#outcome(status, headers, body, "NO-STORE", `status-${status}`, status === 404 && whole !== undefined);
  }

  /** GitHub took a right back: nothing that was shown under it may be shown again. */
  #forget(status: number): void {
    if (status === 401) this.#parts.callers.forget(this.#reading.request.headers["authorization"]);
    else if (status !== 304) this.#parts.sights.delete(this.#reading.exact);
  }

  #facts(headers: ResponseHeaders, vary: readonly string[], body: Buffer, rule: boolean) {
    const safe = safeHeaders(headers);
    return {
      sizeBytes: body.length,
      headers: safe,
      vary: internList(vary),
      rule,
      kind: this.#reading.caller.kind,
      edge: isEdge(this.#reading.path, safe, body),
      receivedAt: this.#parts.effects.clock.now(),
    };
  }

  /** @returns whether this answer's own tag follows the rule */
  #checkRule(vary: readonly string[], etag: string | undefined, body: Buffer): boolean {
    const given = tagHex(etag);
    if (given === undefined) return false;
    const { hasher } = this.#parts.effects;
    const matched = etagHex(hasher, this.#sent, vary, body) === given;
    const { request, accept } = this.#reading;
    this.#parts.rules.note(request.host, mediaClass(accept), matched, () => hasher.sha256(body));
    return matched;
  }

  /** Notes what this caller was just shown: the ground of its next lease. */
  #see(candidate: Sight["candidate"], etag: string | undefined, live: ResponseHeaders): void {
    const { epochs, effects, sights, options } = this.#parts;
    const { request, route, plain, exact, epoch, path } = this.#reading;
    if (!plain || request.method !== "GET") return;
    const quiet = epochs.quietMs(request.host, route.scope, effects.clock.monotonicMs());
    const poll = Number(one(live, "x-poll-interval") ?? Number.NaN);
    sights.set(exact, {
      candidate,
      etag,
      at: momentNow(effects),
      epoch,
      leasable: quiet >= options.leases.settleMs,
      pollS: Number.isFinite(poll) ? poll : undefined,
      fields: flat(certifiedHeaders(candidate, lasting(live), etag)),
      resource: one(live, "x-ratelimit-resource") ?? resourceOf(path),
    });
  }

  #outcome(
    status: number,
    headers: ResponseHeaders,
    body: ApiAnswer["body"],
    mode: CacheMode,
    why: string,
    shared: boolean,
    bodyKey?: string,
  ): Outcome {
    const reasons = this.#reasons;
    const answer = { status, headers, body, mode, why, reasons, ...(bodyKey !== undefined && { bodyKey }) };
    return { answer: toClient(this.#reading, answer, one(headers, "etag")), shared };
  }
}
