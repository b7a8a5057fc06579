// `foregone api invalidate`: something changed that the proxy did not see (a push, a person in the browser).
import { ForegoneError } from "../../core/errors.ts";
import { askRunning } from "../api/client.ts";
import { apiSettings } from "../api/settings.ts";
import type { CliContext, Parsed } from "../command.ts";
import { tell } from "../tell.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const [what, ...more] = parsed.operands;
  const all = parsed.flags.has("all");
  const match = /^([\w.-]+)(?:\/([\w.-]+))?$/.exec(what ?? "");
  if (more.length > 0 || (what === undefined) !== all || (what !== undefined && match === null))
    throw new ForegoneError("E_USAGE", "want OWNER/REPO, OWNER or --all", { hint: "foregone api invalidate cli/cli" });
  const { socket } = await apiSettings(context, parsed);
  const [, owner, repo] = match ?? [];
  await askRunning(socket, "POST", "invalidate", {
    ...(owner !== undefined && { owner }),
    ...(repo !== undefined && { repo }),
  });
  tell(context, parsed, { invalidated: what ?? null }, `invalidated ${what ?? "everything"}\n`);
  return 0;
}
