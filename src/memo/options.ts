// What a user may choose about skipping, with the defaults of docs/soundness.md. Opt-outs are hashed into the key and printed.

export interface SkipOptions {
  /** enforce: skip; shadow: decide, run anyway, compare; record: never skip, but record; off: neither. */
  readonly mode: "enforce" | "shadow" | "record" | "off";
  /** Share of would-be skips that run and are compared, 0 to 1. */
  readonly audit: number;
  /** Counted from the producing run, never renewed by a hit. */
  readonly maxAgeMs: number;
  /** How old a record with a gap in the outside world may be to serve the very same tree; 0 = never. */
  readonly worldWithinMs: number;
  readonly env: "hash" | "strict";
  /** Variables declared by name: passed under `strict`, and inputs even if volatile. */
  readonly envDeclared: readonly string[];
  /** `workspace`: all files that the run made or changed below the workspace; `none`; or globs. */
  readonly outputs: "workspace" | "none" | readonly string[];
  readonly network: readonly { readonly host: string; readonly ttlMs: number }[];
  /** Gap kinds accepted by name. */
  readonly accept: readonly string[];
  /** Inputs ignored by name: git.head, image.version, workspace.root, stat.size, env:NAME, or path globs. */
  readonly ignore: readonly string[];
  readonly timeSensitive: boolean;
  readonly salt: string;
}

const HOUR = 3_600_000;

export const SKIP_DEFAULTS: SkipOptions = {
  mode: "enforce",
  audit: 1 / 50,
  maxAgeMs: 7 * 24 * HOUR,
  worldWithinMs: 24 * HOUR,
  env: "hash",
  envDeclared: [],
  outputs: "workspace",
  network: [],
  accept: [],
  ignore: [],
  timeSensitive: false,
  salt: "",
};

/** Every opt-out in force, as printed with a skip and hashed into the key; an empty list prints as "none". */
export function optOuts(options: SkipOptions): string[] {
  return [
    ...options.accept.map((kind) => `accept ${kind}`),
    ...options.ignore.map((input) => `ignore ${input}`),
    ...options.network.map(({ host, ttlMs }) => `network ${host} ${ttlMs / HOUR}h`),
  ].sort();
}
