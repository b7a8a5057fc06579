// Two keys for one read. Where GitHub certifies bytes, the search key is only a hint of where to look for them; where we
// answer alone (lease, flight, stale) the exact key decides, so it holds everything an answer may depend on. Pure.
import { canonicalJson } from "../core/canonical.ts";
import { type Digest, sha256Of } from "../core/digest.ts";
import type { InputPath } from "../core/input-path.ts";
import type { Action } from "../core/record.ts";
import type { Hasher } from "../ports.ts";
import type { ApiRequest, RequestHeaders } from "./message.ts";

/** What a read without an Accept header is sent with, so that we know the bytes that enter the tag. */
export const DEFAULT_ACCEPT = "application/vnd.github+json";

const JSON_ACCEPTS: ReadonlySet<string> = new Set([
  "",
  "*/*",
  "application/json",
  "application/vnd.github+json",
  "application/vnd.github.v3+json",
]);

/** Accept headers that give the same bytes; any other header is a class of its own. */
export function mediaClass(accept: string): string {
  return JSON_ACCEPTS.has(accept) ? "json" : accept;
}

/** Host, media class, API version and path in one string: the search key in memory. A space cannot be in any of them. */
export function searchText(request: ApiRequest, accept: string): string {
  const path = request.path.endsWith("?") ? request.path.slice(0, -1) : request.path;
  // encodeURI: an Accept header may hold spaces, and a space must not move from one field to the next.
  return `${request.host} ${encodeURI(mediaClass(accept))} ${encodeURI(request.headers["x-github-api-version"] ?? "")} ${path}`;
}

/**
 * The Action that a read of the API is. Its digest is the search key on disk and between machines.
 * @param domain trust domain: what one fleet and owner learned never serves another
 */
export function actionOf(request: ApiRequest, accept: string, domain: string): Action {
  return {
    argv: ["GET", `https://${request.host}${request.path.endsWith("?") ? request.path.slice(0, -1) : request.path}`],
    cwd: "." as InputPath,
    env: { policy: "strict", values: {} },
    platform: {},
    salt: {
      preset: "github-api",
      format: 1,
      media: mediaClass(accept),
      apiVersion: request.headers["x-github-api-version"] ?? "",
      domain,
    },
  };
}

export function weakOf(hasher: Hasher, action: Action): Digest {
  return sha256Of(hasher, canonicalJson(action as never));
}

/** Request headers that cannot change what GitHub answers, or that the keys hold already. */
const HARMLESS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "authorization",
  "b3",
  "baggage",
  "cache-control",
  "connection",
  "content-length",
  "content-type",
  "dnt",
  "host",
  "if-none-match",
  "keep-alive",
  "pragma",
  "priority",
  "proxy-authorization",
  "proxy-connection",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "te",
  "time-zone",
  "traceparent",
  "tracestate",
  "user-agent",
  "x-foregone-interactive",
  "x-gh-cache-ttl",
  "x-github-api-version",
  "x-request-id",
]);

export function isHarmless(name: string): boolean {
  return HARMLESS.has(name);
}

/** A header we do not know may change the answer: then GitHub is asked each time, for this caller alone. */
export function hasUnknownHeader(headers: RequestHeaders, alsoKnown?: ReadonlySet<string>): boolean {
  for (const name in headers) if (!HARMLESS.has(name) && alsoKnown?.has(name) !== true) return true;
  return false;
}
