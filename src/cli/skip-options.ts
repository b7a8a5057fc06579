// The command line and the configuration as one set of skip options. Without a configuration file neither YAML nor the schema
// is loaded.
import { ForegoneError } from "../core/errors.ts";
import { defaultConfiguration, type ResolvedConfig } from "../config/resolve.ts";
import type { Key } from "../config/settings.ts";
import type { SkipOptions } from "../memo/options.ts";
import type { CliContext, Parsed } from "./command.ts";
import { configurationOf, printNotes } from "./configuration.ts";

const FLAG_KEYS: readonly (readonly [flag: string, key: Key])[] = [
  ["mode", "skip.mode"],
  ["audit", "skip.audit"],
  ["max-age", "skip.max-age"],
  ["env", "skip.env"],
  ["env-pass", "skip.env-pass"],
  ["outputs", "skip.outputs"],
  ["accept", "skip.accept"],
  ["ignore", "skip.ignore"],
  ["backend", "trace.backend"],
];

export interface ChosenOptions {
  readonly skip: SkipOptions;
  readonly backend: "auto" | "ebpf" | "notify" | "none";
  /** Limits of the store on disk, for the daily gc. */
  readonly store: { readonly maxBytes: number; readonly maxAgeMs: number };
  /** Undefined if it is wrong. */
  readonly resolved: ResolvedConfig | undefined;
  /** The configuration is wrong: the command runs, nothing is skipped. */
  readonly problem: ForegoneError | undefined;
}

/** @throws ForegoneError E_USAGE or E_CONFIG, unless `tolerant`: then a wrong file only means "do not skip" */
export async function skipOptions(context: CliContext, parsed: Parsed, tolerant: boolean): Promise<ChosenOptions> {
  const flags = new Map<string, { name: string; text: string }>();
  for (const [flag, key] of FLAG_KEYS) {
    const text = parsed.values.get(flag) ?? parsed.lists.get(flag)?.join(",");
    if (text !== undefined) flags.set(key, { name: `--${flag}`, text });
  }
  const resolved = await configurationOf(context, flags).catch((error: unknown) => {
    if (tolerant && error instanceof ForegoneError) return error;
    throw error;
  });
  if (resolved instanceof ForegoneError) {
    return { ...optionsOf(defaultConfiguration().config, ""), resolved: undefined, problem: resolved };
  }
  printNotes(context, resolved);
  return { ...optionsOf(resolved.config, parsed.values.get("salt") ?? ""), resolved, problem: undefined };
}

type Config = Awaited<ReturnType<typeof configurationOf>>["config"];

function optionsOf(config: Config, salt: string): Omit<ChosenOptions, "problem" | "resolved"> {
  const outputs = config["skip.outputs"];
  const [only] = outputs;
  const skip: SkipOptions = {
    mode: config["skip.mode"],
    audit: config["skip.audit"],
    maxAgeMs: config["skip.max-age"],
    worldWithinMs: config["skip.exact-tree.world-within"],
    env: config["skip.env"],
    envDeclared: config["skip.env-pass"],
    outputs: outputs.length === 1 && (only === "workspace" || only === "none") ? only : outputs,
    network: config["skip.network"].map(({ host, ttl }) => ({ host, ttlMs: ttl })),
    accept: config["skip.accept"],
    ignore: config["skip.ignore"],
    timeSensitive: config["skip.time-sensitive"],
    salt,
  };
  const store = { maxBytes: config["store.disk"], maxAgeMs: config["store.max-age"] };
  return { skip, store, backend: config["trace.backend"] };
}
