// `foregone`: the shell over all commands.
import type { CliContext } from "./command.ts";
import { commandLine } from "./shell.ts";
import { commands } from "./table.ts";

export function main(argv: readonly string[], context: CliContext): Promise<number> {
  return commandLine(argv, context, commands);
}
