// setup-codeql-cache on throw-away runners: what one recorded serves another, by way of the Actions cache and artifacts, under the
// rules of who may serve whom. Services and REST API are doubles on loopback; the action runs in this process.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startedDouble } from "../src/testing/actions/double-parts.ts";
import { type ActionsDouble, REST_TOKEN } from "../src/testing/actions/double.ts";
import type { Log } from "sarif";
import { type Job, type JobOptions, RECORDED, ScanRunner } from "../src/testing/scan-runner.ts";

const EMPTY = JSON.stringify({
  ...(JSON.parse(RECORDED) as Log),
  runs: (JSON.parse(RECORDED) as Log).runs.map((run) => ({ ...run, results: [] })),
});

interface On {
  readonly branch?: string;
  /** Of a pull request from `branch`. */
  readonly pull?: number;
  readonly fork?: boolean;
}

class Fleet {
  readonly runner = new ScanRunner();
  readonly double: ActionsDouble;

  constructor(double: ActionsDouble) {
    this.double = double;
  }

  static async of(): Promise<Fleet> {
    return new Fleet(await startedDouble());
  }

  /** One job on a machine of its own, which is thrown away afterwards; its run then counts as succeeded. */
  async job({ branch = "main", pull, fork = false }: On = {}, options: JobOptions = {}): Promise<Job> {
    const { double, runner } = this;
    rmSync(join(runner.base, "store"), { recursive: true, force: true });
    const headSha = runner.git("rev-parse", "HEAD");
    const headTree = runner.git("rev-parse", "HEAD^{tree}");
    const parents = runner
      .git("log", "-1", "--format=%P")
      .split(" ")
      .filter((p) => p !== "");
    double.repository.commits.set(headSha, parents);
    if (branch === "main" && pull === undefined) double.repository.branches.set("main", headSha);
    const event = pull === undefined ? "push" : "pull_request";
    const headRepositoryId = fork ? 999 : double.repository.id;
    const run = double.run({
      headSha,
      headBranch: branch,
      headTree,
      headRepositoryId,
      event,
      path: ".github/workflows/codeql.yml",
    });
    const ref = pull === undefined ? `refs/heads/${branch}` : `refs/pull/${pull}/merge`;
    const head = { sha: headSha, ref: branch, repo: { id: headRepositoryId } };
    const job = await runner.jobHere({
      event,
      ref,
      payload: {
        repository: { id: double.repository.id, default_branch: "main" },
        ...(pull !== undefined && {
          pull_request: { number: pull, head, base: { ref: "main", repo: { id: double.repository.id } } },
        }),
      },
      ...options,
      inputs: { "github-token": REST_TOKEN, "check-run": String(run.jobs[1]?.[0]?.id), ...options.inputs },
      env: {
        ...double.env(run, [...new Set([ref, "refs/heads/main"])]),
        GITHUB_REPOSITORY: double.repository.fullName,
        GITHUB_REPOSITORY_ID: String(double.repository.id),
        GITHUB_RUN_ID: String(run.id),
        GITHUB_API_URL: double.apiUrl,
        RUNNER_ENVIRONMENT: "github-hosted",
        CODEQL_ACTION_FILE_COVERAGE_ON_PRS: "true",
        ...options.env,
      },
    });
    Object.assign(run, { status: "completed", conclusion: "success" });
    return job;
  }

  edit(path: string, text: string): void {
    this.runner.write(path, text);
    this.runner.commit();
  }
}

test("a scan on main serves the next runner, its branches and pull requests", async () => {
  const fleet = await Fleet.of();
  const first = await fleet.job();
  expect(first).toMatchObject({ scanned: true });
  expect(first.postLog).toContain("post: published to actions-cache");
  expect(first.postLog).toContain("post: published to artifacts");
  fleet.edit("README.md", "# other\n");
  const second = await fleet.job();
  expect(second, second.log).toMatchObject({ scanned: false, outputs: { reason: "hit" } });
  expect(second.log).toMatch(/vouched for: run \d+ attempt 1, push to main at [0-9a-f]{8} \[protected\]/);
  expect(second.sarif?.runs[0]?.results).toHaveLength(1);
  expect(await fleet.job({ branch: "topic" })).toMatchObject({ scanned: false });
  expect(await fleet.job({ branch: "topic", pull: 7 })).toMatchObject({ scanned: false });
});

test("a relevant change scans, whoever has recorded what; the miss names the file", async () => {
  const fleet = await Fleet.of();
  await fleet.job();
  fleet.edit("yarn/src/app.ts", "// other\n".repeat(300));
  const job = await fleet.job();
  expect(job).toMatchObject({ scanned: true, outputs: { reason: "changed" } });
  expect(job.log).toContain("changed source yarn/src/app.ts");
});

test("a fork's scan is published by nobody and serves nobody", async () => {
  const fleet = await Fleet.of();
  const fork = await fleet.job({ branch: "topic", pull: 7, fork: true });
  expect(fork.postLog).toContain("a fork's pull request never stores");
  expect(fleet.double.artifacts.rows).toEqual([]);
  expect(await fleet.job()).toMatchObject({ scanned: true });
});

test("a branch's scan serves the very same commit on main, and no other tree there", async () => {
  const fleet = await Fleet.of();
  await fleet.job({ branch: "topic" });
  const same = await fleet.job();
  expect(same, same.log).toMatchObject({ scanned: false });
  // The same files count, but a branch could have forged its record and reverted itself.
  const other = await Fleet.of();
  await other.job({ branch: "topic" });
  other.edit("README.md", "# other\n");
  expect(await other.job()).toMatchObject({ scanned: true });
});

test("`store: disk` asks nobody; services that are down cost a scan and a line, never the job", async () => {
  const fleet = await Fleet.of();
  await fleet.job();
  fleet.double.requests.length = 0;
  expect(await fleet.job({}, { inputs: { store: "disk" } })).toMatchObject({ scanned: true });
  expect(fleet.double.requests).toEqual([]);
  const down = await fleet.job(
    {},
    { env: { ACTIONS_RESULTS_URL: "http://127.0.0.1:9/", GITHUB_API_URL: "http://127.0.0.1:9" } },
  );
  expect(down).toMatchObject({ scanned: true, outputs: { "should-skip-scan": "false", reason: "no-record" } });
  expect(down.log).toMatch(/actions-cache|artifacts/);
});

test("a result that contradicts a record of another runner is a false skip, told and disowned there too", async () => {
  const fleet = await Fleet.of();
  await fleet.job();
  const other = (await fleet.job({}, { inputs: { audit: "1" }, sarif: EMPTY })).postLog;
  expect(other).toContain("::error title=Foregone::false skip");
  expect(await fleet.job()).toMatchObject({ scanned: true });
});
