// The store of one command: the disk, and below it what this machine shares with others.
import type { ResolvedConfig } from "../config/resolve.ts";
import { nodeHasher, systemClock } from "../node/ports.ts";
import { type Count, storeCounts } from "../report/count.ts";
import { layerLines } from "../report/layers.ts";
import type { OnStoreEvent, StoreEvent } from "../store/events.ts";
import type { OpenStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import { agentLayer } from "./agent-layer.ts";
import type { CliContext } from "./command.ts";
import { type Fleet, fleetOf, openSharedStores, type Problem, type SharedStores } from "./shared-stores.ts";

/** What became of the layers of one process. */
interface LayersReport {
  /** What went wrong so far, a line each. */
  readonly notes: () => readonly string[];
  /** What is to be counted of what the layers did. */
  readonly counts: () => readonly Count[];
  /** Without it the process would stay alive for its connections. */
  readonly close: () => void;
}

export interface StoreLayers extends LayersReport {
  readonly store: Store;
  /** For keyed digests of environment values: the fleet's if this machine belongs to one, so that records fit elsewhere. */
  readonly envKey: Uint8Array;
}

export function diskAlone({ store, folder }: OpenStore): StoreLayers {
  return { store, envKey: folder.key, notes: () => [], counts: () => [], close: () => undefined };
}

/** The shared stores of one process, not yet put below anything. */
interface OpenShared extends SharedStores, LayersReport {
  readonly fleet: Fleet | Problem | undefined;
  readonly onEvent: OnStoreEvent;
}

async function openShared(
  context: Pick<CliContext, "cwd" | "env">,
  { config }: Pick<ResolvedConfig, "config">,
): Promise<OpenShared> {
  const events: StoreEvent[] = [];
  const onEvent: OnStoreEvent = (event) => void events.push(event);
  const fleet = await fleetOf(context, config);
  const shared = await openSharedStores(context, config, fleet, onEvent);
  const problems = shared.problems.map(
    ({ problem, hint }) => `${problem}${hint === undefined ? "" : `; mend: ${hint}`}`,
  );
  return {
    ...shared,
    fleet,
    onEvent,
    notes: () => [...problems, ...layerLines(events.filter(isTrouble))],
    counts: () => events.flatMap((event) => storeCounts(event)),
    close: () => {
      for (const layer of shared.layers) layer.close();
    },
  };
}

/** @param resolved undefined: the configuration is wrong, so nothing is shared */
export async function storeLayers(
  context: Pick<CliContext, "cwd" | "env">,
  resolved: ResolvedConfig | undefined,
  open: OpenStore,
): Promise<StoreLayers> {
  const alone = diskAlone(open);
  if (resolved === undefined) return alone;
  // Without the secret it is a member of nothing.
  const asked = context.env["FOREGONE_MESH_SECRET"] ? agentLayer(context, resolved) : undefined;
  const [agent, shared] = await Promise.all([asked, openShared(context, resolved)]);
  const { fleet, layers, onEvent } = shared;
  const report = { notes: shared.notes, counts: shared.counts, close: shared.close };
  const envKey = fleet === undefined || "problem" in fleet ? open.folder.key : fleet.envKey;
  if (agent === undefined && layers.length === 0) return { ...alone, ...report, envKey };
  const far = agent === undefined ? layers : [agent, ...layers];
  const { layered } = await import("../store/layers.ts");
  return {
    store: layered({ disk: open.store, far, clock: systemClock, hasher: nodeHasher, onEvent }),
    envKey,
    ...report,
  };
}

function isTrouble(event: StoreEvent): event is Extract<StoreEvent, { type: "failed" | "bad-bytes" | "not-believed" }> {
  return event.type === "failed" || event.type === "bad-bytes" || event.type === "not-believed";
}
