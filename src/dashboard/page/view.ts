// What every view is given.
import type { Summary, ToldDecision } from "../api.ts";
import type { Route } from "./hooks.ts";

export interface ViewProps {
  readonly summary: Summary;
  /** Newest first, with those that came in live. */
  readonly recent: readonly ToldDecision[];
  readonly hours: number;
  readonly now: number;
  readonly route: Route;
}

/** Changes one parameter of the address and keeps the others; an empty value removes it. */
export function withParameter({ view, rest, query }: Route, name: string, value: string): string {
  const changed = new URLSearchParams(query);
  if (value === "") changed.delete(name);
  else changed.set(name, value);
  const text = changed.toString();
  return `#/${[view, rest].filter((part) => part !== "").join("/")}${text === "" ? "" : `?${text}`}`;
}
