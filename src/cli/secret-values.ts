// The credentials that a command of `foregone run` was given: what `secrets exec` and inject-credentials name, and the tokens of
// the job, and our own. Other secrets of a workflow come under any name, and nobody here can tell them from plain settings.
import { taggedVariables } from "../core/credential-tags.ts";
import type { SecretSearch } from "../memo/secret-search.ts";
import { nodeHasher } from "../node/ports.ts";
import type { CliContext } from "./command.ts";

/** As the credential store has it: a shorter one is found in everything. */
const MIN_VALUE_CHARS = 8;
const JOB_TOKENS = [
  "GITHUB_TOKEN",
  "GH_TOKEN",
  "ACTIONS_RUNTIME_TOKEN",
  "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
  // Of our own step, if it is the action.
  "INPUT_TOKEN",
];
const OUR_OWN = [
  "FOREGONE_MESH_SECRET",
  "FOREGONE_SIGNING_KEY",
  "FOREGONE_S3_SECRET_ACCESS_KEY",
  "FOREGONE_STORE_SHARED",
];

function secretValues(env: CliContext["env"]): readonly string[] {
  const given = [
    ...taggedVariables(env, nodeHasher).map(({ value }) => value),
    ...[...JOB_TOKENS, ...OUR_OWN].map((name) => env[name]),
  ];
  return [...new Set(given.filter((value) => value !== undefined && value.length >= MIN_VALUE_CHARS))] as string[];
}

/**
 * @param shapes whether text that only looks like a token counts too: in a job there are secrets that nobody names to us
 * @returns undefined if there is nothing to look for; the automaton is built when the command has to run, not on a hit
 */
export async function secretSearch(env: CliContext["env"], shapes = false): Promise<(() => SecretSearch) | undefined> {
  const values = secretValues(env);
  const begins: (() => SecretSearch)[] = [];
  if (values.length > 0) {
    const { secretsAutomaton } = await import("../secrets/redactor.ts");
    const { AutomatonSearch } = await import("../secrets/search.ts");
    const automaton = secretsAutomaton(values);
    begins.push(() => new AutomatonSearch(automaton));
  }
  if (shapes) {
    const { ShapeSearch } = await import("../secrets/shapes.ts");
    begins.push(() => new ShapeSearch());
  }
  return begins.length === 0 ? undefined : () => anyOf(begins.map((begin) => begin()));
}

function anyOf(searches: readonly SecretSearch[]): SecretSearch {
  return {
    write(bytes) {
      for (const search of searches) search.write(bytes);
    },
    get found() {
      return searches.some((search) => search.found);
    },
  };
}

/** The words of a command for a log: whole values only, as a shell puts them into arguments. */
export function withoutCredentials(argv: readonly string[], env: CliContext["env"]): readonly string[] {
  const values = secretValues(env);
  return values.length === 0 ? argv : argv.map((word) => values.reduce((text, v) => text.replaceAll(v, "***"), word));
}
