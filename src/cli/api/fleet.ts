// Whether this machine's API cache belongs to a fleet. Who has the fleet's secret has the cache's key: the same bytes are found,
// and open, on each of its machines and in each of its runs.
import { hkdfSync } from "node:crypto";
import type { Config } from "../../config/settings.ts";
import { fleetOf } from "../shared-stores.ts";

/** @returns 32 bytes; undefined: a fleet of one. @throws Error with what is wrong, nothing of the secret in it */
export async function fleetSecret(
  env: Readonly<Record<string, string>>,
  config: Config,
): Promise<Uint8Array | undefined> {
  const fleet = await fleetOf({ cwd: process.cwd(), env }, config);
  if (fleet === undefined) return undefined;
  if ("problem" in fleet) throw new Error(fleet.problem);
  return new Uint8Array(hkdfSync("sha256", fleet.secret, "", "foregone github-api fleet 1", 32));
}
