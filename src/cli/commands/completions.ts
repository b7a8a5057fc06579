import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { completions, SHELLS } from "../completions.ts";
import { commands } from "../table.ts";

export function run(context: CliContext, { operands }: Parsed): Promise<number> {
  const [name, ...more] = operands;
  const shell = SHELLS.find((known) => known === name);
  if (shell === undefined || more.length > 0)
    throw new ForegoneError(
      "E_USAGE",
      name === undefined ? "which shell?" : `no completions for "${operands.join(" ")}"`,
      {
        hint: `foregone completions ${SHELLS.join(" | ")}`,
      },
    );
  context.stdout.write(completions(shell, commands));
  return Promise.resolve(EXIT.done);
}
