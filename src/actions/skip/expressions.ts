// Which contexts the expressions of a job use. Text within quotes is no context; anything that cannot be followed to a name is
// reported as the whole context.

export interface Reference {
  /** "github", "needs", "steps", ... */
  readonly context: string;
  /** As far as it is written out: ["event", "pull_request", "head"]; empty for the whole context. */
  readonly path: readonly string[];
}

const CONTEXTS =
  /(?<![\w.-])(github|env|vars|secrets|needs|inputs|matrix|strategy|runner|job|jobs|steps)(?![\w-])(?!\s*\()/gi;
const CALLS = /(?<![\w.-])(hashFiles)\s*\(/gi;

/** @param text a scalar of the workflow @param bare an `if:`, which is an expression without `${{ }}` too */
export function expressionsIn(text: string, bare: boolean): string[] {
  const found = [...text.matchAll(/\$\{\{([\s\S]*?)\}\}/g)].map((match) => match[1] ?? "");
  // Never closed, or with "}}" in a string: the whole text, and nothing in it counts as quoted.
  const odd = text.includes("${{") && (found.length === 0 || found.some((expression) => quotes(expression) % 2 === 1));
  if (odd) return [text.replaceAll("'", "")];
  return bare && found.length === 0 ? [text] : found;
}

export function referencesIn(expression: string): Reference[] {
  const plain = expression.replace(/'(?:[^']|'')*'/g, (literal) => `'${"\u0000".repeat(literal.length - 2)}'`);
  const references: Reference[] = [];
  for (const match of plain.matchAll(CONTEXTS)) {
    const start = match.index + match[0].length;
    // Names of contexts are told apart without regard to case.
    references.push({ context: (match[1] ?? "").toLowerCase(), path: pathAt(plain, expression, start) });
  }
  for (const _ of plain.matchAll(CALLS)) references.push({ context: "hashFiles", path: [] });
  return references;
}

/** `.name` and `['name']`, up to the first index that is computed or a `*`. */
function pathAt(plain: string, text: string, start: number): string[] {
  const path: string[] = [];
  for (let at = start; ;) {
    const dotted = /^\s*\.\s*([A-Za-z_][\w-]*)/.exec(plain.slice(at));
    const indexed = /^\s*\[\s*'(\0*)'\s*\]/.exec(plain.slice(at));
    const next = dotted ?? indexed;
    if (next === null) return path;
    const quote = plain.indexOf("'", at) + 1;
    path.push(dotted === null ? text.slice(quote, quote + (indexed?.[1]?.length ?? 0)) : (dotted[1] ?? ""));
    at += next[0].length;
  }
}

function quotes(text: string): number {
  return text.split("'").length - 1;
}
