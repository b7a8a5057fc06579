// Where a credential may be used. Scopes hold GitHub's ids, never names: a name can be given up and taken by a stranger.

export const SCOPE_KINDS = ["global", "owner", "repo", "workflow", "environment", "runner"] as const;
export type ScopeKind = (typeof SCOPE_KINDS)[number];

/**
 * By kind, `id` is: global ""; owner and repo the numeric id; workflow `<repo id>:<path>[@<ref glob>]`; environment
 * `<repo id>:<name in lower case>`; runner `<id>`, `label:<label>` or `group:<group>`.
 */
export interface Scope {
  readonly kind: ScopeKind;
  readonly id: string;
}

const NUMBER = /^[1-9][0-9]{0,19}$/;
const RUNNER = /^(?:(?:label|group):)?[A-Za-z0-9][A-Za-z0-9._ -]{0,127}$/;

/** `global`, else `<kind>:<id>`. */
export function scopeText(scope: Scope): string {
  return scope.kind === "global" ? "global" : `${scope.kind}:${scope.id}`;
}

/** @returns undefined unless the text is exactly what `scopeText` writes: scopes with names are resolved before this */
export function parseScope(text: string): Scope | undefined {
  if (text === "global") return { kind: "global", id: "" };
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  const kind = text.slice(0, colon);
  const id = text.slice(colon + 1);
  switch (kind) {
    case "owner":
    case "repo":
      return NUMBER.test(id) ? { kind, id } : undefined;
    case "runner":
      return RUNNER.test(id) ? { kind, id } : undefined;
    case "environment": {
      const [repo, name] = splitOnce(id, ":");
      return NUMBER.test(repo) && isPrintable(name) ? { kind, id: `${repo}:${name.toLowerCase()}` } : undefined;
    }
    case "workflow": {
      const [repo, path] = splitOnce(id, ":");
      return NUMBER.test(repo) && isPrintable(path) && path.split("@refs/").length <= 2 && !path.startsWith("@refs/")
        ? { kind, id }
        : undefined;
    }
    default:
      return undefined;
  }
}

/** The id of the repository a scope belongs to, if it belongs to one. */
export function repositoryOf(scope: Scope): string | undefined {
  if (scope.kind === "repo") return scope.id;
  return scope.kind === "workflow" || scope.kind === "environment" ? splitOnce(scope.id, ":")[0] : undefined;
}

/**
 * `*` stands for any run of characters but "/", `**` for any run; every other character for itself. An empty text
 * matches nothing, so that a missing claim never does.
 */
export function matchesGlob(glob: string, text: string): boolean {
  if (text === "") return false;
  const pattern = glob
    .split(/(\*\*?)/)
    .map((part) => (part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")))
    .join("");
  return new RegExp(`^${pattern}$`, "su").test(text);
}

export function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function isPrintable(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  return text !== "" && text.length <= 512 && !/[\u0000-\u001f\u007f]/.test(text);
}
