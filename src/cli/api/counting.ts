// Counts of an API proxy that no agent counts for: what grew since the last time goes to the counters that outlive the process.
import type { ApiStats } from "../../github/stats.ts";
import { readCounts } from "../../report/count.ts";
import type { CliContext } from "../command.ts";
import { addCounts } from "../counting.ts";
import { openStoreFor } from "../wiring.ts";
import type { ResolvedConfig } from "../../config/resolve.ts";

type Where = Pick<CliContext, "cwd" | "env">;

export class ApiCounting {
  readonly #context: Where;
  readonly #resolved: ResolvedConfig;
  readonly #stats: () => ApiStats;
  #before = new Map<string, number>();

  constructor(context: Where, resolved: ResolvedConfig, stats: () => ApiStats) {
    this.#context = context;
    this.#resolved = resolved;
    this.#stats = stats;
  }

  /** Best effort: a store that cannot be opened costs numbers. Written before the first wait, so it may be called at exit. */
  async flush(): Promise<void> {
    const counts = readCounts(this.#stats());
    const grown = counts.map(([series, count]) => [series, count - (this.#before.get(series) ?? 0)] as const);
    if (grown.every(([, delta]) => delta === 0)) return;
    try {
      await addCounts(openStoreFor(this.#context, this.#resolved).folder, this.#resolved.config, grown);
      this.#before = new Map(counts);
    } catch {
      // No store here.
    }
  }
}
