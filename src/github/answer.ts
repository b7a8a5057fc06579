// The headers of what we answer. Pure.
import type { ApiCandidate } from "./candidate.ts";
import { type CacheMode, type ResponseHeaders, intern } from "./message.ts";

/** Between two hops only (RFC 9110, 7.6.1); lengths and codings are the door's. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export function endToEnd<T extends string | string[]>(headers: Readonly<Record<string, T>>): Record<string, T> {
  const named = headers["connection"];
  const dropped = typeof named === "string" ? named.toLowerCase().split(/[\s,]+/) : [];
  const kept: Record<string, T> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !HOP_BY_HOP.has(name) && !dropped.includes(name)) kept[name] = value;
  }
  return kept;
}

/** What a lease may say again beside the bytes: about the caller's token, not about this one answer. */
const LASTING = [
  "cache-control",
  "vary",
  "github-authentication-token-expiration",
  "x-accepted-github-permissions",
  "x-accepted-oauth-scopes",
  "x-github-api-version-selected",
  "x-github-media-type",
  "x-oauth-client-id",
  "x-oauth-scopes",
] as const;

export function lasting(headers: ResponseHeaders): ResponseHeaders {
  const kept: ResponseHeaders = {};
  for (const name of LASTING) {
    const value = headers[name];
    if (value !== undefined) kept[name] = Array.isArray(value) ? value.map(intern) : intern(value);
  }
  return kept;
}

/** Stored headers under live ones, for bytes that were just certified or are on lease. */
export function certifiedHeaders(
  candidate: ApiCandidate,
  live: ResponseHeaders,
  etag: string | undefined,
): ResponseHeaders {
  const headers: ResponseHeaders = { ...candidate.headers, ...endToEnd(live) };
  // A 304 has no content; if it names a type all the same, that is not the type of the bytes.
  if (candidate.headers["content-type"] !== undefined) headers["content-type"] = candidate.headers["content-type"];
  delete headers["content-encoding"];
  if (etag !== undefined) headers["etag"] = etag;
  return headers;
}

/** Cache-Status (RFC 9211). @param why a token */
export function cacheStatus(mode: CacheMode, why: string, ttlS?: number): string {
  switch (mode) {
    case "FRESH":
      return `Foregone; hit; ttl=${ttlS ?? 0}`;
    case "STALE":
      return `Foregone; hit; ttl=${ttlS ?? 0}; detail=${why}`;
    case "REVALIDATED":
      return `Foregone; hit; fwd=stale; fwd-status=304; detail=${why}`;
    case "COALESCED":
      return `Foregone; fwd=request; collapsed; detail=${why}`;
    case "CHANGED":
      return "Foregone; fwd=stale; fwd-status=200; stored";
    case "MISS":
      return "Foregone; fwd=uri-miss; stored";
    case "NO-STORE":
      return `Foregone; fwd=uri-miss; detail=${why}`;
    case "SKIP":
      return `Foregone; fwd=bypass; detail=${why}`;
    default:
      return mode satisfies never;
  }
}
