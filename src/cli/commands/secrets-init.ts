// `foregone secrets init`.
import { EXIT, ForegoneError } from "../../core/errors.ts";
import { createStore } from "../../secrets/create.ts";
import type { CliContext, Parsed } from "../command.ts";
import { secretsShell } from "../secrets/context.ts";
import { kdfOption, providerOption } from "../secrets/options.ts";
import { tell } from "../tell.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const shell = await secretsShell(context, { kdf: kdfOption(parsed) });
  const { config, session } = shell;
  const provider = providerOption(parsed) ?? config["secrets.key-provider"];
  const recipient = parsed.values.get("audit-recipient") ?? config["secrets.audit.recipient"];
  if (config["secrets.audit.verify-key"] === "recipient" && recipient === null)
    throw new ForegoneError("E_CONFIG", "secrets.audit.verify-key is recipient, but no recipient is named", {
      hint: "foregone secrets init --audit-recipient age1...",
    });
  const state = await createStore(session, { provider, ...(recipient !== null && { auditRecipient: recipient }) });
  const verifier = recipient === null ? "the master key" : recipient;
  tell(
    context,
    parsed,
    { storeId: state.storeId, folder: session.folder, keyProvider: provider, auditRecipient: recipient },
    `store ${state.storeId.slice(0, 8)} in ${session.folder}\nmaster key k1 in ${placeOf(provider)}; audit log verified with ${verifier}\n`,
  );
  return EXIT.done;
}

function placeOf(provider: string): string {
  return provider === "file" ? "the file .master_key.k1 beside it" : provider;
}
