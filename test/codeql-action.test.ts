// The committed action under Node 24, as the runner starts it.
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "sarif";
import { expect, test, type TestContext } from "vitest";
import { NO_NODE24 } from "../src/testing/node24.ts";
import { ACTION, NODE24, RECORDED, ScanRunner as Runner, WORKFLOW } from "../src/testing/scan-runner.ts";

function needsAction(context: TestContext): void {
  if (NODE24 === undefined) context.skip(NO_NODE24);
  if (!existsSync("dist/codeql-main.js")) context.skip("no dist/: npm run build");
}

test("a scan is recorded, and the next commit without a relevant change is spared one", async (context) => {
  needsAction(context);
  const runner = new Runner();
  const first = runner.job();
  expect(first).toMatchObject({
    scanned: true,
    outputs: { "should-skip-scan": "false", "cached-result": "", "cache-status": "success", reason: "no-record" },
  });
  expect(first.postLog).toContain("recorded as");
  runner.write("README.md", "# other\n");
  const head = runner.commit();
  const second = runner.job();
  expect(second).toMatchObject({
    scanned: false,
    outputs: { "should-skip-scan": "true", "cache-status": "success", reason: "hit" },
  });
  expect(Number(second.outputs["saved-seconds"])).toBeGreaterThan(280);
  expect(second.sarif?.runs[0]).toMatchObject({
    automationDetails: { id: "/language:javascript/" },
    results: [{ ruleId: "js/code-injection" }],
    properties: { "foregone/replay": { run: "9001", commit: runner.git("rev-parse", "HEAD^") } },
  });
  expect(second.summary).toContain("codeql javascript skipped");
  expect(second.summary).toContain("1 critical");
  expect(head).toBe(runner.git("rev-parse", "HEAD"));
  expect(await runner.stats()).toMatchObject({ stored: 1, hits: 1, skipped: 1 });
});

test("every documented output is written, and no other", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  const { outputs } = runner.job();
  expect(Object.keys(outputs).sort()).toEqual(Object.keys(ACTION.outputs).sort());
});

test("a relevant change scans, names the file, and is recorded under its own key", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  runner.write("yarn/src/app.ts", "// other\n".repeat(300));
  runner.commit();
  const job = runner.job();
  expect(job).toMatchObject({ scanned: true, outputs: { reason: "changed" } });
  expect(job.log).toContain("changed source yarn/src/app.ts");
  const explained = JSON.parse(readFileSync(job.outputs["explain"] ?? "", "utf8")) as { files: { path: string }[] };
  expect(explained.files.map((f) => f.path)).toEqual(["yarn/src/app.ts"]);
  runner.git("revert", "--no-edit", "HEAD");
  expect(runner.job().scanned).toBe(false);
});

test("caching off, a strange commit, a bad TTL, a contradiction: the scan runs, the step is green", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  expect(runner.job({ inputs: { "enable-caching": "false" } }).outputs).toMatchObject({
    "cache-status": "disabled",
    "should-skip-scan": "false",
  });
  expect(runner.job({ inputs: { "commit-sha": "0".repeat(40) } }).outputs).toMatchObject({
    "cache-status": "error",
    "should-skip-scan": "false",
  });
  expect(runner.job({ inputs: { "cache-ttl": "1 day" } }).outputs).toMatchObject({
    "cache-status": "error",
    "should-skip-scan": "false",
  });
  const contradiction = runner.job({ inputs: { languages: "python" } });
  expect(contradiction.outputs).toMatchObject({ "cache-status": "error", "should-skip-scan": "false" });
  expect(contradiction.log).toContain(
    '::warning title=Foregone::input languages is "python", the init step has "javascript"',
  );
  expect(runner.job({ inputs: { "cache-ttl": "0" } }).outputs).toMatchObject({
    reason: "audit",
    "should-skip-scan": "false",
  });
});

test("a store that cannot be used is a scan in a green job", (context) => {
  needsAction(context);
  const runner = new Runner();
  writeFileSync(join(runner.base, "file"), "");
  const job = runner.job({ env: { FOREGONE_CACHE_DIR: join(runner.base, "file/store") } });
  expect(job.outputs).toMatchObject({ "cache-status": "error", "should-skip-scan": "false" });
  expect(job.log).toContain("::notice title=Foregone::");
  // Every file of the store damaged: no record, no failure.
  runner.job();
  const store = join(runner.base, "store");
  for (const path of readdirSync(store, { recursive: true, encoding: "utf8" }))
    if (/records|blobs/.test(path))
      try {
        appendFileSync(join(store, path), "");
        writeFileSync(join(store, path), "damaged");
      } catch {
        // A folder.
      }
  expect(runner.job().outputs).toMatchObject({ "should-skip-scan": "false" });
});

test("a failed job, a partial scan, a changed input, a wrong version: nothing is recorded, and the log says why", (context) => {
  needsAction(context);
  const runner = new Runner();
  const partial = RECORDED.replace(
    '"semmle.formatSpecifier"',
    '"incrementalMode":["diff-informed"],"semmle.formatSpecifier"',
  );
  expect(partial).not.toBe(RECORDED);
  expect(runner.job({ status: "failure" }).postLog).toContain("the job is failure");
  const refused = runner.job({ sarif: partial });
  expect(refused.postLog).toContain("partial-run");
  expect(refused.postLog).toContain("CODEQL_ACTION_DIFF_INFORMED_QUERIES=false");
  expect(runner.job({ sarif: RECORDED.slice(0, 5000) }).postLog).toContain("not-json");
  expect(runner.job({ sarif: '{"version":"2.1.0","runs":[]}' }).postLog).toContain("no-runs");
  expect(runner.job({ sarif: RECORDED.replaceAll("2.19.0", "2.19.1") }).postLog).toContain("tool-mismatch");
  const built = runner.job({ build: () => runner.write("yarn/src/app.ts", "changed\n".repeat(300)) });
  expect(built.postLog).toContain("input-modified");
  runner.git("checkout", "-q", ".");
  expect(runner.job().scanned).toBe(true);
  expect(runner.job().scanned).toBe(false);
});

test("a hit in a job that then fails is suspect: the next one scans", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  expect(runner.job({ status: "failure" }).scanned).toBe(false);
  expect(runner.job().scanned).toBe(true);
});

test("a forgotten `if` saves nothing, is told, and its scan is compared", async (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  const job = runner.job({ forgottenIf: true });
  expect(job.postLog).toContain("::warning title=Foregone::the scan ran although should-skip-scan was true");
  expect(job.postLog).toContain("audit: same result");
  expect(await runner.stats()).toMatchObject({ skipped: 0, savedMs: 0 });
});

test("an audit that finds something else is a false skip: an error annotation, and older records are disowned", async (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  const log = JSON.parse(RECORDED) as Log;
  log.runs[0]!.results = [];
  const job = runner.job({ inputs: { audit: "1" }, sarif: JSON.stringify(log) });
  expect(job).toMatchObject({ scanned: true, outputs: { reason: "audit" } });
  expect(job.postLog).toContain("::error title=Foregone::false skip");
  expect(await runner.stats()).toMatchObject({ falseSkips: 1 });
  const next = runner.job();
  expect(next.sarif?.runs[0]?.results ?? []).toEqual([]);
});

const pull = (fork: boolean) => ({
  event: "pull_request",
  ref: "refs/pull/7/merge",
  payload: {
    repository: { default_branch: "main" },
    pull_request: { head: { ref: "topic", repo: { id: fork ? 2 : 1 } }, base: { repo: { id: 1 } } },
  },
});

test("events: pull requests are served, forks never store, merge queues are not uploaded, foreign events do neither", (context) => {
  needsAction(context);
  const runner = new Runner();
  expect(runner.job(pull(true)).postLog).toContain("a fork's pull request never stores");
  expect(runner.job(pull(false)).postLog).toContain("recorded as");
  expect(runner.job(pull(true)).outputs["should-skip-scan"]).toBe("true");
  const group = { event: "merge_group", ref: "refs/heads/gh-readonly-queue/main/pr-7-abc" };
  // Pull request scans leave file coverage out by default: they serve pull requests only.
  expect(runner.job({ ...group, status: "failure" }).log).toContain("without file coverage");
  runner.job({ ...pull(false), inputs: { "cache-ttl": "0" }, env: { CODEQL_ACTION_FILE_COVERAGE_ON_PRS: "true" } });
  const queue = runner.job({ ...group, env: { CODEQL_ACTION_FILE_COVERAGE_ON_PRS: "true" } });
  expect(queue.outputs).toMatchObject({ "should-skip-scan": "true", "cached-result": "" });
  for (const event of ["schedule", "workflow_dispatch"])
    expect(runner.job({ event }).outputs).toMatchObject({ reason: "audit" });
  const foreign = runner.job({ event: "pull_request_target" });
  expect(foreign.outputs).toMatchObject({ reason: "gap", "should-skip-scan": "false" });
  expect(foreign.postLog).toContain("runs on code of others");
}, 120_000);

test("what cannot be answered is listed at once, with what to change", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.write(
    ".github/workflows/codeql.yml",
    WORKFLOW.replace(", tools: linked", "").replace('${{ matrix.language }}", build', '${{ inputs.language }}", build'),
  );
  runner.commit();
  const job = runner.job();
  expect(job.outputs).toMatchObject({ reason: "unanswered", "should-skip-scan": "false", "cache-status": "success" });
  expect(job.log).toContain("languages of the init step is an expression");
  expect(runner.job({ inputs: { languages: "javascript" } }).log).toContain("hint: pin it: `tools: linked`");
});

test("hostile names in the checkout neither run a command of the runner nor break the summary", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  runner.write("::error::boo\n##[command].js", "1");
  runner.write("<img src=x>|`.ts", "1");
  runner.commit();
  const job = runner.job();
  expect(job.log.split("\n").filter((line) => /^::|^##\[/.test(line))).toEqual([]);
  expect(job.summary).not.toMatch(/<img/);
});
