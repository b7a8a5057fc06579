// The store of one command: the disk, and below it what this machine shares with others.
import type { ResolvedConfig } from "../config/resolve.ts";
import { nodeHasher, systemClock } from "../node/ports.ts";
import { type Count, storeCounts } from "../report/count.ts";
import { layerLines } from "../report/layers.ts";
import type { StoreEvent } from "../store/events.ts";
import type { OpenStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import { agentLayer } from "./agent-layer.ts";
import type { CliContext } from "./command.ts";
import { fleetOf, openSharedStores } from "./shared-stores.ts";

export interface StoreLayers {
  readonly store: Store;
  /** For keyed digests of environment values: the fleet's if this machine belongs to one, so that records fit elsewhere. */
  readonly envKey: Uint8Array;
  /** What went wrong so far, a line each. */
  notes(): readonly string[];
  /** What is to be counted of what the layers did. */
  counts(): readonly Count[];
  /** Without it the process would stay alive for its connections. */
  close(): void;
}

export function diskAlone({ store, folder }: OpenStore): StoreLayers {
  return { store, envKey: folder.key, notes: () => [], counts: () => [], close: () => undefined };
}

/** @param resolved undefined: the configuration is wrong, so nothing is shared */
export async function storeLayers(
  context: Pick<CliContext, "cwd" | "env">,
  resolved: ResolvedConfig | undefined,
  open: OpenStore,
): Promise<StoreLayers> {
  const { store: disk, folder } = open;
  const alone = diskAlone(open);
  if (resolved === undefined) return alone;
  const { config } = resolved;
  const fleet = await fleetOf(context, config);
  const envKey = fleet === undefined || "problem" in fleet ? folder.key : fleet.envKey;
  const events: StoreEvent[] = [];
  const onEvent = (event: StoreEvent): void => void events.push(event);
  const [agent, { layers, problems }] = await Promise.all([
    fleet === undefined ? undefined : agentLayer(context, resolved),
    openSharedStores(context, config, fleet, onEvent),
  ]);
  const problemLines = problems.map(({ problem, hint }) => `${problem}${hint === undefined ? "" : `; mend: ${hint}`}`);
  if (agent === undefined && layers.length === 0) return { ...alone, envKey, notes: () => problemLines };
  const far = agent === undefined ? layers : [agent, ...layers];
  const { layered } = await import("../store/layers.ts");
  return {
    store: layered({ disk, far, clock: systemClock, hasher: nodeHasher, onEvent }),
    envKey,
    notes: () => [...problemLines, ...layerLines(events.filter(isTrouble))],
    counts: () => events.flatMap((event) => storeCounts(event)),
    close: () => {
      for (const layer of layers) layer.close();
    },
  };
}

function isTrouble(event: StoreEvent): event is Extract<StoreEvent, { type: "failed" | "bad-bytes" | "not-believed" }> {
  return event.type === "failed" || event.type === "bad-bytes" || event.type === "not-believed";
}
