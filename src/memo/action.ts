// Builds the Action of a command: all that is compared before any record is looked at. Its digest is the weak fingerprint.
import { canonicalJson, type Json } from "../core/canonical.ts";
import { type Digest, sha256Of } from "../core/digest.ts";
import { toInputPath } from "../core/input-path.ts";
import type { Action } from "../core/record.ts";
import type { Files, Hasher } from "../ports.ts";
import { type EnvironmentPlan, planEnvironment } from "./env-policy.ts";
import { optOuts, type SkipOptions } from "./options.ts";
import { type MachineFacts, platformOf } from "./platform.ts";
import type { Workspace } from "./workspace.ts";

/** Changes whenever what is observed, or how it is written down, changes its meaning: old records then count as none. */
export const RECORD_FORMAT = 1;

export interface ActionParts {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly envKey: Uint8Array;
  readonly workspace: Workspace;
  readonly machine: MachineFacts;
  readonly options: SkipOptions;
  /** A record made by one back end never answers for another. */
  readonly backend: string;
  /** Job identity and preset in CI; empty at a terminal. */
  readonly job?: Readonly<Record<string, Json>>;
  /** What the job is to do. Part of the Action but not of its label: so an edit is named, not "never seen". */
  readonly definition?: Json;
}

export interface PlannedAction {
  readonly action: Action;
  readonly weak: Digest;
  /** Finds earlier records of the same command whatever their environment and platform: explains a `no-record`. */
  readonly label: Digest;
  readonly environment: EnvironmentPlan;
}

export function planAction(parts: ActionParts, files: Files, hasher: Hasher): PlannedAction {
  const { options, workspace, env } = parts;
  const environment = planEnvironment(
    env,
    { policy: options.env, declared: options.envDeclared, ignored: ignoredVariables(options), key: parts.envKey },
    hasher,
  );
  const rootIgnored = options.ignore.includes("workspace.root");
  const platform = platformOf(parts.machine, env, files, rootIgnored ? undefined : workspace.roots.workspace);
  if (options.ignore.includes("image.version") && platform["image"] !== undefined)
    platform["image"] = platform["image"].split(" ")[0] ?? "";
  const cwd = toInputPath(parts.cwd, workspace.roots);
  // Where the root does not matter, neither does that of a path on the command line.
  const argv = rootIgnored
    ? parts.argv.map((word) => (word.startsWith("/") ? toInputPath(word, workspace.roots) : word))
    : parts.argv;
  const root = rootIgnored ? null : workspace.roots.workspace;
  const action: Action = {
    argv,
    cwd,
    env: { policy: options.env, values: environment.hashed },
    platform,
    salt: {
      format: RECORD_FORMAT,
      backend: parts.backend,
      outputs: options.outputs,
      optOuts: optOuts(options),
      user: options.salt,
      ...parts.job,
      ...(parts.definition !== undefined && { definition: parts.definition }),
    },
  };
  return {
    action,
    weak: sha256Of(hasher, canonicalJson(action as unknown as Json)),
    label: sha256Of(hasher, canonicalJson(["label", argv, cwd, root, parts.job ?? null])),
    environment,
  };
}

/** `ignore: [env:NAME]`; the version of the image is told by a variable, too. */
function ignoredVariables({ ignore }: SkipOptions): string[] {
  const named = ignore.flatMap((input) => (input.startsWith("env:") ? [input.slice(4)] : []));
  return ignore.includes("image.version") ? [...named, "ImageVersion"] : named;
}

/** Names the components in which two Actions of one command differ, e.g. "env NODE_ENV", "platform kernel". */
export function actionDifference(was: Action, now: Action): string[] {
  const differences: string[] = [];
  if (canonicalJson(was.argv) !== canonicalJson(now.argv)) differences.push("argv");
  if (was.cwd !== now.cwd) differences.push("cwd");
  compareMaps("env", was.env.values, now.env.values, differences);
  compareMaps("platform", was.platform, now.platform, differences);
  compareMaps("setting", was.salt, now.salt, differences);
  return differences;
}

function compareMaps(
  what: string,
  was: Readonly<Record<string, Json>>,
  now: Readonly<Record<string, Json>>,
  differences: string[],
): void {
  for (const name of [...new Set([...Object.keys(was), ...Object.keys(now)])].sort())
    if (canonicalJson(was[name] ?? null) !== canonicalJson(now[name] ?? null)) differences.push(`${what} ${name}`);
}
