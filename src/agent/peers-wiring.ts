// Puts the agent's peer together: plan, registries, the blobs it serves.
import { expandPath } from "../cli/configuration.ts";
import type { Config } from "../config/settings.ts";
import { parseDigest } from "../core/digest.ts";
import { systemClock } from "../node/ports.ts";
import { nodeStoreFiles } from "../node/store-files.ts";
import type { Bucket } from "../store/bucket.ts";
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

/** Addresses are a few hundred bytes; whoever keeps them must not keep the agent waiting. */
const MAX_ADDRESS_BYTES = 4096;
const DISCOVERY_DEADLINE_MS = 2000;

/** `p2p.discovery.shared_store`: what is wrong with it is a warning, and the other registries are asked. */
async function discoveryStore(
  { env }: AgentContext,
  config: Config,
  kid: Uint8Array,
  log: Log,
): Promise<Bucket | undefined> {
  const url = config["p2p.discovery.shared_store"];
  if (url === null) return undefined;
  const { parseSharedAddress } = await import("../store/shared-address.ts");
  const address = parseSharedAddress(url, env);
  if ("problem" in address) {
    log.write("warning", `peers: p2p.discovery.shared_store: ${address.problem}`);
    return undefined;
  }
  const { engineOf } = await import("../store/shared.ts");
  const parts = {
    space: Buffer.from(kid).toString("hex"),
    keepMs: 2 * config["p2p.discovery.github.peer_ttl_minutes"],
    deadlineMs: DISCOVERY_DEADLINE_MS,
    effects: { clock: systemClock },
  };
  return engineOf(address.engine, address, parts, MAX_ADDRESS_BYTES);
}

/** @returns why this machine takes part in no mesh */
export async function hostedPeers(
  context: AgentContext,
  config: Config,
  { place, log, folder, onStoreEvent }: HostedParts,
): Promise<PeersService | string> {
  const { cwd, env, store, version, caches } = context;
  const plan = await peersPlan({ config, cwd, env, files: nodeStoreFiles, folder: store });
  if (typeof plan === "string") return plan;
  const disk = diskStore(folder);
  const expand = (path: string): string => expandPath(path, context);
  const shared = await discoveryStore(context, config, plan.keys[0].kid, log);
  const files = nodeStoreFiles;
  const registries = registriesOf({ config, plan, env, files, runtimeFolder: place.folder, expand, shared, caches });
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
