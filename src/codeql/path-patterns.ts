// `paths-ignore` of a CodeQL configuration, read strictly: a pattern excludes a file only where that is certain. Others are
// taken to exclude nothing, which costs a scan and never a result.
// docs.github.com: "Customizing your advanced setup", "Specifying directories to scan".

/** @returns undefined for a pattern whose meaning is not certain */
export function ignoreTest(pattern: string): ((path: string) => boolean) | undefined {
  const clean = pattern.trim().replace(/^\.\//, "").replace(/^\/+/, "").replace(/\/+$/, "");
  if (clean === "" || /[?+[\]{}()!\\]/.test(clean)) return undefined;
  const segments = clean.split("/");
  // "**" counts only as a whole segment.
  if (segments.some((segment) => segment.includes("**") && segment !== "**")) return undefined;
  if (segments.every((segment) => segment === "**")) return undefined;
  const source = segments
    .map((segment, i) => {
      if (segment === "**") return i === segments.length - 1 ? ".+" : "(?:[^/]+/)*";
      const text = segment.replace(/[.$^|]/g, "\\$&").replaceAll("*", "[^/]*");
      return i === segments.length - 1 ? text : `${text}/`;
    })
    .join("");
  // A folder excludes all below it.
  const expression = new RegExp(`^${source}(?:/.*)?$`);
  return (path) => expression.test(path);
}
