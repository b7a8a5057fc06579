// `foregone secrets remove`.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { removeVersions } from "../../secrets/changes.ts";
import { versionsOf } from "../../secrets/model.ts";
import type { CliContext, Parsed } from "../command.ts";
import { changing, secretsShell } from "../secrets/context.ts";
import { nameOperand, required, versionOption } from "../secrets/options.ts";
import { resolveScope } from "../secrets/scope-names.ts";
import { stateOf } from "../secrets/words.ts";
import { plural } from "../../report/units.ts";
import { tell } from "../tell.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const expired = parsed.flags.has("expired");
  if (expired && parsed.operands.length > 0)
    throw new ForegoneError("E_USAGE", "--expired takes no name: it removes every version whose time is over");
  const name = expired ? "" : nameOperand(parsed);
  const shell = await secretsShell(context);
  const scope = expired ? undefined : (await resolveScope(context, required(parsed, "scope"))).scope;
  const number = versionOption(parsed);
  const { line, count } = await changing(shell, (session, store, change) => {
    const named = scope === undefined ? store.state.versions : versionsOf(store.state, name, scope);
    const removed = expired
      ? named.filter((v) => stateOf(v, change.now) === "expired")
      : named.filter((v) => number === undefined || v.version === number);
    if (removed.length === 0 && !expired)
      throw new ForegoneError(
        "E_NOT_FOUND",
        `no such credential: ${name}${number === undefined ? "" : ` v${number}`}`,
        {
          hint: "foregone secrets list",
        },
      );
    const before = session.log.state.seq;
    if (removed.length > 0) session.commit(store, removeVersions(change, store, removed));
    return { line: before, count: removed.length };
  });
  const text = count === 0 ? "nothing has expired" : `${plural(count, "version")} removed, audit #${line}`;
  tell(context, parsed, { removed: count, audit: count === 0 ? null : line }, `${text}\n`);
  return EXIT.done;
}
