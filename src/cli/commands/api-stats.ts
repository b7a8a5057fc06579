// `foregone api stats`: what the running proxy has served and saved.
import type { ApiStatus } from "../../github/proxy.ts";
import { askRunning } from "../api/client.ts";
import { apiSettings } from "../api/settings.ts";
import { statusLines } from "../api/words.ts";
import type { CliContext, Parsed } from "../command.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const { socket } = await apiSettings(context, parsed);
  const status = (await askRunning(socket, "GET", "status")) as ApiStatus;
  context.stdout.write(
    parsed.flags.has("json") ? `${JSON.stringify(status)}\n` : `${statusLines(status).join("\n")}\n`,
  );
  return 0;
}
