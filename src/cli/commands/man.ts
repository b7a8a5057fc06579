import { EXIT } from "../../core/errors.ts";
import type { CliContext } from "../command.ts";
import { manPage } from "../man.ts";
import { commands } from "../table.ts";
import { VERSION } from "../version.ts";

export function run(context: CliContext): Promise<number> {
  context.stdout.write(manPage(commands, VERSION));
  return Promise.resolve(EXIT.done);
}
