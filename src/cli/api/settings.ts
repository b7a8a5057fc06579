// What every `foregone api` command begins with: configuration, place, and upstreams named on the command line.
import type { ResolvedConfig } from "../../config/resolve.ts";
import type { Config } from "../../config/settings.ts";
import { ForegoneError } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf, expandPath } from "../configuration.ts";
import { type ApiPlace, apiPlace } from "./place.ts";

export interface ApiSettings extends ApiPlace {
  readonly resolved: ResolvedConfig;
  readonly config: Config;
  readonly origins: Readonly<Record<string, string>>;
}

/** @throws ForegoneError E_CONFIG, E_USAGE */
export async function apiSettings(context: CliContext, parsed: Parsed): Promise<ApiSettings> {
  const resolved = await configurationOf(context);
  const { config } = resolved;
  const place = apiPlace(context, config);
  const socket = parsed.values.get("socket");
  return {
    resolved,
    config,
    ...place,
    ...(socket !== undefined && { socket: expandPath(socket, context) }),
    origins: {
      ...config["api.upstreams"],
      ...Object.fromEntries((parsed.lists.get("upstream") ?? []).map(originOf)),
    },
  };
}

/** Tokens go there: never in clear over a network. */
function originOf(text: string): readonly [host: string, origin: string] {
  const at = text.indexOf("=");
  const host = text.slice(0, Math.max(0, at)).toLowerCase();
  const url = URL.canParse(text.slice(at + 1)) ? new URL(text.slice(at + 1)) : undefined;
  const safe =
    url?.protocol === "https:" || (url?.protocol === "http:" && /^(?:127\.|localhost$|\[::1\]$)/.test(url.hostname));
  if (host === "" || url === undefined || !safe || url.pathname !== "/")
    throw new ForegoneError("E_USAGE", `--upstream wants HOST=ORIGIN with https, or http on loopback, not "${text}"`, {
      hint: "--upstream ghe.example.org=https://ghe.example.org:8443",
    });
  return [host, url.origin];
}
