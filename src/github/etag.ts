// The rule by which GitHub makes the ETag of a REST response, so that we can ask "do you still have exactly these bytes,
// and may this caller read them?" in the caller's own words. Undocumented by GitHub; found by
// bored-engineer/github-conditional-http-transport. self-check.ts watches that it still holds.
import type { Hasher } from "../ports.ts";
import type { RequestHeaders } from "./message.ts";

/** The request headers that enter the hash, in this order. */
const HASHED = ["accept", "authorization", "cookie"] as const;

/**
 * The 64 hex digits of the tag GitHub would give these bytes when asked with these headers.
 * @param sent header names in any case; a repeated header gives an array
 * @param vary members of all Vary lines, in any case; "*" or undefined stands for all
 * @param body before compression and pretty-printing
 */
export function etagHex(
  hasher: Hasher,
  sent: RequestHeaders | Readonly<Record<string, string | readonly string[]>>,
  vary: readonly string[] | undefined,
  body: Uint8Array,
): string {
  const names = vary?.map((name) => name.toLowerCase());
  const all = names === undefined || names.includes("*");
  let prefix = "";
  for (const name of HASHED) {
    if (!all && !names.includes(name)) continue;
    const value = sent[name];
    if (value === undefined) continue;
    for (const line of typeof value === "string" ? [value] : value) prefix += `${line}:`;
  }
  // Header values are latin1 on the wire, whatever JavaScript calls them.
  return hasher.sha256(prefix === "" ? body : Buffer.concat([Buffer.from(prefix, "latin1"), body]));
}

const HEX_TAG = /^(?:W\/)?"([0-9a-f]{64})"$/;

/** The digest inside a tag that may follow the rule; undefined for any other tag, which says nothing about the rule. */
export function tagHex(etag: string | undefined): string | undefined {
  return etag === undefined ? undefined : HEX_TAG.exec(etag)?.[1];
}

/** Weak comparison (RFC 9110, 8.8.3.2): GitHub weakens the tag of a compressed answer without changing its digest. */
export function sameTag(a: string, b: string): boolean {
  return opaque(a) === opaque(b);
}

/** Does an If-None-Match header name this tag? "*" names every tag (RFC 9110, 13.1.2). */
export function namesTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === "*") return true;
  return (ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => sameTag(tag, etag));
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}
