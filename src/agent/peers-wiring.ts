// Puts the agent's peer together: plan, registries, the blobs it serves.
import { expandPath } from "../cli/configuration.ts";
import type { Config } from "../config/settings.ts";
import { parseDigest } from "../core/digest.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import { diskStore } from "../store/disk.ts";
import type { OnStoreEvent } from "../store/events.ts";
import type { StoreFolder } from "../store/folder.ts";
import type { Log } from "./log.ts";
import type { AgentPlace } from "./paths.ts";
import { peersPlan } from "./peers-plan.ts";
import { registriesOf } from "./peers-registries.ts";
import { type PeersService, peersService } from "./peers-service.ts";
import type { AgentContext } from "./wiring.ts";

export interface HostedParts {
  readonly place: AgentPlace;
  readonly log: Log;
  readonly folder: StoreFolder;
  readonly onStoreEvent: OnStoreEvent;
}

/** @returns why this machine takes part in no mesh */
export async function hostedPeers(
  context: AgentContext,
  config: Config,
  { place, log, folder, onStoreEvent }: HostedParts,
): Promise<PeersService | string> {
  const { cwd, env, store, version } = context;
  const plan = await peersPlan({ config, cwd, env, files: nodeStoreFiles, folder: store });
  if (typeof plan === "string") return plan;
  const disk = diskStore(folder);
  const expand = (path: string): string => expandPath(path, context);
  const registries = registriesOf({ config, plan, env, files: nodeStoreFiles, runtimeFolder: place.folder, expand });
  return peersService({
    plan,
    config,
    version,
    log,
    registries,
    onStoreEvent,
    blobs: async (name) => {
      const digest = parseDigest(name);
      return digest && disk.blobs.get(digest);
    },
  });
}
