// What a command did, for people or with --json for programs: the same facts.
import type { CliContext, Parsed } from "./command.ts";

/** @param text with its last line end */
export function tell(context: Pick<CliContext, "stdout">, parsed: Parsed, facts: object, text: string): void {
  context.stdout.write(parsed.flags.has("json") ? `${JSON.stringify(facts, undefined, 2)}\n` : text);
}
