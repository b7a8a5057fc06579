// A small HTTP router over node:http, for the agent's socket and the dashboard's port.
import type { IncomingMessage, ServerResponse } from "node:http";

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** Exact, or everything below it if it ends in "/" ("/" itself is exact). */
  readonly path: string;
  handle(call: Call): Promise<void> | void;
}

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What follows a path that ends in "/"; decoded. */
  readonly rest: string;
  readonly query: URLSearchParams;
}

/** @returns false if no route answers */
export async function route(
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = targetOf(request.url ?? "");
  if (url === undefined) return false;
  const found = routes.find(
    (r) => r.method === request.method && (isPrefix(r) ? url.pathname.startsWith(r.path) : url.pathname === r.path),
  );
  if (found === undefined) return false;
  let rest: string;
  try {
    rest = isPrefix(found) ? decodeURIComponent(url.pathname.slice(found.path.length)) : "";
  } catch {
    return false;
  }
  await found.handle({ request, response, rest, query: url.searchParams });
  return true;
}

/** A request target is data: an absolute URL, "//host" or a broken escape is a 404, never an exception. */
function targetOf(target: string): URL | undefined {
  const whole = `http://agent.invalid${target}`;
  return /^\/(?!\/)/.test(target) && URL.canParse(whole) ? new URL(whole) : undefined;
}

function isPrefix({ path }: Route): boolean {
  return path.length > 1 && path.endsWith("/");
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, "application/json; charset=utf-8", JSON.stringify(value));
}

export function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}

/** @returns undefined if the body is larger, or was cut */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return request.complete ? Buffer.concat(chunks, size) : undefined;
}
