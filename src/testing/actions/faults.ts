// What an endpoint of the double does wrong. Faults are ordered by endpoint; each lasts until it is taken away or its count is used up.
import type { IncomingMessage, ServerResponse } from "node:http";

export const ENDPOINTS = [
  "GetCacheEntryDownloadURL",
  "CreateCacheEntry",
  "FinalizeCacheEntryUpload",
  "CreateArtifact",
  "FinalizeArtifact",
  "ListArtifacts",
  "GetSignedArtifactURL",
  "blob-put",
  "blob-get",
  "oidc",
  "rest-artifacts",
  "rest-zip",
  "rest-caches",
  "rest-run",
  "rest-jobs",
  "rest-compare",
  "rest-pulls",
  "rest-contents",
] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export type Fault =
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "delay"; readonly ms: number }
  /** Takes the request and says nothing. */
  | { readonly kind: "hang" }
  /** Sends its headers and half of the body, then breaks the connection. */
  | { readonly kind: "cut" }
  /** Sends its headers and half of the body, then nothing more. */
  | { readonly kind: "stall" }
  | { readonly kind: "reset" }
  /** One bit of the body is another. */
  | { readonly kind: "flip" }
  /** A page of HTML with status 200, as a proxy or a captive portal gives. */
  | { readonly kind: "garbage" };

export const EVERY_FAULT: readonly Fault[] = [
  ...[401, 403, 404, 409, 429, 500, 502, 503].map((status) => ({ kind: "status" as const, status })),
  { kind: "hang" },
  { kind: "cut" },
  { kind: "stall" },
  { kind: "reset" },
  { kind: "flip" },
  { kind: "garbage" },
];

export function faultText(fault: Fault): string {
  return fault.kind === "status" ? String(fault.status) : fault.kind;
}

export interface Reply {
  readonly status: number;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends a reply, spoiled as the fault says. */
export function send(request: IncomingMessage, response: ServerResponse, reply: Reply, fault: Fault | undefined): void {
  const { status, body, headers } = reply;
  const all = { "content-length": String(body.length), ...headers };
  const half = body.subarray(0, body.length >> 1);
  switch (fault?.kind) {
    case undefined:
      response.writeHead(status, all);
      return void response.end(body);
    case "status": {
      const text = JSON.stringify({ message: `fault ${fault.status}`, msg: `fault ${fault.status}`, code: "internal" });
      response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
      return void response.end(text);
    }
    case "delay":
      return void setTimeout(() => send(request, response, reply, undefined), fault.ms);
    case "hang":
      return;
    case "reset":
      return void request.socket.destroy();
    case "cut":
      response.writeHead(status, all);
      return void response.write(half, () => request.socket.destroy());
    case "stall":
      response.writeHead(status, all);
      return void response.write(half);
    case "flip": {
      const spoiled = Buffer.from(body);
      const at = spoiled.length >> 1;
      if (spoiled.length > 0) spoiled[at] = (spoiled[at] ?? 0) ^ 4;
      response.writeHead(status, all);
      return void response.end(spoiled);
    }
    case "garbage":
      response.writeHead(200, { "content-type": "text/html" });
      return void response.end("<html><body>Sign in to the network</body></html>");
    default:
      return fault satisfies never;
  }
}
