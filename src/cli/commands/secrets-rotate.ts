// `foregone secrets rotate`: a new version beside the old one, which stays valid through the grace.
import { randomInt } from "node:crypto";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { addVersions } from "../../secrets/changes.ts";
import { versionsOf } from "../../secrets/model.ts";
import type { CliContext, Parsed } from "../command.ts";
import { changing, seconds, secretsShell } from "../secrets/context.ts";
import { readValue } from "../secrets/input.ts";
import { ageOption, nameOperand, notAfterOption, required } from "../secrets/options.ts";
import { resolveScope } from "../secrets/scope-names.ts";
import { expiryText, scopeLabel, timeText, storedFacts } from "../secrets/words.ts";
import { tell } from "../tell.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const name = nameOperand(parsed);
  const shell = await secretsShell(context);
  const { scope } = await resolveScope(context, required(parsed, "scope"));
  const length = parsed.values.get("generate");
  const value = length === undefined ? await readValue(context, parsed, name) : Buffer.from(generate(length));
  const grace = ageOption(parsed, "grace") ?? seconds(shell.config["secrets.rotate-grace"]);
  const { line, version, until } = await changing(shell, (session, store, change) => {
    const [newest] = versionsOf(store.state, name, scope);
    if (newest === undefined)
      throw new ForegoneError("E_NOT_FOUND", `no credential ${name} in that scope`, {
        hint: `foregone secrets set ${name} --scope S`,
      });
    const added = addVersions(change, store, "rotate", [
      {
        name,
        scope,
        ...(newest.scopeName !== undefined && { scopeName: newest.scopeName }),
        value,
        notBefore: change.now,
        notAfter: notAfterOption(parsed, shell.config, change.now),
        rotateAfter: newest.rotateAfter === null ? null : change.now + newest.rotateAfter - newest.notBefore,
        policy: newest.policy,
        othersUntil: change.now + grace,
      },
    ]);
    const before = session.log.state.seq;
    session.commit(store, added.change);
    return { line: before, version: added.versions[0], until: change.now + grace };
  });
  value.fill(0);
  if (version === undefined) throw new TypeError("rotate: no version");
  tell(
    context,
    parsed,
    { ...storedFacts(version, line), oldUntil: until },
    `${name} v${version.version}, ${scopeLabel(version)}, ${expiryText(version)}; v${version.version - 1} until ${timeText(until)} at most, audit #${line}\n`,
  );
  return EXIT.done;
}

function generate(text: string): string {
  const length = Number(text);
  if (!/^\d+$/.test(text) || length < 16 || length > 1024)
    throw new ForegoneError("E_USAGE", `--generate wants a length from 16 to 1024, not "${text}"`);
  return Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}
