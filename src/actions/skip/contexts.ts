// The values of what a job's expressions use: they become part of its Action. A value that nobody can tell is a gap.
import type { Json } from "../../core/canonical.ts";
import type { Gap } from "../../core/gap.ts";
import type { Reference } from "./expressions.ts";

/** @param payload of the event: what the runner itself made `github.event` of */
export function contextValues(
  references: readonly Reference[],
  env: Readonly<Record<string, string>>,
  payload: unknown,
): { readonly values: Readonly<Record<string, Json>>; readonly gaps: readonly Gap[] } {
  const values: Record<string, Json> = {};
  const gaps: Gap[] = [];
  for (const { context, path } of references) {
    const name = [context, ...path].join(".");
    const [first = "", ...rest] = path;
    if (context === "github" && first.toLowerCase() === "event") {
      values[name] = inside(payload, rest);
      continue;
    }
    const variable = `${context.toUpperCase()}_${first.toUpperCase()}`;
    const value = env[variable];
    // `runner.debug` and the like are unset as a rule; `github.` names without a variable are not known here.
    if (value === undefined && context === "github") gaps.push({ kind: "expression-context", what: name });
    else values[name] = value ?? null;
  }
  return { values, gaps };
}

/** Members are found without regard to case, as expressions find them. What lies below a list belongs to the value as a whole. */
function inside(value: unknown, path: readonly string[]): Json {
  let here: unknown = value;
  for (const name of path) {
    if (typeof here !== "object" || here === null || Array.isArray(here)) break;
    const found = Object.entries(here).find(([key]) => key.toLowerCase() === name.toLowerCase());
    here = found?.[1];
  }
  return (here ?? null) as Json;
}
