// The way to GitHub: one pool of kept connections per host, through the proxy that the environment names, if any.
import { Readable } from "node:stream";
import { createGunzip, gunzipSync } from "node:zlib";
import { EnvHttpProxyAgent, errors } from "undici";
import { collect } from "./collect.ts";
import type { Upstream, UpstreamFailure, UpstreamRequest, UpstreamResponse } from "./message.ts";
import { type ResponseHeaders, UpstreamError, one } from "./message.ts";

export interface UpstreamOptions {
  /** Hosts that are reached elsewhere than at https://HOST: tests, and Enterprise servers behind another port. */
  readonly origins: Readonly<Record<string, string>>;
  /** The environment before we put our own proxy into it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connectTimeoutMs: number;
  /** Until the headers, and between two pieces of the body. GitHub gives up after 10 s itself. */
  readonly answerTimeoutMs: number;
}

export const DEFAULT_UPSTREAM: UpstreamOptions = {
  origins: {},
  env: {},
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 60_000,
};

/** 100 calls at once is what GitHub allows a token; several tokens share the pool. */
const MAX_CONNECTIONS = 128;

export interface ClosableUpstream extends Upstream {
  close(): Promise<void>;
}

export function undiciUpstream(options: UpstreamOptions): ClosableUpstream {
  const { env } = options;
  const httpsProxy = env["https_proxy"] ?? env["HTTPS_PROXY"];
  const httpProxy = env["http_proxy"] ?? env["HTTP_PROXY"];
  const noProxy = env["no_proxy"] ?? env["NO_PROXY"] ?? "";
  const agent = new EnvHttpProxyAgent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: options.connectTimeoutMs },
    headersTimeout: options.answerTimeoutMs,
    bodyTimeout: options.answerTimeoutMs,
    // Empty strings, not absent: undici would look into the process's own environment, which may name us.
    httpsProxy: httpsProxy ?? "",
    httpProxy: httpProxy ?? "",
    noProxy,
  });
  return {
    async send(request) {
      try {
        return await sendOne(agent, options.origins[request.host] ?? `https://${request.host}`, request);
      } catch (error) {
        throw failureOf(error);
      }
    },
    close: () => agent.destroy(),
  };
}

async function sendOne(agent: EnvHttpProxyAgent, origin: string, request: UpstreamRequest): Promise<UpstreamResponse> {
  const response = await agent.request({
    origin,
    path: request.path,
    method: request.method as "GET",
    headers: { ...request.headers, host: request.host },
    ...(request.body !== undefined && { body: request.body }),
    ...(request.signal !== undefined && { signal: request.signal }),
  });
  // Whoever reads the body hears of its end; if nobody does any more, that must not take the process down.
  response.body.on("error", () => undefined);
  const headers = response.headers as ResponseHeaders;
  if (!request.decode || one(headers, "content-encoding")?.toLowerCase() !== "gzip")
    return { status: response.statusCode, headers, body: response.body };
  delete headers["content-encoding"];
  delete headers["content-length"];
  // An empty answer (304, HEAD) names a coding it does not use.
  if (response.statusCode === 304 || request.method === "HEAD")
    return { status: response.statusCode, headers, body: response.body };
  const raw = { status: response.statusCode, headers, body: response.body };
  return { ...raw, body: await gunzipped(raw) };
}

/** A list of 100 issues is 30 kB. Unpacked at once: a stream asks the thread pool four times, and leaves 80 kB behind for the collector. */
const SMALL_BYTES = 64 * 1024;
/** What unpacks to more goes as a stream, whose reader has a bound of its own. */
const MAX_AT_ONCE_BYTES = 2 * 1024 * 1024;

async function gunzipped(raw: UpstreamResponse): Promise<Readable> {
  const read = await collect(raw, SMALL_BYTES);
  if ("stream" in read) return gunzipStream(read.stream);
  const plain = unpacked(read.whole);
  return plain === undefined
    ? gunzipStream(Readable.from([read.whole]))
    : Readable.from([plain], { objectMode: false });
}

/** @returns undefined for what is not gzip from end to end, and for what is large: the stream finds out which. */
function unpacked(whole: Buffer): Buffer | undefined {
  try {
    return gunzipSync(whole, { maxOutputLength: MAX_AT_ONCE_BYTES });
  } catch {
    return undefined;
  }
}

function gunzipStream(body: Readable): Readable {
  const gunzip = createGunzip();
  gunzip.on("error", () => undefined);
  body.on("error", (error) => gunzip.destroy(error));
  gunzip.on("close", () => {
    if (!body.readableEnded) body.destroy();
  });
  return body.pipe(gunzip);
}

function failureOf(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const name = error instanceof Error ? error.name : "";
  const code = (error as { code?: string }).code ?? "";
  return new UpstreamError(kindOf(name, code, error), error instanceof Error ? error.message : String(error), error);
}

function kindOf(name: string, code: string, error: unknown): UpstreamFailure {
  if (name === "AbortError") return "aborted";
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) return "timeout";
  if (error instanceof errors.ConnectTimeoutError || code === "ETIMEDOUT") return "timeout";
  if (error instanceof errors.SocketError || code === "ECONNRESET" || code === "EPIPE") return "cut";
  if (code.startsWith("HPE_")) return "protocol";
  return "refused";
}
