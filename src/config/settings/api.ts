// `api:`: the GitHub API cache (docs/github-api-cache.md). Only GitHub's own certificate (a 304) makes bytes fresh; these
// bound the short leases that follow one.
import { bool, duration, integer, list, map, nullable, object, oneOf, size, text } from "../kind.ts";
import { setting } from "../setting.ts";

/** Ceilings of a lease by operation, as the founding files named them. */
const OPERATION_TTLS = {
  list_repos: 600,
  get_repo_info: 300,
  list_workflows: 300,
  get_workflow_runs: 120,
  get_workflow_run: 60,
  list_runners: 300,
  get_runner_status: 60,
  copilot_completion: 3600,
};

const ttl = (seconds: number, doc: string) => setting(duration(), seconds, doc, { tighten: "lower" });

export const apiSettings = {
  "api.enabled": setting(bool, true, "answer reads of the GitHub API from the cache", { tighten: false }),
  "api.hosts": setting(
    list(text("a host name")),
    ["api.github.com"],
    "hosts whose reads are cached; GHES as host/api/v3",
    {
      tighten: "fixed",
    },
  ),
  "api.pass-hosts": setting(
    list(text("a host name or *.domain")),
    ["github.com", "uploads.github.com", "codeload.github.com", "*.githubusercontent.com", "*.blob.core.windows.net"],
    "hosts that clients of the socket (gh) may reach beside the API",
    { tighten: "fewer" },
  ),
  "api.proxy-door": setting(
    bool,
    false,
    "also open the CONNECT proxy, for programs that know only https://api.github.com",
    { tighten: false },
  ),
  "api.upstreams": setting(
    map(
      text(
        "an https origin, or http on loopback",
        /^(?:https:\/\/[^/]+|http:\/\/(?:127\.[\d.]+|localhost|\[::1\])(?::\d+)?)$/,
      ),
    ),
    {},
    'where a host is reached, e.g. `{ghe.example.org: "https://10.0.0.5:8443"}`; tokens go there',
    { tighten: "fixed" },
  ),
  "api.persistence": setting(bool, true, "keep responses on disk, not only in memory"),
  "api.max-entries": setting(integer(1, 10_000_000), 5000, "responses kept on disk", { env: ["GITHUB_CACHE_SIZE"] }),
  "api.max-bytes": setting(size, "1GiB", "bytes of responses kept on disk"),
  "api.memory": setting(size, "32MiB", "bytes of responses kept in memory; a hit from disk costs 0.05 ms more"),
  "api.max-body": setting(size, "8MiB", "a larger response is not stored"),
  "api.candidates": setting(integer(1, 64), 4, "bodies kept per request"),
  "api.freshness": setting(oneOf("lease", "strict"), "lease", "`strict`: ask GitHub every time (a 304 is free)", {
    tighten: ["lease", "strict"],
  }),
  "api.lease.status": ttl(2, "lease of runs, jobs, checks, deployments"),
  "api.lease.default": ttl(5, "lease of what has no class of its own"),
  "api.lease.metadata": ttl(60, "lease of releases, languages, topics, workflow files"),
  "api.lease.immutable": ttl(3600, "lease of git objects by full id"),
  "api.default-ttl": setting(duration(), 300, "ceiling of a lease for operations without one of their own", {
    tighten: "lower",
    env: ["CACHE_DEFAULT_TTL"],
  }),
  ...(Object.fromEntries(
    Object.entries(OPERATION_TTLS).map(([name, seconds]) => [
      `api.operation-ttls.${name}`,
      ttl(seconds, `ceiling of a lease for ${name.replaceAll("_", " ")}`),
    ]),
  ) as { readonly [K in keyof typeof OPERATION_TTLS as `api.operation-ttls.${K}`]: ReturnType<typeof ttl> }),
  "api.stale-if-error": setting(duration(), "10m", "how long a certified answer may stand in when GitHub fails", {
    tighten: "lower",
  }),
  "api.settle": setting(duration(), "10s", "no lease for so long after a write: GitHub's replicas lag", {
    tighten: "higher",
  }),
  "api.follow": setting(duration(), "1500ms", "how long to wait for an equal request in flight"),
  "api.peer-deadline": setting(duration(), "50ms", "how long to wait for a peer's bytes"),
  "api.cacheable-posts": setting(
    list(object({ host: text("a host name"), path: text("a path"), ttl: duration() })),
    [],
    "POST requests that only read",
    { tighten: "fewer" },
  ),
  "api.graphql.ttl": setting(duration(), "0s", "lease of a GraphQL query for the same token", { tighten: "lower" }),
  "api.webhook.secret": setting(nullable(text("text")), null, "secret of the webhook that voids leases", {
    tighten: "fixed",
    secret: true,
  }),
  "api.throttle.concurrency": setting(integer(1, 100), 80, "requests to GitHub at once (GitHub allows 100)"),
  "api.throttle.points": setting(
    integer(1, 10_000),
    800,
    "points a minute (GitHub allows 900; a read is 1, a write 5)",
  ),
  "api.throttle.writes": setting(integer(1, 1000), 10, "writes in a burst; then one a second"),
  "api.throttle.max-wait": setting(duration(), "30s", "longest wait; beyond it GitHub's own refusal is passed on"),
  "api.quota.warn": setting(integer(0, 1_000_000), 100, "warn when fewer requests are left"),
  "api.quota.reserve": setting(
    integer(0, 1_000_000),
    50,
    "requests kept for people, of a token that people used within the hour",
  ),
} as const;
