// What a value may look like. One kind parses it from YAML and from an environment variable, describes it to editors
// (JSON Schema) and to people, and prints it back. Without a schema library on purpose: `foregone run` reads the
// configuration on every start (docs/decisions/0080-settings-table.md).
import type { Json } from "../core/canonical.ts";

export type Parse<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly want: string };

export interface Kind<T> {
  /** For people: "a duration such as 30s, 5m, 24h, 7d". */
  readonly want: string;
  readonly schema: Readonly<Record<string, Json>>;
  parse(value: Json): Parse<T>;
  /** Text of an environment variable or flag. */
  parseText(text: string): Parse<T>;
  /** As one would write it in YAML. */
  show(value: T): string;
}

const good = <T>(value: T): Parse<T> => ({ ok: true, value });

/** @param read returns undefined for what is not of this kind */
function kind<T>(
  want: string,
  schema: Kind<T>["schema"],
  read: (value: Json) => T | undefined,
  more: { text?: (text: string) => Json; show?: (value: T) => string } = {},
): Kind<T> {
  const parse = (value: Json): Parse<T> => {
    const found = read(value);
    return found === undefined ? { ok: false, want } : good(found);
  };
  return {
    want,
    schema,
    parse,
    parseText: (text) => parse(more.text ? more.text(text) : text),
    show: more.show ?? ((value) => (typeof value === "string" ? showText(value) : JSON.stringify(value))),
  };
}

function showText(value: string): string {
  return /^[A-Za-z0-9~/_.$][\w~/.@-]*$/.test(value) && !/^(?:true|false|null|[\d.]+)$/.test(value)
    ? value
    : JSON.stringify(value);
}

export function text(want = "text", pattern?: RegExp): Kind<string> {
  return kind(want, { type: "string", ...(pattern && { pattern: pattern.source }) }, (value) =>
    typeof value === "string" && value !== "" && (pattern === undefined || pattern.test(value)) ? value : undefined,
  );
}

const BOOLEANS = new Map<string, boolean>([
  ["true", true],
  ["1", true],
  ["yes", true],
  ["on", true],
  ["false", false],
  ["0", false],
  ["no", false],
  ["off", false],
]);

export const bool: Kind<boolean> = kind(
  "true or false",
  { type: "boolean" },
  (value) => (typeof value === "boolean" ? value : undefined),
  { text: (t) => BOOLEANS.get(t.toLowerCase()) ?? t },
);

export function integer(min: number, max: number): Kind<number> {
  return kind(
    `a whole number from ${min} to ${max}`,
    { type: "integer", minimum: min, maximum: max },
    (value) => (Number.isInteger(value) && Number(value) >= min && Number(value) <= max ? Number(value) : undefined),
    { text: numberText },
  );
}

function numberText(t: string): Json {
  return /^-?\d{1,16}$/.test(t) ? Number(t) : t;
}

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  return kind(`one of ${values.join(", ")}`, { enum: values }, (value) => {
    // YAML 1.2 has no `off`, but people's fingers and older parsers do: a boolean false means the word.
    const word = value === false && values.includes("off" as T) ? "off" : value;
    return values.find((known) => known === word);
  });
}

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds. A bare number has the unit that the founding files used for that key; seconds unless told. */
export function duration(bare: "s" | "m" = "s"): Kind<number> {
  return kind<number>(
    `a duration such as 30s, 5m, 24h, 7d (a bare number is ${bare === "s" ? "seconds" : "minutes"})`,
    {
      anyOf: [
        { type: "string", pattern: "^\\d+(\\.\\d+)?(ms|s|m|h|d)$" },
        { type: "number", minimum: 0 },
      ],
    },
    (value) => {
      if (typeof value === "number") return value >= 0 && Number.isFinite(value) ? value * MS[bare] : undefined;
      const found = typeof value === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null;
      return found ? Math.round(Number(found[1]) * MS[found[2] as keyof typeof MS]) : undefined;
    },
    { text: numberText, show: showDuration },
  );
}

export function showDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"] as const)
    if (ms >= MS[unit] && ms % MS[unit] === 0) return `${ms / MS[unit]}${unit}`;
  return ms === 0 ? "0s" : `${ms}ms`;
}

const BYTES = { B: 1, kB: 1000, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** Bytes. */
export const size: Kind<number> = kind<number>(
  "a size such as 64MiB, 1GiB, 500MB (a bare number is bytes)",
  {
    anyOf: [
      { type: "string", pattern: "^\\d+(\\.\\d+)?(B|kB|MB|GB|KiB|MiB|GiB)$" },
      { type: "integer", minimum: 0 },
    ],
  },
  (value) => {
    if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
    const found = typeof value === "string" ? /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|KiB|MiB|GiB)$/.exec(value) : null;
    return found ? Math.round(Number(found[1]) * BYTES[found[2] as keyof typeof BYTES]) : undefined;
  },
  { text: numberText, show: showSize },
);

function showSize(bytes: number): string {
  for (const unit of ["GiB", "MiB", "KiB"] as const)
    if (bytes >= BYTES[unit] && bytes % BYTES[unit] === 0) return `${bytes / BYTES[unit]}${unit}`;
  return String(bytes);
}

/** A probability: `1/50`, `50` (the same), `0` for never. The value is between 0 and 1. */
export const oneIn: Kind<number> = kind<number>(
  "a share such as 1/50 (or 50, the same; 0 is never, 1 is always)",
  {
    anyOf: [
      { type: "string", pattern: "^1/[1-9]\\d*$" },
      { type: "integer", minimum: 0 },
    ],
  },
  (value) => {
    const every = typeof value === "string" ? Number(/^1\/([1-9]\d{0,8})$/.exec(value)?.[1] ?? Number.NaN) : value;
    if (!Number.isSafeInteger(every) || Number(every) < 0) return undefined;
    return every === 0 ? 0 : 1 / Number(every);
  },
  { text: numberText, show: (p) => (p === 0 ? "0" : `1/${Math.round(1 / p)}`) },
);

export function nullable<T>(inner: Kind<T>): Kind<T | null> {
  return {
    want: `${inner.want}, or null`,
    schema: { anyOf: [inner.schema, { type: "null" }] },
    parse: (value) => (value === null ? good(null) : inner.parse(value)),
    parseText: (t) => (t === "" || t === "null" ? good(null) : inner.parseText(t)),
    show: (value) => (value === null ? "null" : inner.show(value)),
  };
}

/** Also accepts a single value. In text: comma-separated, or a JSON array. */
export function list<T>(inner: Kind<T>, maxLength = 1000): Kind<readonly T[]> {
  const want = `a list, each ${inner.want}`;
  const all = (parts: readonly Parse<T>[]): Parse<readonly T[]> => {
    const values: T[] = [];
    for (const part of parts) {
      if (!part.ok) return { ok: false, want };
      values.push(part.value);
    }
    return values.length > maxLength ? { ok: false, want: `at most ${maxLength} entries` } : good(values);
  };
  const parse = (value: Json): Parse<readonly T[]> =>
    isList(value)
      ? all(value.map((v) => inner.parse(v)))
      : value === null
        ? { ok: false, want }
        : all([inner.parse(value)]);
  return {
    want,
    schema: { anyOf: [{ type: "array", items: inner.schema, maxItems: maxLength }, inner.schema] },
    parse,
    parseText: (t) => {
      const json = jsonText(t);
      if (json !== undefined) return parse(json);
      return all(
        t
          .split(",")
          .map((part) => part.trim())
          .filter((part) => part !== "")
          .map((part) => inner.parseText(part)),
      );
    },
    show: (values) => `[${values.map((v) => inner.show(v)).join(", ")}]`,
  };
}

/** Free keys. In text: a JSON object. */
export function map<T>(inner: Kind<T>, keyPattern = /^[^\0]{1,256}$/): Kind<Readonly<Record<string, T>>> {
  const want = `a mapping, each value ${inner.want}`;
  const parse = (value: Json): Parse<Readonly<Record<string, T>>> => {
    if (!isMapping(value)) return { ok: false, want };
    const found: [string, T][] = [];
    for (const [key, entry] of Object.entries(value)) {
      const parsed = inner.parse(entry);
      if (!parsed.ok || !keyPattern.test(key)) return { ok: false, want };
      found.push([key, parsed.value]);
    }
    return good(Object.fromEntries(found));
  };
  return {
    want,
    schema: { type: "object", additionalProperties: inner.schema },
    parse,
    parseText: (t) => parse(jsonText(t) ?? t),
    show: (value) =>
      `{${Object.entries(value)
        .map(([k, v]) => `${showText(k)}: ${inner.show(v)}`)
        .join(", ")}}`,
  };
}

type Fields = Readonly<Record<string, Kind<unknown>>>;
type ValuesOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Kind<infer T> ? T : never };

/** Exactly these keys, all required. In text: a JSON object. */
export function object<F extends Fields>(fields: F): Kind<ValuesOf<F>> {
  const want = `{${Object.entries(fields)
    .map(([name, k]) => `${name}: ${k.want}`)
    .join(", ")}}`;
  const parse = (value: Json): Parse<ValuesOf<F>> => {
    if (!isMapping(value) || Object.keys(value).some((key) => !Object.hasOwn(fields, key))) return { ok: false, want };
    const found: [string, unknown][] = [];
    for (const [name, field] of Object.entries(fields)) {
      const parsed = field.parse(value[name] ?? null);
      if (!parsed.ok) return { ok: false, want };
      found.push([name, parsed.value]);
    }
    return good(Object.fromEntries(found) as ValuesOf<F>);
  };
  return {
    want,
    schema: {
      type: "object",
      additionalProperties: false,
      required: Object.keys(fields),
      properties: Object.fromEntries(Object.entries(fields).map(([name, k]) => [name, k.schema])),
    },
    parse,
    parseText: (t) => parse(jsonText(t) ?? t),
    show: (value) =>
      `{${Object.entries(fields)
        .map(([name, k]) => `${name}: ${k.show(value[name])}`)
        .join(", ")}}`,
  };
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export function isMapping(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !isList(value);
}

function jsonText(t: string): Json | undefined {
  if (!/^\s*[[{]/.test(t)) return undefined;
  try {
    return JSON.parse(t) as Json;
  } catch {
    return undefined;
  }
}
