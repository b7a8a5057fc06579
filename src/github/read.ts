// A read: from a live lease, else together with those who ask the same right now, else GitHub with one tag. Bytes that
// this caller did not get itself are served only after a 304 under its own token.
import { endToEnd } from "./answer.ts";
import { Asking, type Outcome } from "./ask.ts";
import type { Look } from "./candidates.ts";
import { dispose } from "./collect.ts";
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
  /** Search key -> settles when the first call that was made without a candidate has its answer. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(parts: ReadParts) {
    this.#parts = parts;
  }

  /** @param path below the API root. @throws UpstreamError */
  handle(request: ApiRequest, path: string, route: Route): ApiAnswer | Promise<ApiAnswer> {
    const reading = beginReading(this.#parts, request, path, route);
    const fresh = fromLease(this.#parts, reading);
    const orAsk = (found: ApiAnswer | string): ApiAnswer | Promise<ApiAnswer> =>
      typeof found === "string" ? this.#together(reading, found) : found;
    return fresh instanceof Promise ? fresh.then(orAsk) : orAsk(fresh);
  }

  /** @param noLease why */
  async #together(reading: Reading, noLease: string): Promise<ApiAnswer> {
    const { request } = reading;
    if (!reading.plain) return (await this.#lead(reading, noLease, request.signal)).answer;
    const tag = request.headers["if-none-match"] ?? "";
    const key = `${request.method} ${reading.epoch} ${tag} ${reading.exact}`;
    const { led, result } = await this.#flights.join(key, request.signal, (signal) =>
      this.#lead(reading, noLease, signal),
    );
    if (led) {
      if ("error" in result) throw result.error;
      return result.outcome.answer;
    }
    // A failure, a refusal or a stream is for one: who waited for it asks for itself.
    if ("error" in result || !result.outcome.shared) return (await this.#lead(reading, noLease, request.signal)).answer;
    return { ...result.outcome.answer, mode: "COALESCED", why: "flight" };
  }

  async #lead(reading: Reading, noLease: string, signal: AbortSignal | undefined): Promise<Outcome> {
    try {
      return await this.#ask(reading, noLease, signal);
    } catch (error) {
      return { answer: await this.#instead(reading, error), shared: false };
    }
  }

  async #ask(reading: Reading, noLease: string, signal: AbortSignal | undefined): Promise<Outcome> {
    const { candidates, rules, sights, effects } = this.#parts;
    const { look, request, path, accept, caller } = reading;
    let found = await candidates.find(look);
    const ahead = found.length === 0 ? this.#underWay.get(look.text) : undefined;
    // The lead is taken at once, before anything is waited for: sixty reads may have got here together.
    const done = found.length === 0 && ahead === undefined ? this.#takeLead(look.text) : undefined;
    if (ahead !== undefined && (await this.#follow(reading, ahead, signal))) found = await candidates.find(look);
    const { clock } = effects;
    const began = clock.monotonicMs();
    try {
      const sent = sentHeaders(request.headers, accept);
      const plan = await planTag(
        { candidates, rules, hasher: effects.hasher, omitsLink: this.#parts.omitsLink.has(request.host) },
        { host: request.host, path, accept, caller, look, sent },
        found,
        sights.get(reading.exact),
      );
      const reasons = typeof plan === "string" ? [noLease, plan] : [noLease];
      const asking = new Asking(this.#parts, reading, sent, reasons, signal);
      const outcome = await asking.call(typeof plan === "string" ? undefined : plan);
      this.#parts.fleet?.took(clock.monotonicMs() - began);
      return outcome;
    } finally {
      done?.();
      // Who followed another of this process holds nothing of its own.
      if (ahead === undefined) this.#endFetch(look);
    }
  }

  /** Not before what came of it is stored: the next machine would find nothing and ask GitHub too. */
  #endFetch(look: Look): void {
    const { fleet, candidates } = this.#parts;
    if (fleet !== undefined) void candidates.settled(look).then(() => fleet.done(look.weak()));
  }

  /** @returns what to call when the lead has its answer */
  #takeLead(text: string): () => void {
    let done: () => void = () => undefined;
    this.#underWay.set(text, new Promise<void>((resolve) => (done = resolve)));
    return () => {
      this.#underWay.delete(text);
      done();
    };
  }

  /** Sixty cold jobs with sixty tokens: one pays, the others then ask with a tag. @returns whether it was worth waiting */
  async #follow(reading: Reading, ahead: Promise<void>, signal: AbortSignal | undefined): Promise<boolean> {
    const { rules, effects, options } = this.#parts;
    // Without the rule its answer would be of no use to another token.
    if (!rules.proven(reading.request.host, mediaClass(reading.accept))) return false;
    const end = new AbortController();
    const stop = (): void => end.abort();
    signal?.addEventListener("abort", stop, { once: true });
    await Promise.race([ahead, effects.sleep(options.followMs, end.signal).catch(() => undefined)]);
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
  dispose(answer.body);
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
