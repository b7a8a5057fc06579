// Looking into a log that nobody has validated yet: what is not there, or not of the right type, is undefined or empty.

export type Loose = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): Loose | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Loose) : undefined;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

export function objects(value: unknown): readonly Loose[] {
  return asArray(value).flatMap((item) => {
    const object = asObject(item);
    return object === undefined ? [] : [object];
  });
}

export function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Steps into nested objects: `at(run, "tool", "driver")`. */
export function at(value: unknown, ...names: readonly string[]): unknown {
  let here = value;
  for (const name of names) {
    const object = asObject(here);
    here = object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
  }
  return here;
}
