// What is wrong with a source of settings, and where.

export type Origin =
  | { readonly from: "default" }
  | { readonly from: "file"; readonly file: string; readonly line: number }
  | { readonly from: "env"; readonly name: string }
  | { readonly from: "flag"; readonly name: string };

export interface Issue {
  /** An error stops; a note is printed once and the rest holds. */
  readonly severity: "error" | "note";
  readonly at: Origin;
  /** One line, lower case: what is wrong. */
  readonly message: string;
  readonly hint?: string;
}

/** `unknown key "skp" (.github/cache-config.yml:3)`. */
export function describe(issue: Issue): string {
  return `${issue.message} (${where(issue.at)})`;
}

export function where(at: Origin): string {
  switch (at.from) {
    case "default":
      return "default";
    case "file":
      return `${at.file}:${at.line}`;
    case "env":
      return `$${at.name}`;
    case "flag":
      return at.name;
    default:
      return at satisfies never;
  }
}
