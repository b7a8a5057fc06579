// What the proxy answers itself, below /_foregone/. On the socket, which only its owner can open: numbers, explain, invalidate, clear. On
// TCP only that it is there, and webhooks, which prove themselves.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Invalidation } from "../engine.ts";
import type { Explained } from "../explain.ts";
import type { RequestHeaders } from "../message.ts";
import { send } from "./serve.ts";
import { MAX_WEBHOOK_BYTES, type Webhooks } from "./webhook.ts";

export const ADMIN = "/_foregone/";

export interface AdminParts {
  readonly webhooks: Webhooks;
  readonly status: () => unknown;
  /** Addresses, and the password of the proxy door: whoever may ask has the socket anyway. */
  readonly doors: () => unknown;
  readonly explain: (host: string, path: string) => readonly Explained[];
  readonly invalidate: (what: Invalidation) => void;
  readonly clear: () => void;
}

const MAX_ADMIN_BYTES = 64 * 1024;

export async function answerAdmin(
  parts: AdminParts,
  owner: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "" } = request;
  switch (`${method} ${url.slice(ADMIN.length)}`) {
    case "GET health":
      return say(response, 200, { status: "ok" });
    case "POST webhook":
      return answerWebhook(parts, request, response);
    case "GET status":
      if (!owner) break;
      return say(response, 200, parts.status());
    case "GET doors":
      if (!owner) break;
      return say(response, 200, parts.doors());
    case "POST invalidate": {
      if (!owner) break;
      const what = invalidationOf(objectOf(await bodyOf(request, MAX_ADMIN_BYTES)));
      if (what === undefined) return say(response, 400, { message: "want {host?, owner?, repo?}" });
      parts.invalidate(what);
      return say(response, 200, { invalidated: what });
    }
    case "POST explain": {
      if (!owner) break;
      const { host, path } = objectOf(await bodyOf(request, MAX_ADMIN_BYTES)) ?? {};
      if (typeof host !== "string" || typeof path !== "string")
        return say(response, 400, { message: "want {host, path}" });
      return say(response, 200, parts.explain(host, path));
    }
    case "POST clear":
      if (!owner) break;
      parts.clear();
      return say(response, 200, { cleared: true });
    default:
  }
  say(response, 404, { message: "not found" });
}

async function answerWebhook(parts: AdminParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request, MAX_WEBHOOK_BYTES);
  if (body === undefined) return say(response, 413, { message: "too large" });
  const verdict = parts.webhooks.judge(request.headers as RequestHeaders, body);
  if (verdict.kind === "accepted") parts.invalidate(verdict.invalidates);
  say(response, verdict.kind === "refused" ? 401 : 202, {
    message: verdict.kind === "refused" ? verdict.why : verdict.kind,
  });
}

function objectOf(body: Buffer | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body?.toString() ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function invalidationOf(value: Readonly<Record<string, unknown>> | undefined): Invalidation | undefined {
  if (value === undefined) return undefined;
  const text = (name: string): Record<string, string> | undefined => {
    const part = value[name];
    if (part === undefined) return {};
    return typeof part === "string" && part !== "" ? { [name]: part.toLowerCase() } : undefined;
  };
  const parts = [text("host"), text("owner"), text("repo")];
  return parts.includes(undefined) ? undefined : Object.assign({}, ...parts);
}

/** @returns undefined if it is larger */
async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function say(response: ServerResponse, status: number, value: unknown): void {
  send(response, {
    status,
    fields: ["content-type", "application/json; charset=utf-8"],
    body: Buffer.from(`${JSON.stringify(value)}\n`),
  });
}
