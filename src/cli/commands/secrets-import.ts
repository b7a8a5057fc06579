// `foregone secrets import`.
import { readFileSync } from "node:fs";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { plural } from "../../report/units.ts";
import { ageDecrypt, type AgeKey, parseIdentities } from "../../secrets/age.ts";
import { addVersions } from "../../secrets/changes.ts";
import { parseExport, selectImport } from "../../secrets/escrow.ts";
import type { CliContext, Parsed } from "../command.ts";
import { expandPath } from "../configuration.ts";
import { changing, secretsShell } from "../secrets/context.ts";
import { askHidden } from "../secrets/input.ts";
import { tell } from "../tell.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const [operand, ...more] = parsed.operands;
  if (operand === undefined || more.length > 0) throw new ForegoneError("E_USAGE", "one file to import");
  const text = await ageDecrypt(read(context, operand), await keyOf(context, parsed));
  const imported = parseExport(text);
  text.fill(0);
  const shell = await secretsShell(context);
  if (shell.inJob) throw new ForegoneError("E_DENIED", "a job imports nothing", { exitCode: EXIT.wrong });
  const { added, kept } = await changing(shell, (session, store, change) => {
    const selected = selectImport(store.state, imported, parsed.flags.has("replace"), change.now);
    if (selected.added.length > 0) session.commit(store, addVersions(change, store, "import", selected.added).change);
    return selected;
  });
  for (const { value } of imported) value.fill(0);
  for (const name of kept)
    context.stderr.write(`foregone: note: ${name} is there already and stays; --replace replaces it\n`);
  tell(context, parsed, { imported: added.length, kept }, `${plural(added.length, "version")} imported\n`);
  return kept.length > 0 ? EXIT.partly : EXIT.done;
}

function read(context: CliContext, path: string): Buffer {
  try {
    return readFileSync(expandPath(path, context));
  } catch (error) {
    throw new ForegoneError("E_NOT_FOUND", `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

async function keyOf(context: CliContext, parsed: Parsed): Promise<AgeKey> {
  const path = parsed.values.get("identity");
  if (path !== undefined) return { identities: parseIdentities(read(context, path).toString("utf8")) };
  const given = context.env["FOREGONE_EXPORT_PASSPHRASE"] ?? (await askHidden(context, "passphrase of the export: "));
  if (given === undefined)
    throw new ForegoneError("E_KEY", "nothing to open it with", {
      hint: "--identity FILE, or FOREGONE_EXPORT_PASSPHRASE, or a terminal",
    });
  return { passphrase: given.toString() };
}
