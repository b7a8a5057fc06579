// Answers without asking GitHub: from a live lease, or, while GitHub does not answer, from what this very caller was shown
// a while ago. Both need everything to be exact: caller, request, epoch.
import { certifiedHeaders } from "./answer.ts";
import { namesTag } from "./etag.ts";
import { acceptedAgeMs, ageMs, leaseMs } from "./lease.ts";
import { quotaHeaders } from "./ledger.ts";
import { type ApiAnswer, one } from "./message.ts";
import { type Reading, type ReadParts, momentNow } from "./reading.ts";
import type { Sight } from "./sights.ts";

/** Undefined: no lease, or its bytes are gone. A promise only if the bytes must come from the store. */
export function fromLease(parts: ReadParts, reading: Reading): ApiAnswer | undefined | Promise<ApiAnswer | undefined> {
  const { request, route } = reading;
  const sight = reading.plain ? parts.sights.get(reading.exact) : undefined;
  if (sight === undefined || !sight.leasable || sight.epoch !== reading.epoch) return undefined;
  const age = ageMs(sight.at, momentNow(parts.effects));
  const lease = leaseMs(route, parts.options.leases, request.headers, sight.pollS);
  if (age >= lease || age >= acceptedAgeMs(request.headers)) return undefined;
  const found = { mode: "FRESH", why: "lease", ageMs: age, ttlMs: lease - age } as const;
  const body = parts.candidates.body(sight.candidate);
  if (body instanceof Promise) return body.then((loaded) => loaded && fromSight(parts, reading, sight, loaded, found));
  return body && fromSight(parts, reading, sight, body, found);
}

/** @param why what GitHub did instead of answering */
export async function staleInstead(parts: ReadParts, reading: Reading, why: string): Promise<ApiAnswer | undefined> {
  const { request, route } = reading;
  const sight = reading.plain ? parts.sights.get(reading.exact) : undefined;
  if (sight === undefined || route.gate || request.method !== "GET") return undefined;
  if (sight.epoch !== parts.epochs.epochOf(request.host, route.scope)) return undefined;
  const age = ageMs(sight.at, momentNow(parts.effects));
  if (age > parts.options.staleIfErrorMs || age >= acceptedAgeMs(request.headers)) return undefined;
  const body = await parts.candidates.body(sight.candidate);
  return body && fromSight(parts, reading, sight, body, { mode: "STALE", why, ageMs: age, ttlMs: -age });
}

function fromSight(
  parts: ReadParts,
  reading: Reading,
  sight: Sight,
  body: Buffer,
  found: Pick<ApiAnswer, "mode" | "why"> & { readonly ageMs: number; readonly ttlMs: number },
): ApiAnswer {
  const headers = certifiedHeaders(sight.candidate, sight.live, sight.etag);
  const quota = parts.exchange.quota(reading.caller, sight.resource);
  if (quota !== undefined) Object.assign(headers, quotaHeaders(quota, parts.effects.clock.now() / 1000));
  headers["age"] = String(Math.floor(found.ageMs / 1000));
  const { mode, why } = found;
  const ttlS = Math.floor(found.ttlMs / 1000);
  return toClient(reading, { status: 200, headers, body, mode, why, ttlS, bodyKey: sight.candidate.body });
}

/** Answers the client's own If-None-Match, once it is known which bytes it would get. */
export function toClient(reading: Reading, answer: ApiAnswer): ApiAnswer {
  const asked = reading.request.headers["if-none-match"];
  const etag = one(answer.headers, "etag");
  if (asked !== undefined && answer.status === 200 && etag !== undefined && namesTag(asked, etag))
    return { ...answer, status: 304, body: undefined };
  return reading.request.method === "HEAD" ? { ...answer, body: undefined } : answer;
}
