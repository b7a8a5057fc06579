// The cache service of this job, for what is no record: packs of API answers, addresses of peers.
import { nodeFetch } from "../node/fetch.ts";
import { systemClock } from "../node/ports.ts";
import type { CacheNames } from "../peers/registry/actions-cache.ts";
import { DECIDING, type Patience, Waiting } from "../store/actions/http.ts";
import { findCache, saveCache, type ServiceParts } from "../store/actions/results-service.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** Undefined: no cache service that we speak (outside Actions, or an Enterprise Server, which has version 1). */
export function serviceOf(env: Env, patience: Patience): ServiceParts | undefined {
  const { ACTIONS_RESULTS_URL: url, ACTIONS_RUNTIME_TOKEN: token, ACTIONS_CACHE_SERVICE_V2: v2 } = env;
  if (!url || !token || !v2) return undefined;
  const waiting = new Waiting(systemClock, patience);
  return { layer: "actions-cache", url: url.replace(/\/+$/, ""), token, fetch: nodeFetch, clock: systemClock, waiting };
}

/**
 * Where peers of self-hosted runners find each other's addresses, without a call of anybody's quota.
 * @returns undefined also on GitHub's own runners: no other machine reaches one
 */
export function addressCaches(env: Env): Required<CacheNames> | undefined {
  if (env["RUNNER_ENVIRONMENT"] !== "self-hosted" || serviceOf(env, DECIDING) === undefined) return undefined;
  // A patience is spent once: each question has its own.
  const service = (): ServiceParts => serviceOf(env, DECIDING) as ServiceParts;
  return {
    // A search gives the newest entry only.
    async names(prefix) {
      const found = await findCache(service(), prefix);
      return found === undefined ? [] : [found.key];
    },
    async save(name) {
      // The name says it all; an entry without content is refused.
      await saveCache(service(), name, Uint8Array.of(0));
    },
  };
}
