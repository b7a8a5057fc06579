// `foregone secrets rotate-master`.
import { EXIT } from "../../core/errors.ts";
import { plural } from "../../report/units.ts";
import { currentKey } from "../../secrets/model.ts";
import { rotateMaster } from "../../secrets/rotate-master.ts";
import type { CliContext, Parsed } from "../command.ts";
import { changing, seconds, secretsShell } from "../secrets/context.ts";
import { kdfOption, providerOption } from "../secrets/options.ts";
import { timeText } from "../secrets/words.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const shell = await secretsShell(context, { kdf: kdfOption(parsed) });
  const { line, old, key, count, until } = await changing(shell, async (session, store, change) => {
    const before = currentKey(store.state);
    const provider = providerOption(parsed) ?? before.provider;
    const line = session.log.state.seq;
    const { state } = await rotateMaster(session, store, change, provider);
    const until = change.now + seconds(shell.config["secrets.master-grace"]);
    return { line, old: before, key: currentKey(state), count: state.versions.length, until };
  });
  context.stdout.write(
    `master key ${key.kid} in ${key.provider}, ${plural(count, "version")} wrapped anew; ${old.kid} is kept until ${timeText(until)}, audit #${line}\n`,
  );
  return EXIT.done;
}
