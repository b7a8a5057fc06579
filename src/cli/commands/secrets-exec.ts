// `foregone secrets exec -- CMD`: the safest way to use a credential.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { splitOnce } from "../../core/scope.ts";
import { plural } from "../../report/units.ts";
import type { CliContext, Parsed } from "../command.ts";
import { secretsShell } from "../secrets/context.ts";
import { askCredentials } from "../secrets/credentials.ts";
import { execute } from "../secrets/execute.ts";
import { checkName } from "../secrets/options.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  try {
    return await give(context, parsed);
  } catch (error) {
    // Nothing was started: the one thing the caller must be able to tell from the command's own codes.
    if (error instanceof ForegoneError)
      throw new ForegoneError(error.code, error.message, {
        exitCode: EXIT.ownUsage,
        ...(error.hint !== undefined && { hint: error.hint }),
        cause: error,
      });
    throw error;
  }
}

async function give(context: CliContext, parsed: Parsed): Promise<number> {
  if (parsed.operands.length === 0)
    throw new ForegoneError("E_USAGE", "no command given", { hint: "foregone secrets exec --only NAME -- CMD" });
  const renamed = new Map((parsed.lists.get("as") ?? []).map(renaming));
  const listed = parsed.values.get("only")?.split(",");
  const only =
    listed === undefined && renamed.size === 0 ? undefined : [...new Set([...(listed ?? []), ...renamed.keys()])];
  for (const name of only ?? []) checkName(name);
  const shell = await secretsShell(context);
  const { given, denied, audit } = await askCredentials(shell, parsed, "exec", only);
  if (denied.length > 0)
    throw new ForegoneError(
      "E_DENIED",
      `${denied.map(({ name, why }) => `${name}: ${why}`).join("; ")}${audit === undefined ? "" : ` (audit #${audit})`}`,
      {
        hint: shell.inJob ? "the owner's log has the reason: foregone secrets audit --denied" : "foregone secrets list",
      },
    );
  const variables = given.map(({ name, value, tag }) => ({ name: checkName(renamed.get(name) ?? name), value, tag }));
  if (new Set(variables.map(({ name }) => name)).size < given.length)
    throw new ForegoneError("E_USAGE", "--as gives two credentials one name");
  const code = await execute(context, {
    argv: parsed.operands,
    given: variables,
    redact: !parsed.flags.has("no-redact"),
  });
  if (context.stderr.isTTY === true) {
    const names = given.map((g) => `${g.name} v${g.version}`).join(", ");
    const facts = [plural(given.length, "credential"), "given", ...(names === "" ? [] : [`(${names})`])].join(" ");
    context.stderr.write(`foregone: ${facts}, 0 denied, audit #${audit}\n`);
  }
  return code;
}

function renaming(text: string): readonly [string, string] {
  const [name, variable] = splitOnce(text, "=");
  if (name === "" || variable === "") throw new ForegoneError("E_USAGE", `--as wants NAME=ENV, not "${text}"`);
  return [checkName(name), checkName(variable)];
}
