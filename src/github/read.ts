// A read: from a live lease, else together with those who ask the same right now, else GitHub with one tag. Bytes that
// this caller did not get itself are served only after a 304 under its own token.
import { Readable } from "node:stream";
import { endToEnd } from "./answer.ts";
import { Asking, type Outcome } from "./ask.ts";
import { Refused } from "./exchange.ts";
import { Flights } from "./flight.ts";
import { type ApiAnswer, type ApiRequest, UpstreamError } from "./message.ts";
import { fromLease, staleInstead } from "./own-answer.ts";
import { planTag } from "./plan.ts";
import { type Reading, type ReadParts, beginReading, sentHeaders } from "./reading.ts";
import { mediaClass } from "./request-key.ts";
import type { Route } from "./route.ts";

export class Reads {
  readonly #parts: ReadParts;
  readonly #flights = new Flights<Outcome>(discard);
  /** Search key -> settles when the first call for it has brought a body, or failed. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(parts: ReadParts) {
    this.#parts = parts;
  }

  /** @param path below the API root. @throws UpstreamError */
  handle(request: ApiRequest, path: string, route: Route): ApiAnswer | Promise<ApiAnswer> {
    const reading = beginReading(this.#parts, request, path, route);
    const fresh = fromLease(this.#parts, reading);
    if (fresh === undefined) return this.#together(reading);
    return fresh instanceof Promise ? fresh.then((answer) => answer ?? this.#together(reading)) : fresh;
  }

  async #together(reading: Reading): Promise<ApiAnswer> {
    const { request } = reading;
    if (!reading.plain) return (await this.#lead(reading, request.signal)).answer;
    const tag = request.headers["if-none-match"] ?? "";
    const key = `${request.method} ${reading.epoch} ${tag} ${reading.exact}`;
    const { led, result } = await this.#flights.join(key, request.signal, (signal) => this.#lead(reading, signal));
    if (led) {
      if ("error" in result) throw result.error;
      return result.outcome.answer;
    }
    // A failure, a refusal or a stream is for one: who waited for it asks for itself.
    if ("error" in result || !result.outcome.shared) return (await this.#lead(reading, request.signal)).answer;
    return { ...result.outcome.answer, mode: "COALESCED", why: "flight" };
  }

  async #lead(reading: Reading, signal: AbortSignal | undefined): Promise<Outcome> {
    try {
      return await this.#ask(reading, signal);
    } catch (error) {
      return { answer: await this.#instead(reading, error), shared: false };
    }
  }

  async #ask(reading: Reading, signal: AbortSignal | undefined): Promise<Outcome> {
    const { candidates, rules, sights, effects } = this.#parts;
    const { look, request, path, accept, caller } = reading;
    let found = await candidates.find(look);
    if (found.length === 0 && (await this.#followOther(reading, signal))) found = await candidates.find(look);
    const sent = sentHeaders(request.headers, accept);
    const plan = await planTag(
      { candidates, rules, hasher: effects.hasher },
      { host: request.host, path, accept, caller, look, sent },
      found,
      sights.get(reading.exact),
    );
    const call = new Asking(this.#parts, reading, sent, signal).call(plan);
    if (found.length > 0 || this.#underWay.has(look.text)) return call;
    this.#underWay.set(
      look.text,
      call.catch(() => undefined),
    );
    return call.finally(() => this.#underWay.delete(look.text));
  }

  /** Sixty cold jobs with sixty tokens: one pays, the others then ask with a tag. @returns whether somebody led the way */
  async #followOther(reading: Reading, signal: AbortSignal | undefined): Promise<boolean> {
    const other = this.#underWay.get(reading.look.text);
    const { rules, effects, options } = this.#parts;
    if (other === undefined || !rules.proven(reading.request.host, mediaClass(reading.accept))) return false;
    const end = new AbortController();
    const stop = (): void => end.abort();
    signal?.addEventListener("abort", stop, { once: true });
    await Promise.race([other, effects.sleep(options.followMs, end.signal).catch(() => undefined)]);
    stop();
    signal?.removeEventListener("abort", stop);
    return true;
  }

  /** There is no answer from GitHub. @throws what happened, if there is nothing to say instead */
  async #instead(reading: Reading, error: unknown): Promise<ApiAnswer> {
    const refused = error instanceof Refused;
    if (!refused && !(error instanceof UpstreamError && error.failure !== "aborted")) throw error;
    const stale = await staleInstead(this.#parts, reading, refused ? "quota" : `upstream-${error.failure}`);
    if (stale !== undefined) return stale;
    if (!refused) throw error;
    return replayed(error, this.#parts.effects.clock.monotonicMs());
  }
}

/** A stream serves one; when that one has left it is closed, so that its connection is free again. */
export function discard({ answer }: Outcome): void {
  if (answer.body instanceof Readable) answer.body.destroy();
}

/** GitHub's own refusal again, with the time that is left of it. */
export function replayed({ refusal }: Refused, nowMs: number): ApiAnswer {
  const { status, headers, body, untilMs } = refusal;
  const waitS = Math.max(1, Math.ceil((untilMs - nowMs) / 1000));
  return {
    status,
    headers: { ...endToEnd(headers), "retry-after": String(waitS) },
    body,
    mode: "SKIP",
    why: "refused-before",
  };
}
