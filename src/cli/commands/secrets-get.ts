// `foregone secrets get`: one value, to a pipe or a private file.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { type Granted, isGranted, resolveNames } from "../../secrets/resolve.ts";
import type { CliContext, Parsed } from "../command.ts";
import { expandPath } from "../configuration.ts";
import { actorOf, localCaller, secretsShell, withStore } from "../secrets/context.ts";
import { nameOperand, versionOption } from "../secrets/options.ts";
import { resolveScope } from "../secrets/scope-names.ts";
import { deniedError } from "../secrets/denied.ts";
import { writeNewFile } from "../secrets/new-file.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const name = nameOperand(parsed);
  const out = parsed.values.get("out");
  if (out === undefined && context.stdout.isTTY === true && !parsed.flags.has("show"))
    throw new ForegoneError("E_USAGE", "standard output is a terminal: the value would stay in its scrollback", {
      hint: `foregone secrets get ${name} | PROGRAM, or --out FILE, or --show`,
    });
  const shell = await secretsShell(context);
  const scope = parsed.values.get("scope");
  const caller = localCaller(shell, scope === undefined ? undefined : (await resolveScope(context, scope)).scope);
  const version = versionOption(parsed);
  const { answers, audit } = await withStore(shell, (session, store) =>
    resolveNames(session, store, {
      action: "get",
      names: [name],
      mode: shell.inJob ? "output" : undefined,
      caller,
      rules: shell.rules,
      actor: { actor: actorOf(context) },
      ...(version !== undefined && { version }),
    }),
  );
  const refusals = answers.filter((answer) => !isGranted(answer));
  const { countAccesses } = await import("../secrets/counting.ts");
  await countAccesses(shell, answers.length - refusals.length, refusals.length);
  const [granted] = answers;
  if (granted === undefined || !isGranted(granted)) throw deniedError(refusals, audit);
  await give(context, granted, out);
  return EXIT.done;
}

async function give(context: CliContext, { value }: Granted, out: string | undefined): Promise<void> {
  const bytes = value.reveal();
  if (out === undefined) await new Promise((resolve) => context.stdout.write(bytes, resolve));
  else writeNewFile(expandPath(out, context), bytes);
  value.wipe();
}
