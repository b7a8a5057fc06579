// What a command in step mode gets of the environment. A tracer cannot see getenv: what differs on every run is withheld, unless
// the step names it; then it is an input. Hashing GITHUB_REF would end reuse between a pull request and main; ignoring it would
// be unsound.

/** Of the job's event, its run, or our own step. */
const EVENT =
  /^(?:GITHUB_(?:SHA|\w*REF\w*|EVENT_\w+|\w*ACTOR\w*|RUN_\w+|RETENTION_DAYS|JOB|ACTION|ACTION_\w+|WORKFLOW\w*)|RUNNER_NAME)$/;
/** Only JavaScript actions get these; a `run:` step does not. */
const PRIVATE = /^(?:INPUT_|STATE_|ACTIONS_RUNTIME_|ACTIONS_CACHE_|ACTIONS_RESULTS_URL$|GITHUB_STATE$)/;
/** Command files of our own step: the command gets its own. */
export const COMMAND_FILES = {
  GITHUB_OUTPUT: "output",
  GITHUB_ENV: "env",
  GITHUB_PATH: "path",
  GITHUB_STEP_SUMMARY: "summary",
} as const;

export interface EnvChoice {
  readonly mode: "strict" | "inherit";
  /** Passed and observed. */
  readonly pass: readonly string[];
  /** Passed and not observed. */
  readonly unobserved: readonly string[];
}

export interface StepEnvironment {
  readonly env: Readonly<Record<string, string>>;
  /** Inputs although they differ on every run: named by the script or the user. */
  readonly declared: readonly string[];
  readonly withheld: readonly string[];
}

/** The `env` input: `strict` or `inherit`, then names, one a line; `!NAME` is passed and not observed. */
export function parseEnvInput(text: string): EnvChoice | { readonly mistake: string } {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  let mode: EnvChoice["mode"] = "strict";
  const pass: string[] = [];
  const unobserved: string[] = [];
  for (const word of words) {
    if (word === "strict" || word === "inherit") mode = word;
    else if (/^[A-Za-z_]\w*$/.test(word)) pass.push(word);
    else if (/^![A-Za-z_]\w*$/.test(word)) unobserved.push(word.slice(1));
    else return { mistake: `env: "${word}" is neither strict, inherit, NAME nor !NAME` };
  }
  return { mode, pass, unobserved };
}

/** @param ownFolder where the command's own command files lie */
export function stepEnvironment(
  runner: Readonly<Record<string, string>>,
  choice: EnvChoice,
  script: string,
  ownFolder: string,
): StepEnvironment {
  const env: Record<string, string> = {};
  const declared: string[] = [];
  const withheld: string[] = [];
  for (const [name, value] of Object.entries(runner)) {
    if (PRIVATE.test(name)) continue;
    const named = choice.pass.includes(name);
    if (EVENT.test(name)) {
      const inScript = script.includes(name);
      const unobserved = choice.unobserved.includes(name);
      if (!named && !inScript && !unobserved && choice.mode === "strict") {
        withheld.push(name);
        continue;
      }
      if ((named || inScript) && !unobserved) declared.push(name);
    } else if (named) declared.push(name);
    env[name] = value;
  }
  for (const [name, file] of Object.entries(COMMAND_FILES)) if (runner[name]) env[name] = `${ownFolder}/${file}`;
  return { env, declared, withheld: withheld.sort() };
}

/** The job's environment without what only our own step has. */
export function jobEnvironment(runner: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(runner).filter(([name]) => !PRIVATE.test(name) && !/^GITHUB_ACTION(?:_\w+)?$/.test(name)),
  );
}
