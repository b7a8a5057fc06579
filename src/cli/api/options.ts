// From the configuration to what the API proxy takes. Durations are milliseconds there, seconds where GitHub counts in seconds.
import type { Config } from "../../config/settings.ts";
import type { ApiHost, EngineOptions } from "../../github/engine.ts";
import type { TrimBounds } from "../../github/trim.ts";
import { VERSION } from "../version.ts";

const seconds = (ms: number): number => ms / 1000;

export function engineOptions(config: Config): EngineOptions {
  const ttl = (
    name:
      | "list_repos"
      | "get_repo_info"
      | "list_workflows"
      | "get_workflow_runs"
      | "get_workflow_run"
      | "list_runners"
      | "get_runner_status",
  ) => seconds(config[`api.operation-ttls.${name}`]);
  return {
    hosts: config["api.hosts"].map(apiHost),
    reads: {
      maxBodyBytes: config["api.max-body"],
      followMs: config["api.follow"],
      staleIfErrorMs: config["api.stale-if-error"],
      leases: {
        freshness: config["api.freshness"],
        lease: {
          status: seconds(config["api.lease.status"]),
          default: seconds(config["api.lease.default"]),
          metadata: seconds(config["api.lease.metadata"]),
          immutable: seconds(config["api.lease.immutable"]),
        },
        operationTtls: {
          list_repos: ttl("list_repos"),
          get_repo_info: ttl("get_repo_info"),
          list_workflows: ttl("list_workflows"),
          get_workflow_runs: ttl("get_workflow_runs"),
          get_workflow_run: ttl("get_workflow_run"),
          list_runners: ttl("list_runners"),
          get_runner_status: ttl("get_runner_status"),
        },
        defaultTtl: seconds(config["api.default-ttl"]),
        settleMs: config["api.settle"],
      },
    },
    posts: {
      graphqlTtl: seconds(config["api.graphql.ttl"]),
      cacheablePosts: config["api.cacheable-posts"].map((post) => ({ ...post, ttl: seconds(post.ttl) })),
      maxPostTtl: seconds(config["api.operation-ttls.copilot_completion"]),
    },
    throttle: {
      concurrency: config["api.throttle.concurrency"],
      pointsPerMinute: config["api.throttle.points"],
      writeBurst: config["api.throttle.writes"],
      maxWaitMs: config["api.throttle.max-wait"],
    },
    quota: { warn: config["api.quota.warn"], reserve: config["api.quota.reserve"] },
    candidates: {
      memoryBytes: config["api.memory"],
      perKey: config["api.candidates"],
      tool: `foregone ${VERSION}`,
    },
  };
}

export function trimBounds(config: Config): TrimBounds {
  return {
    maxEntries: config["api.max-entries"],
    maxBytes: config["api.max-bytes"],
    perKey: config["api.candidates"],
  };
}

/** "api.github.com", or "ghe.example.org/api/v3" for an Enterprise server. */
function apiHost(name: string): ApiHost {
  const [host = name, ...path] = name.toLowerCase().split("/");
  return { name: host, root: path.join("/") === "api/v3" ? "/api/v3" : "" };
}
