// `foregone secrets rotate-master`.
import { EXIT } from "../../core/errors.ts";
import { plural } from "../../report/units.ts";
import { currentKey } from "../../secrets/model.ts";
import { rotateMaster } from "../../secrets/rotate-master.ts";
import type { CliContext, Parsed } from "../command.ts";
import { changing, seconds, secretsShell } from "../secrets/context.ts";
import { kdfOption, providerOption } from "../secrets/options.ts";
import { timeText } from "../secrets/words.ts";
import { tell } from "../tell.ts";
import { Progress } from "../progress.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const shell = await secretsShell(context, { kdf: kdfOption(parsed) });
  const { line, old, key, count, until } = await changing(shell, async (session, store, change) => {
    const before = currentKey(store.state);
    const provider = providerOption(parsed) ?? before.provider;
    const line = session.log.state.seq;
    const progress = new Progress(context.stderr, "checking");
    const { state } = await rotateMaster(session, store, change, provider, progress.show);
    progress.end();
    const until = change.now + seconds(shell.config["secrets.master-grace"]);
    return { line, old: before, key: currentKey(state), count: state.versions.length, until };
  });
  tell(
    context,
    parsed,
    { kid: key.kid, provider: key.provider, versions: count, old: { kid: old.kid, until }, audit: line },
    `master key ${key.kid} in ${key.provider}, ${plural(count, "version")} wrapped anew; ${old.kid} is kept until ${timeText(until)}, audit #${line}\n`,
  );
  return EXIT.done;
}
