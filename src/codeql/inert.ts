// Files that no scanner of code reads, by name: the only files that may change without a scan. A deny-list: unknown means
// relevant, and so does ".txt" (requirements.txt, CMakeLists.txt). Its version is in the key.

import type { Detail } from "./component.ts";

const INERT_VERSION = 1;

const MEDIA = [".png", ".jpg", ".jpeg", ".gif", ".ico", ".woff", ".woff2", ".pdf"];
const PROSE = [".md", ".rst", ".adoc"];
/** CodeQL extracts neither; an SVG may hold script, and results of scanners lie about in work trees. */
const CODEQL_SUFFIXES = [...PROSE, ...MEDIA, ".svg", ".sarif"];
const NAMES = ["LICENSE", "NOTICE", "AUTHORS", "CODEOWNERS"];

export type InertKind = "codeql" | "media-and-prose" | "media" | "none";

const SUFFIXES: Readonly<Record<InertKind, readonly string[]>> = {
  codeql: CODEQL_SUFFIXES,
  "media-and-prose": [...PROSE, ...MEDIA],
  media: MEDIA,
  none: [],
};

/**
 * One expression for all: it is asked of every file of a repository.
 * @param extra suffixes (".snap") or whole names that the user vouches for
 */
export function inertFilter(kind: InertKind, extra: readonly string[]): (path: string) => boolean {
  const isSuffix = (text: string): boolean => text.startsWith(".");
  const suffixes = [...SUFFIXES[kind], ...extra.filter(isSuffix)].map(literal);
  const names = [...(kind === "none" ? [] : NAMES), ...extra.filter((text) => !isSuffix(text))].map(literal);
  const kinds = [
    // A name that is nothing but a suffix (".md") is not inert. One character before it, not all: that would be tried at length.
    ...(suffixes.length === 0 ? [] : [`[^/](?:${suffixes.join("|")})`]),
    ...(names.length === 0 ? [] : [`(?:^|/)(?:${names.join("|")})`]),
  ];
  if (kinds.length === 0) return () => false;
  const expression = new RegExp(`(?:${kinds.join("|")})$`);
  return (path) => expression.test(path);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** As part of a key, and back. */
export function inertDetail(kind: InertKind, extra: readonly string[]): Detail {
  return { inert: kind, inertVersion: INERT_VERSION, inertExtra: [...extra].sort() };
}

export function inertOf({ inert, inertExtra }: Detail): (path: string) => boolean {
  const kind = typeof inert === "string" && Object.hasOwn(SUFFIXES, inert) ? (inert as InertKind) : "none";
  return inertFilter(kind, Array.isArray(inertExtra) ? inertExtra.map(String) : []);
}
