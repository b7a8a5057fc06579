// Which requests are reads that we may answer from what we keep. Everything else passes untouched and is never stored. Pure.
import type { ApiRequest } from "./message.ts";
import type { Route } from "./route.ts";

export type RequestKind =
  | { readonly kind: "read" }
  | { readonly kind: "graphql" }
  | { readonly kind: "write" }
  | { readonly kind: "bypass"; readonly why: string };

/** Partial or conditional in a way that our one tag cannot stand for. */
const CONDITIONS = ["range", "if-range", "if-modified-since", "if-unmodified-since", "if-match"] as const;

/** A signed App token: lives minutes and opens what no other caller sees. */
const APP_JWT = /^bearer\s+eyJ[\w-]+\.[\w-]+\.[\w-]+$/i;

/** @param path below the API root */
export function kindOf(request: ApiRequest, path: string, route: Route): RequestKind {
  const { method, headers } = request;
  if (headers["x-http-method-override"] !== undefined) return { kind: "write" };
  if (method === "POST" && (path === "/graphql" || path.startsWith("/graphql?"))) return { kind: "graphql" };
  if (method !== "GET" && method !== "HEAD") return method === "OPTIONS" ? bypass("method") : { kind: "write" };
  if (route.bypass !== undefined) return bypass(route.bypass);
  for (const name of CONDITIONS) if (headers[name] !== undefined) return bypass(name);
  if (headers["cookie"] !== undefined) return bypass("cookie");
  if (headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0") return bypass("body");
  if (headers["accept"]?.includes("text/event-stream") === true) return bypass("stream");
  if (APP_JWT.test(headers["authorization"] ?? "")) return bypass("app-jwt");
  return { kind: "read" };
}

function bypass(why: string): RequestKind {
  return { kind: "bypass", why };
}
