// One read and all that is known of it when it begins.
import { endToEnd } from "./answer.ts";
import type { Caller, Callers } from "./callers.ts";
import type { Candidates, Look } from "./candidates.ts";
import { holdsCredential } from "./body.ts";
import type { ApiEffects } from "./effects.ts";
import type { Epochs } from "./epochs.ts";
import type { Exchange } from "./exchange.ts";
import type { Fleet } from "../store/fleet.ts";
import type { LeaseOptions, Moment } from "./lease.ts";
import { type ApiRequest, type RequestHeaders, type ResponseHeaders, one } from "./message.ts";
import { plainUserAgent } from "./pretty.ts";
import { DEFAULT_ACCEPT, hasUnknownHeader } from "./request-key.ts";
import type { Route } from "./route.ts";
import type { Rules } from "./rules.ts";
import type { Sights } from "./sights.ts";

export interface ReadOptions {
  readonly leases: LeaseOptions;
  /** Larger answers pass through and are not kept. */
  readonly maxBodyBytes: number;
  /** How long a read without candidate waits for another caller's answer to the same question. */
  readonly followMs: number;
  /** How old an answer may be that serves its own caller while GitHub does not answer. */
  readonly staleIfErrorMs: number;
}

export const DEFAULT_READS: Omit<ReadOptions, "leases"> = {
  maxBodyBytes: 8 * 1024 * 1024,
  followMs: 1500,
  staleIfErrorMs: 600_000,
};

/** What all reads share. */
export interface ReadParts {
  readonly options: ReadOptions;
  readonly effects: ApiEffects;
  readonly callers: Callers;
  readonly candidates: Candidates;
  readonly epochs: Epochs;
  readonly exchange: Exchange;
  readonly rules: Rules;
  readonly sights: Sights;
  /** Hosts whose 304 leaves out `Link`. */
  readonly omitsLink: Set<string>;
  /** Of layers that let one machine fetch for many. */
  readonly fleet: Fleet | undefined;
}

export interface Reading {
  readonly request: ApiRequest;
  /** Below the API root. */
  readonly path: string;
  readonly route: Route;
  readonly caller: Caller;
  readonly accept: string;
  readonly look: Look;
  /** Exact key: all that an answer of our own may depend on, but for the epoch. */
  readonly exact: string;
  readonly epoch: number;
  /** No header that we do not know: the exact key says all. */
  readonly plain: boolean;
}

export function beginReading(parts: ReadParts, request: ApiRequest, path: string, route: Route): Reading {
  const accept = request.headers["accept"] || DEFAULT_ACCEPT;
  const caller = parts.callers.of(request.headers["authorization"]);
  const look = parts.candidates.look(request, accept);
  return {
    request,
    path,
    route,
    caller,
    accept,
    look,
    exact: `${caller.id} ${accept} ${look.text}`,
    epoch: parts.epochs.epochOf(request.host, route.scope),
    plain: !hasUnknownHeader(request.headers),
  };
}

export function momentNow(effects: ApiEffects): Moment {
  return { wallMs: effects.clock.now(), monotonicMs: effects.clock.monotonicMs() };
}

/** What goes up: the client's headers, without those that are ours to say. */
export function sentHeaders(headers: RequestHeaders, accept: string): RequestHeaders {
  const sent = endToEnd(headers);
  for (const name of ["host", "if-none-match", "x-gh-cache-ttl", "x-foregone-interactive", "expect"]) delete sent[name];
  sent["accept"] = accept;
  sent["accept-encoding"] = "gzip";
  if (sent["user-agent"] !== undefined) sent["user-agent"] = plainUserAgent(sent["user-agent"]);
  return sent;
}

/** @returns why this full answer must not be kept; undefined if it may */
export function whyNotKept(request: ApiRequest, headers: ResponseHeaders, body: Buffer): string | undefined {
  if (headers["set-cookie"] !== undefined) return "set-cookie";
  if (headers["content-encoding"] !== undefined) return "encoded";
  if (headers["content-range"] !== undefined) return "partial";
  const control = `${one(headers, "cache-control") ?? ""} ${request.headers["cache-control"] ?? ""}`;
  if (/\bno-store\b/i.test(control)) return "no-store";
  return holdsCredential(body) ? "credential-in-body" : undefined;
}
