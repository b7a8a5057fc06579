// Canonical JSON (RFC 8785) and the one order of this program: by UTF-8 bytes, never by locale (invariant 6).
import canonicalize from "canonicalize";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * RFC 8785 text of plain data.
 * @throws TypeError for what JSON cannot say (NaN, a lone surrogate, undefined): a bug in the caller
 */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("canonicalJson: not JSON");
  return text;
}

/**
 * Orders strings as their UTF-8 bytes would be ordered. UTF-16 code units (JavaScript's `<`) put U+10000 before
 * U+FF61, because surrogates begin at 0xD800; moving them above everything else repairs exactly that.
 */
export function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
