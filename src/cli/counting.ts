// What a command adds to the counters that outlive it. Best effort, never a failure: a number is missing then, never too high.
import type { Config } from "../config/settings.ts";
import type { Count } from "../report/count.ts";
import { Counters } from "../store/counters.ts";
import type { StoreFolder } from "../store/folder.ts";

/** @param config undefined: it is wrong, and counting goes on as by default */
export async function addCounts(
  folder: StoreFolder,
  config: Config | undefined,
  counts: readonly Count[],
): Promise<void> {
  if (config?.["metrics.enabled"] === false) return;
  const counters = new Counters(folder);
  for (const [series, delta] of counts) counters.add(series, delta);
  // Written before the first wait; only the folding of a full log, once in some 10,000 decisions, takes longer.
  await counters.flush();
}
