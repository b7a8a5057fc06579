// `foregone secrets export`: escrow as an age file.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { scopeText } from "../../core/scope.ts";
import { plural } from "../../report/units.ts";
import { ageEncrypt, type AgeTarget } from "../../secrets/age.ts";
import { auditName } from "../../secrets/changes.ts";
import { exportText } from "../../secrets/escrow.ts";
import type { CliContext, Parsed } from "../command.ts";
import { expandPath } from "../configuration.ts";
import { actorOf, secretsShell, withStore } from "../secrets/context.ts";
import { askHidden } from "../secrets/input.ts";
import { writeNewFile } from "../secrets/new-file.ts";
import { resolveScope } from "../secrets/scope-names.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const out = parsed.values.get("out");
  if (out === undefined && context.stdout.isTTY === true)
    throw new ForegoneError("E_USAGE", "standard output is a terminal", { hint: "--out FILE" });
  const target = await targetOf(context, parsed);
  const shell = await secretsShell(context);
  if (shell.inJob) throw new ForegoneError("E_DENIED", "a job exports nothing", { exitCode: EXIT.wrong });
  const wanted = parsed.values.get("scope");
  const scope = wanted === undefined ? undefined : scopeText((await resolveScope(context, wanted)).scope);
  const withMasterKey = parsed.flags.has("with-master-key");
  const { file, count, line } = await withStore(shell, async (session, store) => {
    const versions = store.state.versions.filter((v) => scope === undefined || scopeText(v.scope) === scope);
    // Written down before anything is opened, as for every other way out.
    const [entry] = session.append({
      action: "export",
      assurance: "owner",
      actor: actorOf(context),
      names: versions.slice(0, 32).map(auditName),
      count: versions.length,
      settings: {
        to: "recipient" in target ? target.recipient : "a passphrase",
        ...(withMasterKey && { masterKey: "included" }),
      },
    });
    const text = exportText(store, versions, withMasterKey);
    const file = await ageEncrypt(text, target);
    text.fill(0);
    return { file, count: versions.length, line: entry?.seq };
  });
  if (out === undefined) await new Promise((resolve) => context.stdout.write(file, resolve));
  else writeNewFile(expandPath(out, context), file);
  context.stderr.write(`foregone: ${plural(count, "version")} exported, audit #${line}\n`);
  return EXIT.done;
}

async function targetOf(context: CliContext, parsed: Parsed): Promise<AgeTarget> {
  const recipient = parsed.values.get("to");
  if ((recipient === undefined) !== parsed.flags.has("passphrase"))
    throw new ForegoneError("E_USAGE", "who shall be able to open it: --to age1..., or --passphrase");
  if (recipient !== undefined) return { recipient };
  const given = context.env["FOREGONE_EXPORT_PASSPHRASE"] ?? (await askHidden(context, "passphrase of the export: "));
  const passphrase = given?.toString() ?? "";
  if (passphrase.length < 12)
    throw new ForegoneError("E_USAGE", "a passphrase of at least 12 characters", {
      hint: "FOREGONE_EXPORT_PASSPHRASE, or a terminal",
    });
  return { passphrase };
}
