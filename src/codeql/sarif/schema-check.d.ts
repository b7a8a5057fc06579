// Types of the compiled schema beside this file (scripts/sarif-schema.mjs).
export interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}
/** True if `log` fits the SARIF 2.1.0 schema; else its `errors` say why. @throws RangeError past 1,000 errors */
export const validate: { (log: unknown): boolean; errors?: SchemaError[] | null };
/** URIs that are none, since somebody set the count to 0: warnings, not errors. */
export const badUris: { count: number; samples: string[] };
