// Runs one command with values in its environment alone. What it prints passes through the redactor, unless the terminal is
// handed over.
import { CREDENTIAL_TAGS, credentialTags, type TaggedVariable } from "../../core/credential-tags.ts";
import { nodeHasher } from "../../node/ports.ts";
import { Redactor, secretsAutomaton } from "../../secrets/redactor.ts";
import { runChild } from "../child.ts";
import type { CliContext } from "../command.ts";

/** What opens the store is not for the command that gets one value of it. */
const OURS = ["FOREGONE_MASTER_KEY", "FOREGONE_MASTER_KEY_FD", "FOREGONE_PASSPHRASE", "FOREGONE_PASSPHRASE_FD"];

export interface Execution {
  readonly argv: readonly string[];
  readonly given: readonly TaggedVariable[];
  readonly redact: boolean;
}

/** @returns the command's exit code, 128+n for signal n, 126 or 127 if it could not be started */
export function execute(context: CliContext, { argv, given, redact }: Execution): Promise<number> {
  const env: Record<string, string> = { ...context.env };
  for (const name of OURS) delete env[name];
  for (const { name, value } of given) env[name] = value;
  const tags = credentialTags(context.env, given, nodeHasher);
  if (tags !== "") env[CREDENTIAL_TAGS] = tags;
  const automaton = redact ? secretsAutomaton(given.map(({ value }) => value)) : undefined;
  return runChild(context, { argv, env, through: automaton && (() => Redactor.stream(automaton)) });
}
