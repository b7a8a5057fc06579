// Files that no scanner of code reads, by name: the only files that may change without a scan. A deny-list: unknown means
// relevant, and so does ".txt" (requirements.txt, CMakeLists.txt). Its version is in the key.

export const INERT_VERSION = 1;

const MEDIA = [".png", ".jpg", ".jpeg", ".gif", ".ico", ".woff", ".woff2", ".pdf"];
const PROSE = [".md", ".rst", ".adoc"];
/** An SVG may hold script: inert for CodeQL, which does not extract it, but not for others. */
const CODEQL_SUFFIXES = [...PROSE, ...MEDIA, ".svg"];
const NAMES = ["LICENSE", "NOTICE", "AUTHORS", "CODEOWNERS"];

export type InertKind = "codeql" | "media-and-prose" | "media" | "none";

const SUFFIXES: Readonly<Record<InertKind, readonly string[]>> = {
  codeql: CODEQL_SUFFIXES,
  "media-and-prose": [...PROSE, ...MEDIA],
  media: MEDIA,
  none: [],
};

/** @param extra suffixes (".snap") or whole names that the user vouches for */
export function inertFilter(kind: InertKind, extra: readonly string[]): (path: string) => boolean {
  const suffixes = new Set(SUFFIXES[kind]);
  const own = extra.filter((e) => e.startsWith("."));
  const names = new Set([...(kind === "none" ? [] : NAMES), ...extra.filter((e) => !e.startsWith("."))]);
  return (path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    // A name that is nothing but a suffix (".md") is not inert.
    const dot = name.lastIndexOf(".");
    if (dot > 0 && suffixes.has(name.slice(dot))) return true;
    return names.has(name) || own.some((suffix) => name.length > suffix.length && name.endsWith(suffix));
  };
}
