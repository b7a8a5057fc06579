// The effective CodeQL configuration: file, inline text, `queries` and `packs` inputs, combined as github/codeql-action does.
// Unknown keys are kept: a key we do not know may shape the scan. Tokens of registries are never part of it.
import { canonicalJson, type Json } from "../core/canonical.ts";
import type { Gap } from "../core/gap.ts";
import type { Detail } from "./component.ts";
import type { SourceEntry } from "./git-source.ts";
import { ignoreTest } from "./path-patterns.ts";

export interface ConfigInputs {
  /** Path of the config file in the repository, or "owner/repo/path@ref". */
  readonly configFile?: string | undefined;
  /** Inline YAML; it stands above the file. */
  readonly config?: string | undefined;
  /** Comma-separated; a leading "+" combines with the file's. */
  readonly queries?: string | undefined;
  readonly packs?: string | undefined;
}

export interface ScanConfig {
  readonly config: Detail;
  readonly packs: Detail;
  /** Refs that may mean something else tomorrow. */
  readonly gaps: readonly Gap[];
  /** `paths-ignore`, where its meaning is certain. */
  readonly ignored: (path: string) => boolean;
}

export interface ConfigSource {
  /** Text of a file of the checkout. */
  readText(path: string): string | undefined;
  readonly entries: ReadonlyMap<string, SourceEntry>;
}

const QUERY_FILE = /(?:\.(?:ql|qll|qls)|(?:^|\/)(?:qlpack|codeql-pack(?:\.lock)?)\.yml)$/;
const BUILT_IN = new Set([
  "default",
  "security-extended",
  "security-and-quality",
  "security-experimental",
  "code-quality",
]);
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** @returns `why` where the configuration cannot be read: the scan then runs */
export async function readScanConfig(
  inputs: ConfigInputs,
  source: ConfigSource,
): Promise<ScanConfig | { readonly why: string }> {
  const gaps: Gap[] = [];
  const file = await parseConfig(inputs, source, gaps);
  if ("why" in file) return file;
  const config = { ...file.config };
  const queries = combine(inputs.queries, asList(config["queries"]).map(usesOf));
  const packs = combine(inputs.packs, packList(config["packs"]));
  delete config["queries"];
  delete config["packs"];
  const packDetail: Record<string, Json> = {};
  for (const pack of packs) {
    const at = pack.lastIndexOf("@");
    const version = at > 0 ? pack.slice(at + 1) : "";
    packDetail[at > 0 ? pack.slice(0, at) : pack] = version;
    if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(version.replace(/:.*/, ""))) gaps.push(floating(`pack ${pack}`));
  }
  for (const query of queries) Object.assign(packDetail, queryDetail(query, source, gaps));
  const tests = asList(config["paths-ignore"]).flatMap((pattern) => ignoreTest(String(pattern)) ?? []);
  return {
    config: { file: file.from, effective: canonicalJson(config as Json), queries: queries.join(",") },
    packs: packDetail,
    gaps,
    ignored: (path) => tests.some((test) => test(path)),
  };
}

async function parseConfig(
  { config, configFile }: ConfigInputs,
  source: ConfigSource,
  gaps: Gap[],
): Promise<{ readonly config: Readonly<Record<string, unknown>>; readonly from: string } | { readonly why: string }> {
  if (config !== undefined && config.trim() !== "") return parseYaml(config, "inline");
  if (configFile === undefined || configFile === "") return { config: {}, from: "none" };
  const path = configFile.replace(/^\.\//, "");
  const text = source.readText(path);
  if (text !== undefined) return parseYaml(text, path);
  const ref = configFile.split("@")[1];
  // A file of another repository: its commit says what is in it; a branch or tag may move.
  if (ref === undefined || !/^[^/]+\/[^/]+\/.+/.test(configFile)) return { why: `no configuration file ${configFile}` };
  if (!COMMIT.test(ref)) gaps.push(floating(`configuration ${configFile}`));
  return { config: {}, from: configFile };
}

async function parseYaml(
  text: string,
  from: string,
): Promise<{ readonly config: Readonly<Record<string, unknown>>; readonly from: string } | { readonly why: string }> {
  // Most scans have no configuration, and the parser costs 10 ms to load.
  const { parse } = await import("yaml");
  try {
    const config: unknown = parse(text, { uniqueKeys: true, maxAliasCount: 100 });
    if (config === null || config === undefined) return { config: {}, from };
    if (typeof config !== "object" || Array.isArray(config)) return { why: `the configuration (${from}) is no map` };
    return { config: JSON.parse(JSON.stringify(config)) as Record<string, unknown>, from };
  } catch (error) {
    return {
      why: `the configuration (${from}) is no YAML: ${error instanceof Error ? error.message.split("\n")[0] : ""}`,
    };
  }
}

/** "+a,b" adds to what the file says; "a,b" replaces it; empty leaves it. */
function combine(input: string | undefined, fromFile: readonly string[]): readonly string[] {
  const text = input?.trim() ?? "";
  if (text === "") return fromFile;
  const own = text
    .replace(/^\+/, "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  return text.startsWith("+") ? [...fromFile, ...own] : own;
}

function queryDetail(query: string, source: ConfigSource, gaps: Gap[]): Record<string, Json> {
  if (BUILT_IN.has(query)) return {};
  if (query.startsWith("./")) {
    const path = query.slice(2).replace(/\/+$/, "");
    const detail: Record<string, Json> = {};
    for (const [file, entry] of source.entries)
      if ((file === path || file.startsWith(`${path}/`)) && QUERY_FILE.test(file)) detail[`./${file}`] = entry;
    if (Object.keys(detail).length === 0) gaps.push(floating(`queries ${query}: no such files`));
    return detail;
  }
  const ref = query.split("@")[1];
  if (ref === undefined || !COMMIT.test(ref)) gaps.push(floating(`queries ${query}`));
  return { [query]: "" };
}

function floating(ref: string): Gap {
  return { kind: "unresolved", ref };
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : value === undefined || value === null ? [] : [value];
}

function usesOf(query: unknown): string {
  if (typeof query === "string") return query;
  const uses = (query as { uses?: unknown } | null)?.uses;
  return typeof uses === "string" ? uses : canonicalJson(query as Json);
}

/** A list, or a map from language to lists. */
function packList(value: unknown): readonly string[] {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return Object.values(value).flatMap((list) => asList(list).map(String));
  return asList(value).map(String);
}
