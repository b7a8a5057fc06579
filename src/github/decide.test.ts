// The pure rules: paths, leases, epochs, the watch over the tag rule, keys.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import { kindOf } from "./bypass.ts";
import { Epochs } from "./epochs.ts";
import { DEFAULT_LEASES, acceptedAgeMs, ageMs, goDurationMs, leaseMs } from "./lease.ts";
import { Ledger, quotaFields } from "./ledger.ts";
import { unflat } from "./message.ts";
import { actionOf, hasUnknownHeader, mediaClass, searchText, weakOf } from "./request-key.ts";
import { routeOf } from "./route.ts";
import { UNPROVEN, judge } from "./self-check.ts";

test.each([
  ["/repos/o/r", "default", "get_repo_info"],
  ["/repos/o/r/actions/workflows", "default", "list_workflows"],
  ["/repos/o/r/actions/workflows/7", "metadata", undefined],
  ["/repos/o/r/actions/workflows/7/runs?per_page=1", "status", "get_workflow_runs"],
  ["/repos/o/r/actions/runs", "status", "get_workflow_runs"],
  ["/repos/o/r/actions/runs/1", "status", "get_workflow_run"],
  ["/repos/o/r/actions/runs/1/jobs", "status", "get_workflow_runs"],
  ["/repos/o/r/actions/runners/3", "status", "get_runner_status"],
  ["/orgs/o/actions/runners?page=2", "status", "list_runners"],
  ["/repos/o/r/commits/feature/x/check-runs", "status", undefined],
  ["/repos/o/r/commits/abc/check-runs", "status", "get_workflow_runs"],
  ["/repos/o/r/releases/latest", "metadata", undefined],
  [`/repos/o/r/git/blobs/${"a".repeat(40)}`, "immutable", undefined],
  ["/repos/o/r/git/trees/main", "default", undefined],
  [`/repos/o/r/commits/${"a".repeat(40)}`, "default", undefined],
  ["/repos/o/r/collaborators/x/permission", "never", undefined],
  ["/repos/o/r/branches/main/protection", "never", undefined],
  ["/repos/o/r/actions/secrets", "never", undefined],
  ["/user", "never", undefined],
  ["/user/repos", "default", "list_repos"],
  ["/user/orgs", "never", undefined],
  ["/users/o/repos", "default", "list_repos"],
  ["/repos/o/r/contents/a%2Fb", "never", undefined],
  ["/repos/o/../x", "never", undefined],
  ["/repos/o//x", "never", undefined],
])("%s: lease class %s, operation %s", (path, lease, operation) => {
  expect(routeOf(path)).toMatchObject({ lease, ...(operation !== undefined && { operation }) });
  expect(routeOf(path).operation).toBe(operation);
});

test.each([
  ["/repos/O/R/x", { owner: "o", repo: "r" }],
  ["/orgs/O/x", { owner: "o" }],
  ["/users/U", { owner: "u" }],
  ["/repositories/1", {}],
  ["/search/issues?q=a", {}],
  ["/graphql", {}],
])("a write to %s concerns %j", (path, scope) => {
  expect(routeOf(path).scope).toEqual(scope);
});

const ask = (method: string, path: string, headers: Record<string, string> = {}): string => {
  const kind = kindOf({ method, host: "api.github.com", path, headers }, path, routeOf(path));
  return kind.kind === "bypass" ? `bypass ${kind.why}` : kind.kind;
};

test.each([
  ["GET", "/repos/o/r", {}, "read"],
  ["HEAD", "/repos/o/r", {}, "read"],
  ["POST", "/graphql", {}, "graphql"],
  ["DELETE", "/repos/o/r", {}, "write"],
  ["GET", "/repos/o/r", { "x-http-method-override": "DELETE" }, "write"],
  ["GET", "/repos/o/r", { range: "bytes=0-1" }, "bypass range"],
  ["GET", "/repos/o/r", { cookie: "a=b" }, "bypass cookie"],
  ["GET", "/repos/o/r", { "if-modified-since": "x" }, "bypass if-modified-since"],
  ["GET", "/repos/o/r", { "content-length": "3" }, "bypass body"],
  ["GET", "/repos/o/r", { authorization: "Bearer eyJh.eyJi.sig" }, "bypass app-jwt"],
  ["GET", "/repos/o/r", { accept: "text/event-stream" }, "bypass stream"],
  ["GET", "/app/installations", {}, "bypass app"],
  ["GET", "/repos/o/r/zipball/main", {}, "bypass archive"],
  ["GET", "/repos/o/r/actions/jobs/1/logs", {}, "bypass logs"],
  ["GET", "/x?X-Amz-Signature=1", {}, "bypass credential-in-query"],
  ["GET", "/repos/o/r/actions/caches?key=x", {}, "read"],
  ["OPTIONS", "/repos/o/r", {}, "bypass method"],
])("%s %s %j is a %s", (method, path, headers, kind) => {
  expect(ask(method, path, headers as Record<string, string>)).toBe(kind);
});

test("operation TTLs bound a lease from above; what GitHub or the client asks for raises it no further", () => {
  const run = routeOf("/repos/o/r/actions/runs/1");
  const of = (headers: Record<string, string>, poll?: number, options = DEFAULT_LEASES): number =>
    leaseMs(run, options, headers, poll);
  expect(of({})).toBe(2000);
  expect(of({}, 30)).toBe(30_000);
  expect(of({}, 600)).toBe(60_000);
  expect(of({ "x-gh-cache-ttl": "1h0m0s" })).toBe(60_000);
  const operationTtls = { ...DEFAULT_LEASES.operationTtls, get_workflow_run: 1 };
  expect(of({}, undefined, { ...DEFAULT_LEASES, operationTtls })).toBe(1000);
  expect(of({}, 30, { ...DEFAULT_LEASES, freshness: "strict" })).toBe(0);
  expect(leaseMs(routeOf("/repos/o/r/labels"), { ...DEFAULT_LEASES, defaultTtl: 3 }, {}, undefined)).toBe(3000);
});

test("a request's own word on age", () => {
  expect(acceptedAgeMs({})).toBe(Number.POSITIVE_INFINITY);
  expect(acceptedAgeMs({ "cache-control": "max-age=10" })).toBe(10_000);
  expect(acceptedAgeMs({ "cache-control": "no-cache" })).toBe(0);
  expect(acceptedAgeMs({ pragma: "no-cache" })).toBe(0);
  expect(goDurationMs("1m0s")).toBe(60_000);
  expect(goDurationMs("1.5h")).toBe(5_400_000);
  expect(goDurationMs("soon")).toBeUndefined();
});

test("age goes by the clock that says more", () => {
  const then = { wallMs: 1000, monotonicMs: 50 };
  expect(ageMs(then, { wallMs: 0, monotonicMs: 60 })).toBe(10);
  expect(ageMs(then, { wallMs: 9000, monotonicMs: 60 })).toBe(8000);
});

test("a write ends the epoch of its repository, of lists, and of nothing else; an organisation's ends those of its repositories", () => {
  const epochs = new Epochs();
  const scopes = [{ owner: "o", repo: "r" }, { owner: "o", repo: "s" }, { owner: "o" }, { owner: "p", repo: "r" }, {}];
  const now = (): number[] => scopes.map((scope) => epochs.epochOf("h", scope));
  const changed = (scope: object): boolean[] => {
    const before = now();
    epochs.bump("h", scope, 0);
    return now().map((epoch, i) => epoch !== before[i]);
  };
  expect(changed({ owner: "o", repo: "r" })).toEqual([true, false, true, false, true]);
  expect(changed({ owner: "o" })).toEqual([true, true, true, false, true]);
  expect(changed({})).toEqual([true, true, true, true, true]);
  expect(epochs.epochOf("other", {})).toBe(0);
});

test("forgetting old scopes ends their epochs, it never brings one back", () => {
  const epochs = new Epochs();
  epochs.bump("h", { owner: "o", repo: "r" }, 1);
  const before = epochs.epochOf("h", { owner: "o", repo: "r" });
  for (let i = 0; i < 6000; i++) epochs.bump("h", { owner: "o", repo: `x${i}` }, 2);
  expect(epochs.epochOf("h", { owner: "o", repo: "r" })).toBeGreaterThanOrEqual(before);
  expect(epochs.epochOf("h", { owner: "never", repo: "seen" })).toBeGreaterThan(0);
});

test("the rule: proven by three distinct bodies, refuted by three mismatches in a row, proven again by twenty matches", () => {
  let state = UNPROVEN;
  for (const body of ["a", "a", "b", "a"]) state = judge(state, true, body);
  expect(state.verdict).toBe("unproven");
  state = judge(state, true, "c");
  expect(state.verdict).toBe("proven");
  for (const matched of [false, false, true, false, false]) state = judge(state, matched, "d");
  expect(state.verdict).toBe("proven");
  state = judge(state, false, "d");
  expect(state.verdict).toBe("refuted");
  for (let i = 0; i < 19; i++) state = judge(state, true, String(i));
  expect(state.verdict).toBe("refuted");
  expect(judge(state, true, "x").verdict).toBe("proven");
});

test("keys: spellings of one media type share; everything else separates", () => {
  const key = (path: string, headers: Record<string, string> = {}): string => {
    const request = { method: "GET", host: "api.github.com", path, headers };
    const accept = headers["accept"] ?? "application/vnd.github+json";
    const text = searchText(request, accept);
    // in memory and on disk the same distinctions
    return `${text}\n${weakOf(nodeHasher, actionOf(request, accept, "d"))}`;
  };
  expect(key("/x?")).toBe(key("/x"));
  expect(key("/x", { accept: "*/*" })).toBe(key("/x", { accept: "application/json" }));
  const different = [
    key("/x"),
    key("/X"),
    key("/x?a=1&b=2"),
    key("/x?b=2&a=1"),
    key("/x", { accept: "application/vnd.github.raw" }),
    key("/x", { "x-github-api-version": "2022-11-28" }),
  ];
  expect(new Set(different).size).toBe(different.length);
  expect(mediaClass("application/vnd.github.v3+json")).toBe("json");
});

test("no two requests share a search text unless their keys on disk are equal too", () => {
  const part = fc.constantFrom("a", " ", "%20", "/", "-", "json", "");
  const request = fc.record({
    path: fc.array(part).map((p) => `/${p.join("").replaceAll(" ", "")}`),
    accept: fc.array(part).map((p) => p.join("")),
    version: fc.array(part).map((p) => p.join("")),
  });
  fc.assert(
    fc.property(request, request, (a, b) => {
      const of = ({ path, accept, version }: typeof a): [string, string] => {
        const r = { method: "GET", host: "h", path, headers: { "x-github-api-version": version } };
        return [searchText(r, accept), weakOf(nodeHasher, actionOf(r, accept, "d"))];
      };
      const [[textA, weakA], [textB, weakB]] = [of(a), of(b)];
      return (textA === textB) === (weakA === weakB);
    }),
    { numRuns: 2000 },
  );
});

test("an unknown header is noticed; those that change nothing are not", () => {
  expect(hasUnknownHeader({ host: "h", "user-agent": "x", accept: "a", traceparent: "t" })).toBe(false);
  expect(hasUnknownHeader({ "x-new": "1" })).toBe(true);
});

test("the ledger keeps the newest window and its highest use, whatever order answers come in", () => {
  const ledger = new Ledger();
  const said = (used: number, reset: number): void =>
    void ledger.note(1, {
      "x-ratelimit-limit": "100",
      "x-ratelimit-remaining": String(100 - used),
      "x-ratelimit-used": String(used),
      "x-ratelimit-reset": String(reset),
      "x-ratelimit-resource": "core",
    });
  said(5, 1000);
  said(3, 1000);
  expect(ledger.quota(1, "core")).toMatchObject({ used: 5 });
  said(1, 4600);
  said(9, 1000);
  expect(ledger.quota(1, "core")).toMatchObject({ used: 1, resetS: 4600 });
  const quota = ledger.quota(1, "core");
  expect(quota && unflat(quotaFields(quota, 5000))).toMatchObject({
    "x-ratelimit-remaining": "100",
    "x-ratelimit-used": "0",
  });
  expect(ledger.quota(2, "core")).toBeUndefined();
});
