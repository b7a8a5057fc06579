// May this SARIF be stored, replayed, uploaded? Everything that is wrong is named, in one fixed order. The limits are
// GitHub's (docs: "SARIF support for code scanning"); expected verdicts of 30 real files: test/vectors/sarif/manifest.json.
import { locate } from "./locate.ts";
import { asArray, asObject, asText, at, type Loose, objects } from "./look.ts";
import { badUris, type SchemaError, validate } from "./schema-check.js";

export const REFUSALS = {
  "not-json": "not JSON",
  "sarif-version": "not SARIF 2.1.0",
  "no-runs": "no runs: an upload would be rejected",
  "over-limit": "more than GitHub takes",
  "no-results": "a run without a results array: the tool did not finish",
  "failed-run": "the tool says its execution failed",
  "partial-run": "only a part was analysed (diff-informed or overlay)",
  schema: "does not fit the SARIF 2.1.0 schema",
  "duplicate-run": "two runs of one tool: GitHub takes one per category",
  "uri-outside-root": "a result points outside the checkout",
  "tool-mismatch": "written by another tool than the key says",
} as const;
export type Refusal = keyof typeof REFUSALS;

export type Warning = "bom" | "uri-format" | "result-without-location" | "zero-results" | "no-tool-version";

export interface Finding<Code extends string> {
  readonly code: Code;
  /** Where, and what was found there: one line, not escaped. */
  readonly detail: string;
}

export interface Verdict {
  readonly accepted: boolean;
  readonly reasons: readonly Finding<Refusal>[];
  readonly warnings: readonly Finding<Warning>[];
}

export interface VerdictOptions {
  /** "file:///home/runner/work/a/a/"; without it every absolute URI is outside. */
  readonly checkoutUri?: string | undefined;
  /** The drivers that the key allows: by name, and by version where that is known. */
  readonly tool?: { readonly names: readonly string[]; readonly version?: string } | undefined;
  readonly bom?: boolean;
  readonly gzipBytes?: number;
}

/** What GitHub takes of one upload. */
export const LIMITS = {
  gzipBytes: 10 * 1024 * 1024,
  runs: 20,
  results: 25_000,
  rules: 25_000,
  extensions: 100,
  locations: 1_000,
  threadFlowLocations: 10_000,
  tags: 20,
} as const;

/** @param log parsed JSON of any shape */
export function judge(log: unknown, options: VerdictOptions = {}): Verdict {
  const reasons: Finding<Refusal>[] = [];
  const warnings: Finding<Warning>[] = options.bom === true ? [{ code: "bom", detail: "begins with a BOM" }] : [];
  const verdict = (): Verdict => ({ accepted: reasons.length === 0, reasons, warnings });
  const refuse = (code: Refusal, detail: string | undefined): void => {
    if (detail !== undefined) reasons.push({ code, detail });
  };

  const version = at(log, "version");
  if (version !== "2.1.0") {
    refuse("sarif-version", `version is ${JSON.stringify(version)?.slice(0, 40) ?? "missing"}`);
    return verdict();
  }
  const runs = objects(at(log, "runs"));
  if (runs.length === 0) {
    refuse("no-runs", "runs is empty");
    return verdict();
  }
  refuse("over-limit", overLimit(runs, options.gzipBytes));
  refuse(
    "no-results",
    first(runs, (run) => (Array.isArray(run["results"]) ? undefined : "has no results array")),
  );
  refuse("failed-run", first(runs, failed));
  refuse("partial-run", first(runs, partial));
  const schema = schemaErrors(log);
  refuse("schema", schema.errors[0] === undefined ? undefined : describeSchema(schema.errors));
  refuse("duplicate-run", duplicate(runs));
  refuse(
    "uri-outside-root",
    first(runs, (run) => outside(run, options.checkoutUri)),
  );
  refuse("tool-mismatch", options.tool && first(runs, (run) => mismatch(run, options.tool)));

  const warn = (code: Warning, detail: string | undefined): void => {
    if (detail !== undefined) warnings.push({ code, detail });
  };
  warn("uri-format", schema.badUri === undefined ? undefined : `not a URI: ${JSON.stringify(schema.badUri)}`);
  warn("result-without-location", first(runs, withoutLocation));
  warn(
    "zero-results",
    first(runs, (run) =>
      asArray(run["results"]).length === 0 && Array.isArray(run["results"]) ? "is empty" : undefined,
    ),
  );
  warn(
    "no-tool-version",
    first(runs, (run) => (toolVersion(run) === undefined ? "its driver has none" : undefined)),
  );
  return verdict();
}

/** Every error of the schema but those of URI formats, which GitHub only warns of (github/codeql-action#1703). */
export function schemaErrors(log: unknown): { readonly errors: readonly SchemaError[]; readonly badUri?: string } {
  badUris.count = 0;
  badUris.samples.length = 0;
  let errors: readonly SchemaError[];
  try {
    errors = validate(log) ? [] : (validate.errors ?? []);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    errors = [{ instancePath: "", keyword: "limit", params: {}, message: error.message }];
  }
  const badUri = badUris.samples[0];
  return badUri === undefined ? { errors } : { errors, badUri };
}

export function toolVersion(run: Loose): string | undefined {
  const driver = at(run, "tool", "driver");
  return asText(at(driver, "semanticVersion")) ?? asText(at(driver, "version"));
}

function first(runs: readonly Loose[], problem: (run: Loose) => string | undefined): string | undefined {
  for (const [index, run] of runs.entries()) {
    const found = problem(run);
    if (found !== undefined) return `runs[${index}] ${found}`;
  }
  return undefined;
}

function overLimit(runs: readonly Loose[], gzipBytes: number | undefined): string | undefined {
  if (gzipBytes !== undefined && gzipBytes > LIMITS.gzipBytes) return `${gzipBytes} bytes gzipped`;
  if (runs.length > LIMITS.runs) return `${runs.length} runs`;
  return first(runs, (run) => {
    const tool = asObject(run["tool"]);
    const extensions = objects(tool?.["extensions"]);
    const rules = [tool?.["driver"], ...extensions].flatMap((component) => objects(at(component, "rules")));
    const results = objects(run["results"]);
    if (results.length > LIMITS.results) return `has ${results.length} results`;
    if (rules.length > LIMITS.rules) return `has ${rules.length} rules`;
    if (extensions.length > LIMITS.extensions) return `has ${extensions.length} extensions`;
    for (const rule of rules)
      if (asArray(at(rule, "properties", "tags")).length > LIMITS.tags) return `has a rule with too many tags`;
    for (const result of results) {
      if (asArray(result["locations"]).length > LIMITS.locations) return `has a result with too many locations`;
      const flows = objects(result["codeFlows"]).flatMap((flow) => objects(flow["threadFlows"]));
      const steps = flows.reduce((sum, flow) => sum + asArray(flow["locations"]).length, 0);
      if (steps > LIMITS.threadFlowLocations) return `has a result with ${steps} thread flow locations`;
    }
    return undefined;
  });
}

function failed(run: Loose): string | undefined {
  return objects(run["invocations"]).some((i) => i["executionSuccessful"] === false)
    ? "says executionSuccessful: false"
    : undefined;
}

function partial(run: Loose): string | undefined {
  const mode = at(run, "properties", "incrementalMode");
  if (mode === undefined || mode === null || (Array.isArray(mode) && mode.length === 0)) return undefined;
  return `has incrementalMode ${JSON.stringify(mode).slice(0, 80)}`;
}

function describeSchema(errors: readonly SchemaError[]): string {
  const [one] = errors;
  const extra = asText(one?.params["additionalProperty"]);
  const text = `${one?.instancePath === "" ? "the log" : one?.instancePath} ${one?.message ?? "is wrong"}`;
  return `${text}${extra === undefined ? "" : ` (${JSON.stringify(extra)})`}${errors.length > 1 ? `; ${errors.length - 1} more` : ""}`;
}

function duplicate(runs: readonly Loose[]): string | undefined {
  const seen = new Set<string>();
  return first(runs, (run) => {
    const driver = at(run, "tool", "driver");
    const key = JSON.stringify(
      ["name", "fullName", "version", "semanticVersion", "guid"].map((name) => at(driver, name) ?? null),
    );
    if (seen.has(key)) return `is a second run of ${JSON.stringify(at(driver, "name"))}`;
    seen.add(key);
    return undefined;
  });
}

function outside(run: Loose, checkoutUri: string | undefined): string | undefined {
  for (const location of resultLocations(run)) {
    const where = locate(location, run, checkoutUri);
    if (where.kind === "outside") return `names ${JSON.stringify(where.uri.slice(0, 200))}`;
  }
  return undefined;
}

/** The artifactLocations that results name: locations, related locations and code flow steps. */
export function* resultLocations(run: Loose): Generator {
  for (const result of objects(run["results"])) {
    for (const list of ["locations", "relatedLocations"])
      for (const location of objects(result[list])) yield at(location, "physicalLocation", "artifactLocation");
    for (const flow of objects(result["codeFlows"]))
      for (const thread of objects(flow["threadFlows"]))
        for (const step of objects(thread["locations"]))
          yield at(step, "location", "physicalLocation", "artifactLocation");
  }
}

function mismatch(run: Loose, tool: VerdictOptions["tool"]): string | undefined {
  const name = asText(at(run, "tool", "driver", "name"));
  if (tool === undefined) return undefined;
  if (name === undefined || !tool.names.includes(name)) return `was written by ${JSON.stringify(name ?? null)}`;
  const version = toolVersion(run);
  // Only where both sides know: many drivers state none.
  return tool.version !== undefined && version !== undefined && version !== tool.version
    ? `was written by ${name} ${version}, not ${tool.version}`
    : undefined;
}

function withoutLocation(run: Loose): string | undefined {
  const index = objects(run["results"]).findIndex(
    (result) => asObject(at(asArray(result["locations"])[0], "physicalLocation")) === undefined,
  );
  return index < 0 ? undefined : `results[${index}] has no physical location`;
}
