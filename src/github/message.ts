// What passes between a door, the engine and an upstream: HTTP without sockets. Header names are lower case.
import type { Readable } from "node:stream";

/** One value per name; repeated request headers are joined as Node does. */
export type RequestHeaders = Readonly<Record<string, string>>;
export type ResponseHeaders = Record<string, string | string[]>;

export interface ApiRequest {
  readonly method: string;
  /** A host that the proxy may reach, lower case, without a default port. */
  readonly host: string;
  /** Path and query, byte for byte as the client sent them. */
  readonly path: string;
  readonly headers: RequestHeaders;
  readonly body?: Uint8Array | Readable;
  readonly signal?: AbortSignal;
  /** A person waits for this answer: it may use the reserve of the quota (ledger.ts). */
  readonly interactive?: boolean;
}

/** prow's words for what happened, plus FRESH and STALE. */
export type CacheMode = "SKIP" | "MISS" | "CHANGED" | "REVALIDATED" | "COALESCED" | "NO-STORE" | "FRESH" | "STALE";

export interface ApiAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** The same as `headers`, names and values in turn, where they were at hand: making an object of them costs more than a hit may. */
  readonly fields?: readonly string[];
  readonly body: Uint8Array | Readable | undefined;
  readonly mode: CacheMode;
  /** Why, in one or two words: the bypass, the miss, what certified it. */
  readonly why: string;
  /** What stood in the way of a cheaper answer: for `api explain`, never for a client. */
  readonly reasons?: readonly string[];
  /** Seconds a lease has left; negative: past its end. */
  readonly ttlS?: number;
  /** Identifies stored bytes, so that a door can keep what it made of them (rewritten, pretty-printed). */
  readonly bodyKey?: string;
}

export interface UpstreamRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: RequestHeaders;
  readonly body?: Uint8Array | Readable;
  readonly signal?: AbortSignal;
  /** Take gzip off, and say so by leaving Content-Encoding out. */
  readonly decode: boolean;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Must be consumed or destroyed. */
  readonly body: Readable;
}

/** The way to GitHub. @throws UpstreamError when there is no answer */
export interface Upstream {
  send(request: UpstreamRequest): Promise<UpstreamResponse>;
}

export type UpstreamFailure = "refused" | "timeout" | "cut" | "aborted" | "protocol";

export class UpstreamError extends Error {
  readonly failure: UpstreamFailure;
  constructor(failure: UpstreamFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "UpstreamError";
    this.failure = failure;
  }
}

/** The value of a header that must not repeat; the first, if it does. */
export function one(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** All list members of a header, over all its lines. */
export function listed(headers: ResponseHeaders, name: string): string[] {
  const value = headers[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value])
    .flatMap((line) => line.split(","))
    .map((member) => member.trim())
    .filter((member) => member !== "");
}

/** Names and values in turn, as Node's `writeHead` takes them. */
export function flat(headers: ResponseHeaders): string[] {
  const fields: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") fields.push(name, value);
    else for (const line of value ?? []) fields.push(name, line);
  }
  return fields;
}

export function unflat(fields: readonly string[]): ResponseHeaders {
  const headers: ResponseHeaders = {};
  for (let i = 0; i < fields.length; i += 2) {
    const [name = "", value = ""] = [fields[i], fields[i + 1]];
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

const INTERNED = new Map<string, string>();
/** Header values that most answers have in common; beyond so many they are no longer common. */
const MAX_INTERNED = 2048;

const LISTS = new Map<string, readonly string[]>();

/** One copy of a list that is kept ten thousand times, such as the members of Vary. */
export function internList(list: readonly string[]): readonly string[] {
  const key = list.join("\n");
  const known = LISTS.get(key);
  if (known !== undefined) return known;
  if (key.length > 1024 || LISTS.size >= MAX_INTERNED) return list;
  LISTS.set(key, list);
  return list;
}

/** One copy of a text that is kept ten thousand times, such as a content type. */
export function intern(text: string): string {
  const known = INTERNED.get(text);
  if (known !== undefined) return known;
  if (text.length > 256 || INTERNED.size >= MAX_INTERNED) return text;
  INTERNED.set(text, text);
  return text;
}
