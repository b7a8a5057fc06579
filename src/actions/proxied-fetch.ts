// Self-hosted runners often reach GitHub through a proxy only, which Node's own clients do not look for.
import type { EnvHttpProxyAgent } from "undici";
import type { Fetch } from "../ports.ts";

/** @returns `direct`, or one that goes where HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; undici is loaded at its first call */
export function proxiedFetch(direct: Fetch, env: Readonly<Record<string, string | undefined>>): Fetch {
  const names = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"];
  if (!names.some((name) => (env[name] ?? "") !== "")) return direct;
  let loading: Promise<{ readonly undici: typeof import("undici"); readonly agent: EnvHttpProxyAgent }> | undefined;
  const load = async () => {
    const undici = await import("undici");
    return { undici, agent: new undici.EnvHttpProxyAgent() };
  };
  return async (url, request) => {
    const { undici, agent } = await (loading ??= load());
    return undici.fetch(url, { ...request, dispatcher: agent });
  };
}
