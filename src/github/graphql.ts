// Which kind of operation a GraphQL document would execute. A lexer, not a parser: comments, strings and block strings are
// where a word such as `mutation` can hide. Whatever is odd is called a mutation, which is never shared or kept. Pure.

export type OperationKind = "query" | "mutation" | "subscription";

/** @returns undefined if the document or the choice of operation is odd */
export function executedKind(document: string, operationName: string | undefined): OperationKind | undefined {
  const operations = operationsOf(document);
  if (operations === undefined) return undefined;
  const chosen =
    operationName === undefined || operationName === ""
      ? operations
      : operations.filter(([name]) => name === operationName);
  return chosen.length === 1 ? chosen[0]?.[1] : undefined;
}

/** Blank space (commas too), a comment, a block string, a string, a name, a number, or punctuation. */
const TOKEN =
  /[\s,\uFEFF]+|#[^\n\r]*|"""(?:[^"\\]|\\"""|\\(?!""")|"(?!""))*"""|"(?:\\.|[^"\\\n\r])*"|[A-Za-z_]\w*|-?\d[\w.+-]*|\.\.\.|[!$&()/:=@[\]{|}]/y;

const OPENER: Readonly<Record<string, string>> = { "}": "{", ")": "(", "]": "[" };

type Named = readonly [name: string, kind: OperationKind];

function operationsOf(document: string): readonly Named[] | undefined {
  const found: Named[] = [];
  const open: string[] = [];
  /** A definition has begun and its selection set has not. */
  let head: "operation" | "fragment" | undefined;
  let previous = "";
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < document.length) {
    const token = TOKEN.exec(document)?.[0];
    if (token === undefined) return undefined;
    if (/^[\s,\uFEFF#]/.test(token)) continue;
    if (open.length === 0 && head === undefined) {
      if (token === "{") found.push(["", "query"]);
      else if (token === "query" || token === "mutation" || token === "subscription") {
        found.push(["", token]);
        head = "operation";
      } else if (token === "fragment") head = "fragment";
      else return undefined;
    } else if (open.length === 0 && head === "operation" && /^[A-Za-z_]/.test(token)) {
      const last = found.at(-1);
      if (last !== undefined && previous === last[1] && last[0] === "") found[found.length - 1] = [token, last[1]];
    }
    if (token === "{" || token === "(" || token === "[") open.push(token);
    const opener = OPENER[token];
    if (opener !== undefined) {
      if (open.pop() !== opener) return undefined;
      // Parentheses outside belong to the head (variables, directives); the braces of the selection end it.
      if (open.length === 0 && token === "}") head = undefined;
    }
    previous = token;
  }
  return open.length === 0 && head === undefined && found.length > 0 ? found : undefined;
}
