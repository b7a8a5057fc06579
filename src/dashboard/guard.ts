// Who may read the dashboard's port. Loopback keeps other machines out, not other users and not web pages:
// - a page on another origin can send requests here: refused by Origin and Sec-Fetch-Site, and without the token it gets nothing
// - a page whose name was re-pointed to 127.0.0.1 (DNS rebinding) is same-origin to itself: refused by Host
// - another user of this machine: refused by the token, which only the owner's 0600 file holds
// There is no cookie, so nothing is sent without the page's own code (no CSRF), and the token comes in the URL's fragment,
// which no server and no log sees.
import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export type Refusal = { readonly status: 401 | 403 | 405; readonly why: string };

export interface Guard {
  readonly port: number;
  /** 43 characters, base64url of 32 random bytes. */
  readonly token: string;
}

/**
 * @param open the path needs no token: the page itself, which holds no data, and /metrics, which holds only sums
 * @returns undefined if the request may be answered
 */
export function refusal(guard: Guard, request: IncomingMessage, open: boolean): Refusal | undefined {
  const { headers, method } = request;
  if (method !== "GET") return { status: 405, why: "this port is read only" };
  const names = [`127.0.0.1:${guard.port}`, `localhost:${guard.port}`, `[::1]:${guard.port}`];
  if (!names.includes(headers.host ?? "")) return { status: 403, why: "wrong Host" };
  const own = names.map((name) => `http://${name}`);
  if (headers.origin !== undefined && !own.includes(headers.origin)) return { status: 403, why: "wrong Origin" };
  const site = headers["sec-fetch-site"];
  // "none": typed or from a bookmark. A link from elsewhere may open the page, never its data.
  if (site !== undefined && site !== "same-origin" && site !== "none" && !open)
    return { status: 403, why: "asked for by another site" };
  if (open) return undefined;
  const [scheme, token = ""] = (headers.authorization ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || !equal(token, guard.token))
    return { status: 401, why: "no or wrong token" };
  return undefined;
}

function equal(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

/** Nothing but our own files, no frames, no plug-ins, no other host, no referrer. */
export const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;
