// Whether this machine's API cache belongs to a fleet. Who has the mesh's secret has the cache's key: the same bytes are found,
// and open, on each of its machines and in each of its runs.
import { hkdfSync } from "node:crypto";
import type { Config } from "../../config/settings.ts";
import { meshKeys } from "../../peers/mesh-key.ts";

/** @returns 32 bytes; undefined: a fleet of one. @throws Error with what is wrong with the secret, nothing of the secret in it */
export async function fleetSecret(
  env: Readonly<Record<string, string | undefined>>,
  config: Config,
): Promise<Uint8Array | undefined> {
  const text = env["FOREGONE_MESH_SECRET"];
  if (text === undefined || text === "") return undefined;
  const keys = await meshKeys(text, networkOf(env, config));
  if ("problem" in keys) throw new Error(`FOREGONE_MESH_SECRET: ${keys.problem}`);
  return new Uint8Array(hkdfSync("sha256", keys[0].seal, "", "foregone github-api fleet 1", 32));
}

/** One repository, unless a network is named: what one repository's jobs may read says nothing of another's. */
function networkOf(env: Readonly<Record<string, string | undefined>>, config: Config): string {
  const named = config["p2p.network.network_id"];
  if (named !== null) return named;
  const server = (env["GITHUB_SERVER_URL"] ?? "https://github.com").replace(/^https?:\/\//, "");
  return `${server}/${env["GITHUB_REPOSITORY"] ?? ""}`;
}
