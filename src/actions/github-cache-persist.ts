// What the API cache keeps, between the jobs of a repository: one sealed pack in the Actions cache. Only for a fleet: what is in the
// cache of a repository every pull request can read, so it must be sealed under a secret that outlives the job.
import { keySource, ruleFile } from "../github/state.ts";
import { type PackBounds, pack, unpack } from "../github/pack.ts";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import { DECIDING, PUBLISHING } from "../store/actions/http.ts";
import { download, findCache, saveCache } from "../store/actions/results-service.ts";
import { diskStore } from "../store/disk.ts";
import { openFolder, type StoreFolder } from "../store/folder.ts";
import { quick } from "../cli/api/open.ts";
import { type Env, serviceOf } from "./cache-service.ts";

/** 5,000 responses of 20 KB; a hosted runner moves 50 MB/s. */
const MAX_PACK_BYTES = 64 * 1024 * 1024;

/**
 * Begins with what an earlier job kept.
 * @param root folder of the API cache
 * @returns the name under which the fleet's packs are found: tells nothing of the secret
 */
export async function restorePack(env: Env, root: string, fleet: Uint8Array): Promise<{ name: string; note: string }> {
  const folder = folderOf(root);
  const { domain } = keySource(folder, systemRandom, fleet).keys;
  const name = `foregone-a1-${nodeHasher.sha256(`pack ${domain}`).slice(0, 32)}`;
  const service = serviceOf(env, DECIDING);
  if (service === undefined) return { name, note: "no cache service: kept on this machine only" };
  try {
    const found = await findCache(service, `${name}-`);
    const bytes = found && (await download(service, found.url, MAX_PACK_BYTES));
    if (bytes === undefined) return { name, note: "nothing is kept by an earlier job" };
    const added = await unpack(
      Buffer.from(bytes),
      diskStore(quick(folder)),
      ruleFile(folder, systemRandom),
      nodeHasher,
    );
    return { name, note: `${added} responses of an earlier job` };
  } catch (error) {
    return { name, note: `not restored: ${textOf(error)}` };
  }
}

/** @returns what became of it, in a few words; never an exception */
export async function savePack(
  env: Env,
  root: string,
  name: string,
  bounds: Omit<PackBounds, "maxBytes">,
): Promise<string> {
  const service = serviceOf(env, PUBLISHING);
  if (service === undefined) return "kept on this machine only";
  try {
    const folder = folderOf(root);
    const bytes = await pack(folder, diskStore(folder), ruleFile(folder, systemRandom), {
      ...bounds,
      maxBytes: MAX_PACK_BYTES,
    });
    if (bytes === undefined) return "nothing to keep";
    const unique = Buffer.from(systemRandom.bytes(4)).toString("hex");
    const { GITHUB_RUN_ID: run = "0", GITHUB_RUN_ATTEMPT: attempt = "1" } = env;
    await saveCache(service, `${name}-${run}-${attempt}-${unique}`, bytes);
    return `kept ${(bytes.length / 1e6).toFixed(1)} MB for later jobs`;
  } catch (error) {
    return `not kept for later jobs: ${textOf(error)}`;
  }
}

function folderOf(root: string): StoreFolder {
  return openFolder({ clock: systemClock, hasher: nodeHasher, random: systemRandom, files: nodeStoreFiles }, root);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
