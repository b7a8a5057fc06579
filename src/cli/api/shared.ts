// Redis below the API cache: candidates of other machines, and leases, so that one call to GitHub serves a fleet. Every member may write
// here: a candidate is shown only after a 304 under the reader's own token. S3 is left out: a question to it takes as long as
// one to GitHub.
import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../../config/settings.ts";
import { nodeHasher, systemClock, systemRandom } from "../../node/ports.ts";
import type { OnStoreEvent } from "../../store/events.ts";
import type { Fleet } from "../../store/fleet.ts";
import { layered } from "../../store/layers.ts";
import { leased } from "../../store/leased.ts";
import type { Store } from "../../store/store.ts";
import { fleetOf } from "../shared-stores.ts";

/** Of one question: what misses everywhere must not cost much more than asking GitHub at once. */
const DEADLINE_MS = 250;
const REST_MS = 30_000;
/** As in the mesh: a candidate is certified at each use anyway. */
const KEEP_MS = 24 * 3_600_000;

export interface SharedApi {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly close: () => void;
}

/**
 * @param near what is asked first
 * @returns undefined: no Redis among `store.shared`, or it cannot be used, which `onNote` is told
 */
export async function sharedApi(
  near: Store,
  env: Readonly<Record<string, string>>,
  config: Config,
  onEvent: OnStoreEvent,
  onNote: (line: string) => void,
): Promise<SharedApi | undefined> {
  const url = config["store.shared"].find((each) => /^rediss?:/.test(each));
  if (url === undefined) return undefined;
  const { parseSharedAddress } = await import("../../store/shared-address.ts");
  const [fleet, address] = [await fleetOf({ cwd: process.cwd(), env }, config), parseSharedAddress(url, env)];
  if (fleet === undefined) return undefined;
  const problem = "problem" in fleet ? fleet.problem : "problem" in address ? address.problem : undefined;
  if ("problem" in fleet || "problem" in address || address.engine !== "redis") {
    onNote(`store.shared is not used: ${problem ?? "no Redis"}`);
    return undefined;
  }
  const [{ openShared, spaceOf }, { redisLeases }] = await Promise.all([
    import("../../store/shared.ts"),
    import("../../store/redis-lease.ts"),
  ]);
  const effects = { clock: systemClock, hasher: nodeHasher, random: systemRandom };
  const layer = await openShared("redis", address, {
    ...fleet,
    signing: undefined,
    writes: true,
    keepMs: KEEP_MS,
    deadlineMs: DEADLINE_MS,
    maxFailures: config["store.retry-after-failures"],
    restMs: REST_MS,
    effects,
    onEvent,
  });
  const leases = await redisLeases(address, { ...effects, prefix: spaceOf(fleet.space) });
  const store = leased(layered({ ...effects, disk: near, far: [layer], onEvent }), leases, systemClock, (ms) =>
    sleep(ms),
  );
  return {
    store,
    fleet: store,
    close() {
      layer.close();
      leases.close();
    },
  };
}
