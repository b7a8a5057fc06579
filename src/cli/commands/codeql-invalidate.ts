// foregone codeql invalidate.
import { EXIT } from "../../core/errors.ts";
import { plural } from "../../report/units.ts";
import type { CliContext, Parsed } from "../command.ts";
import { checkoutOf } from "../codeql/files.ts";
import { invalidateScans } from "../codeql/invalidating.ts";
import { openScanShell } from "../codeql/shell.ts";
import { tell } from "../tell.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const { checkout } = checkoutOf(context, parsed);
  const shell = await openScanShell(context, { checkout });
  const count = await invalidateScans(shell, {
    commit: parsed.values.get("commit"),
    record: parsed.values.get("record"),
    language: parsed.values.get("language"),
    all: parsed.flags.has("all"),
  }).finally(() => shell.leave((line) => context.stderr.write(`foregone: ${line}\n`)));
  tell(context, parsed, { disowned: count }, `${plural(count, "record")} disowned\n`);
  return EXIT.done;
}
