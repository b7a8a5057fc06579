import { expect, test } from "vitest";
import { CodeScanningDouble, type Fault } from "../testing/code-scanning-double.ts";
import { codeqlLog } from "../testing/scan-lab.ts";
import { uploadSarif, type Uploaded, type UploadParts } from "./upload.ts";

function logWith(category: string): Uint8Array {
  return codeqlLog([["a.js", 1]], { automationDetails: { id: `${category}/` } });
}

async function setup(): Promise<{
  double: CodeScanningDouble;
  waits: number[];
  upload: (more?: Partial<UploadParts>) => Promise<Uploaded>;
}> {
  const double = await new CodeScanningDouble().start();
  const waits: number[] = [];
  const upload = (more: Partial<UploadParts> = {}): Promise<Uploaded> =>
    uploadSarif(
      {
        apiUrl: double.url,
        repository: "acme/demo",
        token: "good",
        commit: "c".repeat(40),
        ref: "refs/heads/main",
        json: logWith("/language:x"),
        results: 1,
        checkoutUri: "file:///w/",
        tool: "CodeQL",
        category: "/language:x",
        startedAt: "2026-01-01T00:00:00Z",
        ...more,
      },
      { fetch, wait: async (ms) => void waits.push(ms), timeoutMs: 500 },
    );
  return { double, waits, upload };
}

test("uploadSarif() sends the log and waits until code scanning has taken all of it", async () => {
  const { double, waits, upload } = await setup();
  double.states = [
    { processing_status: "pending" },
    { processing_status: "pending" },
    { processing_status: "complete" },
  ];
  expect(await upload()).toEqual({ kind: "complete", id: "sarif-1" });
  expect(waits).toEqual([5000, 10_000, 20_000]);
  expect(double.uploads).toMatchObject([
    { ref: "refs/heads/main", commit_sha: "c".repeat(40), checkout_uri: "file:///w/" },
  ]);
  expect(double.uploads[0]?.log.runs[0]?.results).toHaveLength(1);
});

test("uploadSarif() gives up waiting after 155 s, and says that it is only pending", async () => {
  const { double, waits, upload } = await setup();
  double.states = [{ processing_status: "pending" }];
  expect(await upload()).toEqual({ kind: "pending", id: "sarif-1" });
  expect(waits.reduce((a, b) => a + b)).toBe(155_000);
});

const answer = (status: number, message: string, headers: Record<string, string> = {}): Fault => ({
  on: "POST sarifs",
  answer: { status, body: { message }, headers },
});

test.each([
  [400, "Invalid request", "invalid"],
  [413, "The sarif field is too large", "invalid"],
  [422, "Invalid SARIF", "invalid"],
  [422, "ref 'refs/heads/x' not found in this repository", "configuration"],
  [403, "Resource not accessible by integration", "configuration"],
  [404, "Not Found", "configuration"],
  [401, "Bad credentials", "configuration"],
])("an upload answered %i %s is %s, and not tried again", async (status, message, kind) => {
  const { double, upload } = await setup();
  double.faults = [answer(status, message)];
  expect(await upload()).toEqual({ kind, status, message });
  expect(double.requests.filter((r) => r === "POST sarifs")).toHaveLength(1);
});

test.each([
  ["rejecting SARIF, as there are more runs than allowed", "invalid"],
  ["an invalid URI was provided as a SARIF location", "invalid"],
  ["could not convert rules: invalid security severity value, is not a number", "invalid"],
  ['SARIF URI scheme "file" did not match the checkout URI scheme "https"', "invalid"],
  ["something new", "invalid"],
  [
    "CodeQL analyses from advanced configurations cannot be processed when the default setup is enabled",
    "configuration",
  ],
  ["rejecting delivery as the repository has too many logical alerts (1)", "configuration"],
])("processing that failed with %j is %s, in GitHub's words", async (text, kind) => {
  const { double, upload } = await setup();
  double.states = [{ processing_status: "failed", errors: [text] }];
  expect(await upload()).toMatchObject({ kind, message: text });
});

test.each([
  ["500", { on: "POST sarifs", answer: { status: 500 } }],
  ["503 with Retry-After", answer(503, "busy", { "retry-after": "7" })],
  ["429", answer(429, "slow down", { "retry-after": "3600" })],
  ["403 of a rate limit", answer(403, "You have exceeded a secondary rate limit")],
  ["a broken connection", { on: "POST sarifs", answer: "reset" }],
  ["silence", { on: "POST sarifs", answer: "hang" }],
  ["half an answer", { on: "POST sarifs", answer: "cut" }],
] satisfies [string, Fault][])("%s is tried once more, and waited for 30 s at most", async (_, fault) => {
  const { double, waits, upload } = await setup();
  double.faults = [fault];
  expect(await upload()).toMatchObject({ kind: "complete" });
  expect(double.uploads).toHaveLength(1);
  expect(waits[0]).toBeLessThanOrEqual(30_000);
  double.faults = [fault, fault];
  expect(await upload({ commit: "d".repeat(40) })).toMatchObject({ kind: "unavailable" });
});

test("an upload whose answer was lost is found, not sent twice", async () => {
  const { double, upload } = await setup();
  double.faults = [{ on: "POST sarifs", answer: "accept-reset" }];
  expect(await upload()).toEqual({ kind: "complete", id: "sarif-1" });
  expect(double.uploads).toHaveLength(1);
});

test("a merge queue ref is never uploaded, nor is a log of more than 10 MB", async () => {
  const { double, upload } = await setup();
  expect(await upload({ ref: "refs/heads/gh-readonly-queue/main/pr-7-abc" })).toMatchObject({ kind: "configuration" });
  const { randomBytes } = await import("node:crypto");
  expect(await upload({ json: randomBytes(11 * 1024 * 1024) })).toMatchObject({ kind: "invalid" });
  expect(double.requests).toEqual([]);
});

test("a category that `analyze` uploads is never mixed with ours", async () => {
  const { double, upload } = await setup();
  const theirs = {
    analysis_key: ".github/workflows/codeql.yml:analyze",
    category: "/language:x",
    tool: { name: "CodeQL" },
  };
  double.analyses.push({
    ...theirs,
    id: 1,
    ref: "refs/heads/main",
    commit_sha: "b",
    results_count: 0,
    sarif_id: "s",
    created_at: "2026-01-01T00:00:00Z",
  });
  expect(await upload()).toMatchObject({
    kind: "configuration",
    message: expect.stringContaining("codeql.yml:analyze") as string,
  });
  expect(double.uploads).toEqual([]);
  expect(await upload({ category: "/language:y", json: logWith("/language:y") })).toMatchObject({ kind: "complete" });
});

test("a count that is not ours is told: alerts may have been closed", async () => {
  const { upload } = await setup();
  expect(await upload({ results: 2 })).toMatchObject({
    kind: "invalid",
    message: expect.stringContaining("counts 1") as string,
  });
});

test("a status that cannot be asked is asked again", async () => {
  const { double, upload } = await setup();
  double.faults = [
    { on: "GET sarifs/ID", answer: { status: 502 } },
    { on: "GET sarifs/ID", answer: "reset" },
  ];
  expect(await upload()).toMatchObject({ kind: "complete" });
});
