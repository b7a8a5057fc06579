// What the layers of a job are made of, against the double.
import { onTestFinished } from "vitest";
import { nodeFetch } from "../../node/fetch.ts";
import { systemClock, systemRandom } from "../../node/ports.ts";
import { nodeDeflate } from "../../node/store-files.ts";
import { CacheBucket } from "../../store/actions/cache-bucket.ts";
import { type Patience, Waiting } from "../../store/actions/http.ts";
import type { ServiceParts } from "../../store/actions/results-service.ts";
import { ActionsDouble, sha1 } from "./double.ts";
import type { RunState } from "./rest.ts";
import type { CacheScope } from "./token.ts";

/** Loopback answers at once, but two cores shared with other tests may not. */
export const PATIENT: Patience = { answerMs: 20_000, totalMs: 60_000 };

export async function startedDouble(): Promise<ActionsDouble> {
  const double = await new ActionsDouble().start();
  onTestFinished(() => double.close());
  return double;
}

export function serviceParts(
  double: ActionsDouble,
  scopes: readonly (string | CacheScope)[] = ["refs/heads/main"],
  run: Pick<RunState, "backendId"> = double.run({ headSha: sha1("1") }),
  patience: Patience = PATIENT,
): ServiceParts {
  return {
    layer: "actions-cache",
    fetch: nodeFetch,
    clock: systemClock,
    waiting: new Waiting(systemClock, patience),
    url: double.url,
    token: double.token(run, scopes),
  };
}

export function cacheBucketOf(parts: ServiceParts): CacheBucket {
  return new CacheBucket({ ...parts, run: { id: "9182", attempt: 1 }, random: systemRandom, deflate: nodeDeflate });
}
