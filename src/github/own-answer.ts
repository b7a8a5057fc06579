// Answers without asking GitHub: from a live lease, or, while GitHub does not answer, from what this very caller was shown
// a while ago. Both need everything to be exact: caller, request, epoch.
import { namesTag } from "./etag.ts";
import { acceptedAgeMs, ageMs, leaseMs } from "./lease.ts";
import { quotaFields } from "./ledger.ts";
import { type ApiAnswer, type CacheMode, type ResponseHeaders, unflat } from "./message.ts";
import { type Reading, type ReadParts, momentNow } from "./reading.ts";
import type { Sight } from "./sights.ts";

/** Text: why there is none. A promise only if the bytes must come from the store. */
export function fromLease(parts: ReadParts, reading: Reading): ApiAnswer | string | Promise<ApiAnswer | string> {
  const { request, route } = reading;
  if (!reading.plain) return "no lease: the request has a header that is not known here";
  const sight = parts.sights.get(reading.exact);
  if (sight === undefined) return "no lease: the first such read by this token";
  if (sight.epoch !== reading.epoch) return "no lease: something was written there since";
  if (!sight.leasable) return "no lease: it was read right after a write";
  const age = ageMs(sight.at, momentNow(parts.effects));
  const lease = leaseMs(route, parts.options.leases, request.headers, sight.pollS);
  if (lease === 0)
    return `no lease: none is given for ${parts.options.leases.freshness === "strict" ? "anything (strict)" : "this path"}`;
  if (age >= acceptedAgeMs(request.headers)) return "no lease: the request asks for a newer answer";
  if (age >= lease) return `no lease: it was good for ${lease / 1000} s`;
  const found = { mode: "FRESH", why: "lease", ageMs: age, ttlMs: lease - age } as const;
  const body = parts.candidates.body(reading.look, sight.candidate);
  if (body instanceof Promise)
    return body.then((loaded) => (loaded === undefined ? GONE : fromSight(parts, reading, sight, loaded, found)));
  return body === undefined ? GONE : fromSight(parts, reading, sight, body, found);
}

const GONE = "no lease: its bytes are gone from the store";

/** @param why what GitHub did instead of answering */
export async function staleInstead(parts: ReadParts, reading: Reading, why: string): Promise<ApiAnswer | undefined> {
  const { request, route } = reading;
  const sight = reading.plain ? parts.sights.get(reading.exact) : undefined;
  if (sight === undefined || route.gate || request.method !== "GET") return undefined;
  if (sight.epoch !== parts.epochs.epochOf(request.host, route.scope)) return undefined;
  const age = ageMs(sight.at, momentNow(parts.effects));
  if (age > parts.options.staleIfErrorMs || age >= acceptedAgeMs(request.headers)) return undefined;
  const body = await parts.candidates.body(reading.look, sight.candidate);
  return body && fromSight(parts, reading, sight, body, { mode: "STALE", why, ageMs: age, ttlMs: -age });
}

function fromSight(
  parts: ReadParts,
  reading: Reading,
  sight: Sight,
  body: Buffer,
  found: Pick<ApiAnswer, "mode" | "why"> & { readonly ageMs: number; readonly ttlMs: number },
): ApiAnswer {
  const fields = [...sight.fields, "age", String(Math.floor(found.ageMs / 1000))];
  const quota = parts.exchange.quota(reading.caller, sight.resource);
  if (quota !== undefined) for (const field of quotaFields(quota, parts.effects.clock.now() / 1000)) fields.push(field);
  const ttlS = Math.floor(found.ttlMs / 1000);
  return toClient(reading, new Shown(sight, body, fields, found.mode, found.why, ttlS), sight.etag);
}

/** `headers` is made only for those who ask: doors take `fields` as they are. */
class Shown implements ApiAnswer {
  readonly status = 200;
  readonly fields: readonly string[];
  readonly body: Buffer;
  readonly mode: CacheMode;
  readonly why: string;
  readonly ttlS: number;
  readonly bodyKey: string;

  constructor(
    { candidate }: Sight,
    body: Buffer,
    fields: readonly string[],
    mode: CacheMode,
    why: string,
    ttlS: number,
  ) {
    this.body = body;
    this.fields = fields;
    this.mode = mode;
    this.why = why;
    this.ttlS = ttlS;
    this.bodyKey = candidate.body;
  }

  get headers(): ResponseHeaders {
    return unflat(this.fields);
  }
}

/** Answers the client's own If-None-Match, once it is known which bytes it would get. */
export function toClient(reading: Reading, answer: ApiAnswer, etag: string | undefined): ApiAnswer {
  const asked = reading.request.headers["if-none-match"];
  const none = reading.request.method === "HEAD";
  const same = asked !== undefined && answer.status === 200 && etag !== undefined && namesTag(asked, etag);
  if (!same && !none) return answer;
  const { headers, mode, why, reasons, ttlS, bodyKey } = answer;
  return {
    status: same ? 304 : answer.status,
    headers,
    body: undefined,
    mode,
    why,
    ...(reasons !== undefined && { reasons }),
    ...(ttlS !== undefined && { ttlS }),
    ...(bodyKey !== undefined && { bodyKey }),
  };
}
