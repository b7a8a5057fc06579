// Expressions of a workflow, evaluated by GitHub's own library, for the runner's double.
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";

export type Contexts = Readonly<Record<string, unknown>>;
export interface JobStatus {
  readonly status: "success" | "failure" | "cancelled";
}

/** `a ${{ x }} b`; a text that is one expression keeps its type in the string. */
export function substitute(text: string, contexts: Contexts, job: JobStatus): string {
  return text.replace(/\$\{\{([\s\S]*?)\}\}/g, (_, expression: string) =>
    evaluate(expression, contexts, job).coerceString(),
  );
}

/** An `if:`: without a status function, the job must have gone well so far. */
export function holds(condition: string | boolean | undefined, contexts: Contexts, job: JobStatus): boolean {
  const bare = String(condition ?? "success()").replace(/^\s*\$\{\{([\s\S]*)\}\}\s*$/, "$1");
  const status = /\b(?:always|success|failure|cancelled)\s*\(/.test(bare);
  return truthy(evaluate(status ? bare : `success() && (${bare})`, contexts, job));
}

function evaluate(expression: string, contexts: Contexts, { status }: JobStatus): data.ExpressionData {
  const is = (name: string, value: boolean) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(value),
  });
  const functions = [
    is("always", true),
    is("success", status === "success"),
    is("failure", status === "failure"),
    is("cancelled", status === "cancelled"),
  ];
  functions.push({ name: "hashFiles", minArgs: 1, maxArgs: 255, call: () => new data.StringData("hash") } as never);
  const names = ["github", "env", "vars", "secrets", "needs", "inputs", "matrix", "strategy", "runner", "job", "steps"];
  const parser = new Parser(new Lexer(expression.trim()).lex().tokens, names, functions);
  const table = new Map(functions.map((f) => [f.name.toLowerCase(), f]));
  return new Evaluator(parser.parse(), toData(contexts) as data.Dictionary, table).evaluate();
}

function truthy(value: data.ExpressionData): boolean {
  const text = value.coerceString();
  return text !== "" && text !== "false" && text !== "0";
}

function toData(value: unknown): data.ExpressionData {
  if (value === null || value === undefined) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (Array.isArray(value)) return new data.Array(...value.map(toData));
  return new data.Dictionary(...Object.entries(value).map(([key, item]) => ({ key, value: toData(item) })));
}
