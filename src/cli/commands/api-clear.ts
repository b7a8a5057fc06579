// `foregone api clear`: the secret is replaced first, so that nothing kept can be read any more; then the files go.
import { ForegoneError } from "../../core/errors.ts";
import { keySource } from "../../github/state.ts";
import { removeAll } from "../../github/trim.ts";
import { nodeStoreFiles } from "../../node/store-files.ts";
import { openFolder } from "../../store/folder.ts";
import { StoreError } from "../../store/store.ts";
import { askSocket } from "../api/client.ts";
import { fleetSecret } from "../api/fleet.ts";
import { apiPorts } from "../api/open.ts";
import { apiSettings } from "../api/settings.ts";
import type { CliContext, Parsed } from "../command.ts";
import { tell } from "../tell.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const settings = await apiSettings(context, parsed);
  const told = await askSocket(settings.socket, { method: "POST", path: "/_foregone/clear" });
  try {
    const folder = openFolder({ ...apiPorts, files: nodeStoreFiles }, settings.store);
    // A running proxy has renewed its secret itself.
    if (told === undefined) {
      const fleet = await fleetSecret(context.env, settings.config).catch(() => undefined);
      keySource(folder, apiPorts.random, fleet).renew();
    }
    const files = removeAll(folder);
    tell(
      context,
      parsed,
      { files, proxy: told !== undefined },
      `cleared ${files.toLocaleString("en-US")} files${told === undefined ? "" : " and the running proxy"}\n`,
    );
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new ForegoneError("E_STORE", error.message, { ...(error.hint !== undefined && { hint: error.hint }) });
  }
  return 0;
}
