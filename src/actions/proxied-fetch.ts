// Self-hosted runners often reach GitHub through a proxy only, which Node's own fetch does not look for.
import type { EnvHttpProxyAgent } from "undici";

/** @returns `direct`, or one that goes where HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; undici is loaded at its first call */
export function proxiedFetch(direct: typeof fetch, env: Readonly<Record<string, string | undefined>>): typeof fetch {
  const names = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"];
  if (!names.some((name) => (env[name] ?? "") !== "")) return direct;
  let loading: Promise<{ readonly undici: typeof import("undici"); readonly agent: EnvHttpProxyAgent }> | undefined;
  const load = async () => {
    const undici = await import("undici");
    return { undici, agent: new undici.EnvHttpProxyAgent() };
  };
  return async (input, init) => {
    const { undici, agent } = await (loading ??= load());
    const request = { ...init, dispatcher: agent } as import("undici").RequestInit;
    const url = typeof input === "string" ? input : "href" in input ? input.href : input.url;
    return (await undici.fetch(url, request)) as unknown as Response;
  };
}
