// What is not a read of ours: writes, downloads, other hosts. They pass as they are and are never stored; a write voids what
// we know of its scope, before it is sent and again when it is answered: what is read in between may be old or new.
import { endToEnd } from "./answer.ts";
import { Refused } from "./exchange.ts";
import type { ApiAnswer, ApiRequest, CacheMode, RequestHeaders, UpstreamResponse } from "./message.ts";
import { replayed } from "./read.ts";
import type { ReadParts } from "./reading.ts";
import type { Scope } from "./route.ts";

export async function passThrough(
  parts: ReadParts,
  request: ApiRequest,
  path: string,
  why: string,
  writes: { readonly host: string; readonly scope: Scope } | undefined,
): Promise<ApiAnswer> {
  const { epochs, effects } = parts;
  const bump = (): void => {
    if (writes !== undefined) epochs.bump(writes.host, writes.scope, effects.clock.monotonicMs());
  };
  bump();
  try {
    return answered(await send(parts, request, path, writes !== undefined), why);
  } catch (error) {
    if (error instanceof Refused) return replayed(error, effects.clock.monotonicMs());
    throw error;
  } finally {
    // Whatever the outcome: a write that timed out may have happened.
    bump();
    if (writes !== undefined) parts.fleet?.changed?.({ host: writes.host, ...writes.scope });
  }
}

export function answered({ status, headers, body }: UpstreamResponse, why: string): ApiAnswer {
  const mode: CacheMode = "SKIP";
  return { status, headers: endToEnd(headers), body, mode, why };
}

/** The client's headers, without those that are ours to say. */
export function passedHeaders({ headers, body }: ApiRequest): RequestHeaders {
  const passed = endToEnd(headers);
  for (const name of ["host", "x-gh-cache-ttl", "x-foregone-interactive", "expect"]) delete passed[name];
  const length = headers["content-length"];
  if (length !== undefined && body !== undefined) passed["content-length"] = length;
  return passed;
}

function send(parts: ReadParts, request: ApiRequest, path: string, write: boolean): Promise<UpstreamResponse> {
  const headers = passedHeaders(request);
  const caller = parts.callers.of(request.headers["authorization"]);
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  return parts.exchange.send(request, path, { caller, headers, write, conditional: false, decode: false, ...signal });
}
