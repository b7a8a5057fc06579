// setup-codeql-cache with `upload: api`, against a code-scanning service on loopback and every fault that is documented for it.
import { expect, test } from "vitest";
import type { UploadEffects } from "../src/codeql/upload.ts";
import { CodeScanningDouble, type Fault } from "../src/testing/code-scanning-double.ts";
import { type Job, type JobOptions, RECORDED, ScanRunner, WORKFLOW } from "../src/testing/scan-runner.ts";

const NEVER = WORKFLOW.replace('category: "', 'upload: never, category: "');

class Lab {
  readonly runner = new ScanRunner();
  readonly waits: number[] = [];
  readonly double = new CodeScanningDouble();

  /** With a scan that is recorded and in code scanning. */
  static async scanned(workflow = NEVER): Promise<Lab> {
    const lab = new Lab();
    await lab.double.start();
    lab.runner.write(".github/workflows/codeql.yml", workflow);
    lab.runner.commit();
    const { scanned, log } = await lab.job();
    if (!scanned) throw new Error(log);
    lab.runner.write("README.md", "# other\n");
    lab.runner.commit();
    return lab;
  }

  job({ inputs, env, ...options }: JobOptions = {}): Promise<Job> {
    const network: UploadEffects = { fetch, wait: async (ms) => void this.waits.push(ms), timeoutMs: 1000 };
    const all = { upload: "api", "github-token": "good", ...inputs };
    return this.runner.jobHere({ ...options, inputs: all, env: { GITHUB_API_URL: this.double.url, ...env } }, network);
  }
}

if (NEVER === WORKFLOW) throw new TypeError("the analyze step was not found");

test("a fresh scan is uploaded in post, its replay in main: one way, one category, fingerprints in both", async () => {
  const lab = await Lab.scanned();
  const { uploads } = lab.double;
  expect(uploads).toHaveLength(1);
  lab.double.states = [{ processing_status: "pending" }, { processing_status: "complete" }];
  const job = await lab.job();
  expect(job).toMatchObject({ scanned: false, outputs: { "should-skip-scan": "true", "cached-result": "" } });
  expect(job.log).toContain("uploaded  sarif-2: processed");
  expect(uploads.map(({ commit_sha, ref }) => [commit_sha, ref])).toEqual([
    [lab.runner.git("rev-parse", "HEAD^"), "refs/heads/main"],
    [lab.runner.git("rev-parse", "HEAD"), "refs/heads/main"],
  ]);
  for (const { log } of uploads) {
    expect(log.runs[0]?.automationDetails?.id).toBe("/language:javascript/");
    expect(JSON.stringify(log.runs[0]?.results)).toContain('"primaryLocationLineHash"');
  }
  expect(JSON.stringify(uploads[1]?.log.runs)).toContain("foregone/replay");
  expect(await lab.runner.stats()).toMatchObject({ stored: 1, hits: 1, skipped: 1 });
});

const post = (status: number, message: string): Fault => ({ on: "POST sarifs", answer: { status, body: { message } } });
type Ordered = { readonly faults?: Fault[]; readonly states?: CodeScanningDouble["states"] };
const failed = (text: string): Ordered => ({ states: [{ processing_status: "failed", errors: [text] }] });
const order = (lab: Lab, { faults = [], states = [{ processing_status: "complete" }] }: Ordered): void => {
  lab.double.faults = [...faults];
  lab.double.states = [...states];
};

test.each<[string, Ordered]>([
  ["400", { faults: [post(400, "Invalid request")] }],
  ["413", { faults: [post(413, "The sarif field is too large")] }],
  ["422", { faults: [post(422, "Invalid SARIF")] }],
  ["failed: more runs than allowed", failed("rejecting SARIF, as there are more runs than allowed")],
  ["failed: an invalid URI", failed("an invalid URI was provided as a SARIF location")],
])("a replay that code scanning refuses (%s) is a scan, and its record serves no more", async (_, ordered) => {
  const lab = await Lab.scanned();
  order(lab, ordered);
  // A job that fails records nothing of its own.
  const job = await lab.job({ status: "failure" });
  expect(job).toMatchObject({ scanned: true, outputs: { "should-skip-scan": "false", reason: "upload" } });
  expect(job.log).toContain("::warning title=Foregone::refused by code scanning");
  order(lab, {});
  expect(await lab.job()).toMatchObject({ scanned: true, outputs: { reason: "no-record" } });
  expect(await lab.job()).toMatchObject({ scanned: false });
});

test.each<[string, Ordered]>([
  ["401", { faults: [post(401, "Bad credentials")] }],
  ["403", { faults: [post(403, "Resource not accessible by integration")] }],
  ["404", { faults: [post(404, "Not Found")] }],
  ["an unknown ref", { faults: [post(422, "ref 'refs/heads/x' not found in this repository")] }],
  [
    "default setup",
    failed("CodeQL analyses from advanced configurations cannot be processed when the default setup is enabled"),
  ],
  ["too many logical alerts", failed("rejecting delivery as the repository has too many logical alerts (1)")],
  ["500 twice", { faults: [post(500, "oops"), post(500, "oops")] }],
  ["429 twice", { faults: [post(429, "slow down"), post(429, "slow down")] }],
  [
    "silence twice",
    {
      faults: [
        { on: "POST sarifs", answer: "hang" },
        { on: "POST sarifs", answer: "hang" },
      ],
    },
  ],
])("where the replay is fine and code scanning is not (%s), the scan runs and the record stays", async (_, ordered) => {
  const lab = await Lab.scanned();
  order(lab, ordered);
  const job = await lab.job({ status: "failure" });
  expect(job).toMatchObject({ scanned: true, outputs: { "should-skip-scan": "false", reason: "upload" } });
  expect(job.log).toContain("::warning title=Foregone::not uploaded");
  order(lab, {});
  expect(await lab.job()).toMatchObject({ scanned: false, outputs: { reason: "hit" } });
});

test.each<[string, Ordered]>([
  ["502 once", { faults: [post(502, "bad gateway")] }],
  ["a lost answer", { faults: [{ on: "POST sarifs", answer: "accept-reset" }] }],
  ["pending for ever", { states: [{ processing_status: "pending" }] }],
])("%s does not keep a scan from being skipped", async (_, ordered) => {
  const lab = await Lab.scanned();
  order(lab, ordered);
  expect(await lab.job()).toMatchObject({ scanned: false, outputs: { "should-skip-scan": "true" } });
  expect(lab.double.uploads).toHaveLength(2);
});

test("a fresh scan that cannot be uploaded is an error: its results are nowhere else", async () => {
  const lab = await Lab.scanned();
  lab.runner.write("yarn/src/app.ts", "// other\n".repeat(300));
  lab.runner.commit();
  order(lab, { faults: [post(403, "Resource not accessible by integration")] });
  const job = await lab.job();
  expect(job.postLog).toContain("::error title=Foregone::the results of this scan are not in code scanning");
  // Also where the cache itself is off, or the scan's result may not be kept.
  const off = await lab.job({ inputs: { "enable-caching": "false" } });
  expect(off.postLog).toContain("uploaded  sarif-2: processed");
  const partial = RECORDED.replace(
    '"semmle.formatSpecifier"',
    '"incrementalMode":["diff-informed"],"semmle.formatSpecifier"',
  );
  lab.runner.write("yarn/src/app.ts", "// third\n".repeat(300));
  lab.runner.commit();
  const job3 = await lab.job({ sarif: partial });
  expect(job3.postLog).toContain("uploaded  sarif-3: processed");
  expect(job3.postLog).toContain("partial-run");
});

test("where analyze uploads, `api` would mix two ways: it says so and leaves the replay to upload-sarif", async () => {
  const lab = await Lab.scanned(WORKFLOW);
  const job = await lab.job();
  expect(job.log).toContain("::warning title=Foregone::upload: api wants `upload: never`");
  expect(job.outputs["cached-result"]).toMatch(/codeql-javascript\.sarif$/);
  expect(lab.double.requests).toEqual([]);
});

test("analyses that stand under another key are not mixed with ours", async () => {
  const lab = await Lab.scanned();
  lab.double.analyses.unshift({
    ...(lab.double.analyses[0] as CodeScanningDouble["analyses"][number]),
    analysis_key: ".github/workflows/codeql.yml:analyze",
  });
  const job = await lab.job({ status: "failure" });
  expect(job.outputs).toMatchObject({ "should-skip-scan": "false", reason: "upload" });
  expect(job.log).toContain("use upload-sarif in that job");
});

test("codeql.upload is what the input does not say; in a merge queue nothing is uploaded", async () => {
  const lab = await Lab.scanned();
  const env = { FOREGONE_CODEQL_UPLOAD: "api" };
  expect((await lab.job({ inputs: { upload: "" }, env })).outputs["cached-result"]).toBe("");
  expect(lab.double.uploads).toHaveLength(2);
  expect((await lab.job({ inputs: { upload: "step" }, env })).outputs["cached-result"]).not.toBe("");
  const queue = await lab.job({ event: "merge_group", ref: "refs/heads/gh-readonly-queue/main/pr-7-abc" });
  expect(queue.outputs).toMatchObject({ "should-skip-scan": "true", "cached-result": "" });
  expect(lab.double.uploads).toHaveLength(2);
});

test("codeql.trust is what the input does not say: on protected branches only their scans serve", async () => {
  const lab = await Lab.scanned();
  const topic = { ref: "refs/heads/topic", inputs: { upload: "step" } };
  lab.runner.write("yarn/src/app.ts", "// topic\n".repeat(300));
  lab.runner.commit();
  expect(await lab.job(topic)).toMatchObject({ scanned: true });
  // The same tree on main: a record of a branch serves it, unless only protected ones are trusted.
  const protect = { FOREGONE_CODEQL_TRUST: "protected" };
  const main = { inputs: { upload: "step" } };
  const refused = await lab.job({ ...main, env: protect, status: "failure" });
  expect(refused).toMatchObject({ scanned: true, outputs: { reason: "untrusted" } });
  expect(refused.log).toContain("only protected branches are trusted");
  const input = await lab.job({ inputs: { ...main.inputs, trust: "protected" }, status: "failure" });
  expect(input.outputs).toMatchObject({ reason: "untrusted" });
  expect(await lab.job(main)).toMatchObject({ scanned: false });
});

test("a job without a token scans: nothing could be uploaded", async () => {
  const lab = await Lab.scanned();
  const job = await lab.job({ inputs: { "github-token": "" } });
  expect(job).toMatchObject({ scanned: true, outputs: { "should-skip-scan": "false", "cache-status": "error" } });
  expect(job.log).toContain("no token to upload with");
});
