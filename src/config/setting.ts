// One setting: its kind, its default, its words, and which way is the safe way.
import type { Json } from "../core/canonical.ts";
import type { Kind } from "./kind.ts";

/**
 * How a version of a setting that a pull request can write may differ from the trusted one. A setting without a rule has
 * no bearing on trust and is taken as written.
 * - lower, higher: a number may only go that way
 * - fewer: only entries that the trusted list has; more: all of these and others
 * - fixed: the trusted value stands
 * - true, false: may only become this
 * - a list: from loose to tight; may only move right
 */
export type Tighten = "lower" | "higher" | "fewer" | "more" | "fixed" | boolean | readonly string[];

export interface Setting<T = unknown> {
  readonly kind: Kind<T>;
  /** As it would be written in YAML. */
  readonly fallback: Json;
  /** One sentence, lower case, no full stop. */
  readonly doc: string;
  readonly tighten?: Tighten;
  /** Names of environment variables beside FOREGONE_<KEY>, honoured since the founding documents. */
  readonly env?: readonly string[];
  /** Never from a file that is committed, and never printed: only from the environment. */
  readonly secret?: true;
}

export function setting<T>(
  kind: Kind<T>,
  fallback: Json,
  doc: string,
  more: Pick<Setting, "tighten" | "env" | "secret"> = {},
): Setting<T> {
  return { kind, fallback, doc, ...more };
}

/** `skip.max-age` -> `FOREGONE_SKIP_MAX_AGE`. */
export function envName(key: string): string {
  return `FOREGONE_${key.toUpperCase().replace(/[.-]/g, "_")}`;
}

/** The default as a value. @throws TypeError if the table is wrong (a test reads every default) */
export function defaultOf<T>(key: string, setting: Setting<T>): T {
  const parsed = setting.kind.parse(setting.fallback);
  if (!parsed.ok) throw new TypeError(`default of ${key}: want ${parsed.want}`);
  return parsed.value;
}

/** @returns the asked value if it is at least as tight as the trusted one, else the nearest value that is */
export function tightened(rule: Tighten, trusted: unknown, asked: unknown): unknown {
  if (typeof rule === "boolean") return asked === rule ? asked : trusted;
  if (rule === "fixed") return trusted;
  if (rule === "lower" || rule === "higher") {
    if (typeof trusted !== "number" || typeof asked !== "number") return trusted;
    return (rule === "lower" ? Math.min : Math.max)(trusted, asked);
  }
  if (rule === "fewer" || rule === "more") {
    if (!Array.isArray(trusted) || !Array.isArray(asked)) return trusted;
    const known = new Set(trusted.map((entry) => JSON.stringify(entry)));
    if (rule === "fewer") return asked.filter((entry) => known.has(JSON.stringify(entry)));
    return [...trusted, ...asked.filter((entry) => !known.has(JSON.stringify(entry)))];
  }
  return rule.indexOf(String(asked)) > rule.indexOf(String(trusted)) ? asked : trusted;
}
