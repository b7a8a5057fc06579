// Which environment variables are part of the Action. A tracer cannot see getenv, so every variable counts, except a short,
// fixed list: those that differ on every run of CI and would end all reuse (docs/soundness.md, 2.7). A volatile one becomes an
// observation when its name occurs in what the run read (settle.ts).
import { taggedVariables } from "../core/credential-tags.ts";
import type { Hasher } from "../ports.ts";

/** Set by the shell around the command; the command's own shell sets them again. `PWD` is the Action's cwd. */
const SHELL_NOISE = new Set(["_", "SHLVL", "OLDPWD", "PWD"]);

const VOLATILE = new Set([
  "GITHUB_SHA",
  "GITHUB_ACTION",
  "GITHUB_JOB",
  "GITHUB_RETENTION_DAYS",
  "GITHUB_ENV",
  "GITHUB_PATH",
  "GITHUB_OUTPUT",
  "GITHUB_STATE",
  "GITHUB_STEP_SUMMARY",
  "GITHUB_TOKEN",
  "GH_TOKEN",
  "RUNNER_NAME",
  "RUNNER_TRACKING_ID",
  "RUNNER_TEMP",
  "INVOCATION_ID",
  "JOURNAL_STREAM",
  "SSH_AUTH_SOCK",
  "SSH_AGENT_PID",
  "SSH_CLIENT",
  "SSH_CONNECTION",
  "SSH_TTY",
  "WINDOWID",
  "TERM_SESSION_ID",
  "XDG_SESSION_ID",
  "TMUX",
  "TMUX_PANE",
  "STY",
]);

const VOLATILE_PREFIXES = [
  "GITHUB_REF",
  "GITHUB_HEAD_REF",
  "GITHUB_BASE_REF",
  "GITHUB_EVENT_",
  "GITHUB_ACTOR",
  "GITHUB_TRIGGERING_ACTOR",
  "GITHUB_RUN_",
  "GITHUB_WORKFLOW",
  // Withheld from the command, as the runner withholds them from `run:` steps.
  "INPUT_",
  "STATE_",
  "ACTIONS_RUNTIME_",
  "ACTIONS_CACHE_",
  "ACTIONS_RESULTS_URL",
  "ACTIONS_ID_TOKEN_",
];

/** Passed under `strict` without being declared: what programs need to start at all. */
const STRICT_PASS = new Set(["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TERM", "CI"]);

export type EnvClass = "noise" | "volatile" | "input";

export function classifyEnv(name: string): EnvClass {
  if (SHELL_NOISE.has(name)) return "noise";
  if (VOLATILE.has(name) || VOLATILE_PREFIXES.some((prefix) => name.startsWith(prefix))) return "volatile";
  // Our own settings choose how to decide, never what the command does; the command still sees them.
  return name.startsWith("FOREGONE_") ? "noise" : "input";
}

export interface EnvironmentPlan {
  /** What the command gets. */
  readonly passed: Readonly<Record<string, string>>;
  /** Name -> keyed digest: goes into the weak fingerprint. */
  readonly hashed: Readonly<Record<string, string>>;
  /** Volatile variables that the command gets: candidates for observations. */
  readonly volatile: readonly string[];
}

/**
 * @param policy `hash`: every variable reaches the command; `strict`: only the basics, LC_*, and the declared ones
 * @param key secret of the store: values enter a record only as keyed digests (invariant 7)
 */
export function planEnvironment(
  env: Readonly<Record<string, string>>,
  options: {
    readonly policy: "hash" | "strict";
    readonly declared: readonly string[];
    /** Passed, and no input: an opt-out of the user's. */
    readonly ignored?: readonly string[];
    readonly key: Uint8Array;
  },
  hasher: Hasher,
): EnvironmentPlan {
  const declared = new Set(options.declared);
  const tags = new Map(taggedVariables(env, hasher).map(({ name, tag }) => [name, tag]));
  const passed: Record<string, string> = {};
  const hashed: Record<string, string> = {};
  const volatile: string[] = [];
  for (const name of Object.keys(env).sort()) {
    const value = env[name];
    if (value === undefined) continue;
    if (options.policy === "strict" && !(STRICT_PASS.has(name) || name.startsWith("LC_") || declared.has(name)))
      continue;
    passed[name] = value;
    if (options.ignored?.includes(name) === true) continue;
    const kind = declared.has(name) || tags.has(name) ? "input" : classifyEnv(name);
    if (kind === "volatile") volatile.push(name);
    // Of a credential its version counts: rotated, it is another Action, and the value enters nothing. No value has a NUL.
    const tag = tags.get(name);
    if (kind === "input")
      hashed[name] = envDigest(name, tag === undefined ? value : `\0tag ${tag}`, options.key, hasher);
  }
  return { passed, hashed, volatile };
}

/** Keyed, and bound to the name: equal values of two variables do not show as equal. 128 bits are ample for a comparison. */
export function envDigest(name: string, value: string, key: Uint8Array, hasher: Hasher): string {
  return hasher.hmac(key, `env\0${name}\0${value}`).slice(0, 32);
}
