import { EXIT } from "../../core/errors.ts";
import { nodeDeflate } from "../../node/store-files.ts";
import { verificationText } from "../../report/store.ts";
import { repairStore, verifyStore } from "../../store/verify.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { storeTrouble } from "../store-trouble.ts";
import { openStoreFor } from "../wiring.ts";
import { Progress } from "../progress.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const { folder } = openStoreFor(context, await configurationOf(context));
  try {
    const progress = new Progress(context.stderr, "checking");
    const found = verifyStore(folder, nodeDeflate, progress.show);
    progress.end();
    const repair = parsed.flags.has("repair") && found.problems.length > 0;
    const now = repair ? await repairStore(folder, nodeDeflate, found) : found;
    const repaired = repair ? found.problems : [];
    context.stdout.write(
      parsed.flags.has("json")
        ? `${JSON.stringify({ ...now, repaired }, null, 2)}\n`
        : verificationText({ ...now, repaired }),
    );
    return now.problems.length === 0 ? EXIT.done : EXIT.wrong;
  } catch (error) {
    throw storeTrouble(error);
  }
}
