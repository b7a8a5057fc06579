// What is counted, by whom, and that nothing is counted twice: all parts on one machine, without an agent.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Metrics, sumOf, sumsBy } from "../src/report/metrics.ts";
import { runCli } from "../src/testing/cli.ts";
import { GitHubSemantics } from "../src/testing/github-semantics.ts";
import { serveDouble } from "../src/testing/github-server.ts";
import { GitHubTable } from "../src/testing/github-table.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

function machine(more: Readonly<Record<string, string>> = {}) {
  const root = temporaryFolder();
  mkdirSync(join(root, "run"), { mode: 0o700 });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: root,
    XDG_RUNTIME_DIR: join(root, "run"),
    FOREGONE_SKIP_AUDIT: "0",
    FOREGONE_TRACE_BACKEND: "none",
    ...more,
  };
  const foregone = (argv: readonly string[], stdin = "") => runCli(argv, { cwd: root, env, stdin });
  const metrics = async (): Promise<Metrics> => JSON.parse((await foregone(["metrics", "--json"])).stdout) as Metrics;
  return { root, foregone, metrics };
}

test("a run counts with its reason and the cost of observing", async () => {
  const { foregone, metrics } = machine();
  expect((await foregone(["run", "--", "true"])).code).toBe(0);
  const counted = await metrics();
  expect(sumsBy(counted, "foregone_decisions_total", "kind")).toEqual({ run: 1 });
  expect(sumsBy(counted, "foregone_misses_total", "reason")).toEqual({ "no-record": 1 });
  expect(sumOf(counted, "foregone_trace_seconds_total")).toBeGreaterThan(0);
  expect(sumOf(counted, "foregone_saved_seconds_total")).toBe(0);
});

test("accesses to credentials count where they are decided: granted, denied", async () => {
  const { foregone, metrics } = machine();
  await foregone(["secrets", "init", "--key-provider", "file"]);
  await foregone(["secrets", "set", "T", "--scope", "global"], "hunter2hunter2");
  expect((await foregone(["secrets", "get", "T"])).stdout).toBe("hunter2hunter2");
  expect((await foregone(["secrets", "exec", "--only", "T", "--", "true"])).code).toBe(0);
  expect((await foregone(["secrets", "get", "NONE"])).code).toBe(1);
  expect(sumsBy(await metrics(), "foregone_credential_accesses_total", "decision")).toEqual({ granted: 2, denied: 1 });
  const { stdout } = await foregone(["metrics"]);
  expect(stdout).toMatch(/access events +3\n {2}access denied +1\n/);
  // Nobody has looked at the store: what was not measured is not shown.
  expect(stdout).not.toMatch(/active/);
});

test("API reads count without an agent, each once, and a certified one is no paid one", async () => {
  const table = new GitHubTable().set("/repos/octo/hello", { id: 1, name: "hello" });
  const double = await serveDouble(new GitHubSemantics(table.origin));
  onTestFinished(() => double.close());
  const { foregone, metrics } = machine({
    GH_TOKEN: "t",
    FOREGONE_API_UPSTREAMS: JSON.stringify({ "api.github.com": double.origin }),
  });
  const curl = "curl -sf -H 'authorization: token t' $GITHUB_API_URL/repos/octo/hello";
  const twice = ["api", "exec", "--via", "base-url", "--", "sh", "-c", `${curl} && ${curl}`];
  expect((await foregone(twice)).code).toBe(0);
  expect((await foregone(["api", "get", "/repos/octo/hello"])).code).toBe(0);
  const counted = await metrics();
  expect(sumOf(counted, "foregone_api_requests_total")).toBe(3);
  expect(sumOf(counted, "foregone_api_requests_total", { outcome: "paid" })).toBe(2);
});

test("metrics.enabled: false counts nothing, and decisions are still explained", async () => {
  const { foregone, metrics } = machine({ FOREGONE_METRICS_ENABLED: "false" });
  await foregone(["run", "--", "true"]);
  expect(await metrics()).toEqual({});
  expect((await foregone(["explain", "--last"])).stdout).toContain("no-record");
});
