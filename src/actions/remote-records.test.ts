// Who serves whom, through the real lookup, layers and trust rules, against the double: the honest cases, then the attacks.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { startedDouble } from "../testing/actions/double-parts.ts";
import { type ActionsDouble, CONTENTS_TOKEN, sha1 } from "../testing/actions/double.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { failures, type JobOptions, RemoteJob } from "../testing/actions/remote-job.ts";

const T = sha1("tree T");
const OTHER = sha1("another tree");
const [M1, M2, H, MERGE, SQUASH] = ["m1", "m2", "head of 7", "merge of 7", "squash of 7"].map(sha1) as [
  string,
  string,
  string,
  string,
  string,
];
const FORK = 999;

/** main: m1 <- m2; pull request 7: m1 <- H, tested as MERGE, landed as SQUASH on m1. */
async function github(): Promise<ActionsDouble> {
  const double = await startedDouble();
  const { repository } = double;
  for (const [sha, ...parents] of [[M1], [M2, M1], [H, M1], [MERGE, M1, H], [SQUASH, M1]])
    if (sha !== undefined) repository.commits.set(sha, parents);
  repository.branches.set("main", M2);
  repository.pulls.set(SQUASH, [{ number: 7, headSha: H, mergeCommitSha: SQUASH }]);
  return double;
}

const onMain = (headSha: string, tree: string, more: Partial<JobOptions> = {}): JobOptions => ({
  headSha,
  tree,
  headTree: tree,
  conclusion: "success",
  ...more,
});
const inPull = (tree: string, more: Partial<JobOptions> = {}): JobOptions => ({
  headSha: H,
  headBranch: "topic",
  headTree: tree,
  tree,
  commit: MERGE,
  pull: 7,
  conclusion: "success",
  ...more,
});

describe("a record serves", () => {
  test("the next push to main, from the cache, without asking for artifacts, nor anybody who made it", async () => {
    const double = await github();
    const { job, published } = await RemoteJob.recorded(double, onMain(M1, T));
    expect(failures(published)).toEqual([]);
    double.requests.length = 0;
    const next = new RemoteJob(double, onMain(M2, T));
    const { decision } = await next.decide();
    expect(decision.kind).toBe("skip");
    if (decision.kind === "skip")
      expect(next.remote.provedBy(decision.id)).toEqual({
        text: `run ${job.context.runId} attempt 1, push to main at ${M1.slice(0, 8)} [protected]`,
        url: `https://github.com/acme/shop/actions/runs/${job.context.runId}`,
      });
    expect(double.requests.filter((endpoint) => endpoint.startsWith("rest-"))).toEqual([]);
    expect(next.remote.notes()).toEqual([]);
  });

  test("from the cache, whatever the artifacts say: they are asked where it proves nothing", async () => {
    const double = await github();
    await RemoteJob.recorded(double, onMain(M1, T, { layers: ["actions-cache"] }));
    // Newer, untrusted, and of another world.
    const forger = inPull(T, { layers: ["artifacts"], headRepositoryId: FORK });
    await new RemoteJob(double, forger).record({}, { saw: OTHER });
    const [next, other] = [T, OTHER].map((tree) => new RemoteJob(double, onMain(M2, tree)));
    expect(await next?.reason()).toBeUndefined();
    expect(await other?.reason()).not.toBeUndefined();
    expect(double.requests.filter((endpoint) => endpoint === "rest-artifacts")).toHaveLength(1);
  });

  test("main, when the pull request that landed tested this very tree", async () => {
    const double = await github();
    const { output } = await RemoteJob.recorded(double, inPull(T));
    double.requests.length = 0;
    const main = new RemoteJob(double, onMain(SQUASH, T));
    const { decision } = await main.decide();
    expect(decision).toMatchObject({ kind: "skip", record: { provenance: { tree: T } } });
    if (decision.kind !== "skip") return;
    expect(main.remote.provedBy(decision.id)?.text).toMatch(/pull_request to topic at [0-9a-f]{8} \[branch\]$/);
    const bytes = await main.remote.over(main.disk).blobs.get(decision.record.result.output);
    expect(Buffer.compare(bytes ?? Buffer.alloc(0), output)).toBe(0);
    // List, zip, run, landed.
    expect(double.requests.filter((endpoint) => endpoint.startsWith("rest-"))).toHaveLength(4);
  });

  test("main, with output too large for the record's own artifact", async () => {
    const double = await github();
    const pull = new RemoteJob(double, inPull(T));
    const { output } = await pull.record({}, { outputBytes: 3_000_000 });
    const noise = Buffer.from(output);
    expect(double.artifacts.rows.map(({ name }) => name.slice(0, 12))).toContain("foregone-r1-");
    const main = new RemoteJob(double, onMain(SQUASH, T));
    const { decision } = await main.decide();
    expect(decision.kind).toBe("skip");
    if (decision.kind !== "skip") return;
    const bytes = await main.remote.over(main.disk).blobs.get(decision.record.result.output);
    expect(Buffer.compare(bytes ?? Buffer.alloc(0), noise)).toBe(0);
  });

  test("a pull request, from main: by its artifact, and by the cache entry that GitHub says lies on main", async () => {
    for (const layers of [["artifacts"], ["actions-cache"]] as const) {
      const double = await github();
      await RemoteJob.recorded(double, onMain(M1, T, { layers }));
      expect(await new RemoteJob(double, inPull(T, { layers })).reason()).toBeUndefined();
    }
  });

  test("another tree, if main proved what it reads", async () => {
    const double = await github();
    await RemoteJob.recorded(double, onMain(M1, T, { layers: ["artifacts"] }), { tree: OTHER });
    expect(await new RemoteJob(double, inPull(T)).reason()).toBeUndefined();
  });

  test("the push, when the merge queue proved it", async () => {
    const double = await github();
    const queue = onMain(M2, T, { event: "merge_group", headBranch: "gh-readonly-queue/main/pr-7-abc" });
    await RemoteJob.recorded(double, queue);
    const main = new RemoteJob(double, onMain(M2, T, { layers: ["artifacts"] }));
    expect(await main.reason()).toBeUndefined();
  });

  test("a fork's pull request at the same commit, and nobody else", async () => {
    const double = await github();
    await RemoteJob.recorded(double, inPull(T, { headRepositoryId: FORK }));
    expect(await new RemoteJob(double, inPull(T, { headRepositoryId: FORK })).reason()).toBeUndefined();
    expect(await new RemoteJob(double, onMain(SQUASH, T)).reason()).toBe("no-record");
    const second = new RemoteJob(double, inPull(T, { headRepositoryId: FORK, headSha: sha1("next") }));
    expect(await second.reason()).toMatch(/^untrusted: made by a fork/);
  });

  test("an earlier commit's branch only where the user believes scopes", async () => {
    const double = await github();
    const next = sha1("next commit of 7");
    double.repository.commits.set(next, [H]);
    double.repository.contents.set(`${H}:.github/workflows/ci.yml`, "blob");
    double.repository.contents.set("main:.github/workflows/ci.yml", "blob");
    const layers = ["artifacts"] as const;
    await RemoteJob.recorded(double, inPull(OTHER, { layers }), {});
    // What it saw is the same in both trees.
    const forged = new RemoteJob(double, inPull(OTHER, { layers, headSha: H }));
    await forged.record({}, { saw: T });
    const later = (level: JobOptions["level"]) =>
      new RemoteJob(double, inPull(T, { layers, headSha: next, ...(level && { level }) })).reason();
    expect(await later("repository")).toMatch(/untrusted: made on topic .* may serve only the very same tree/);
    expect(await later("protected")).toMatch(/untrusted: made on topic .* only protected branches/);
    expect(await later("scope")).toBeUndefined();
    double.repository.contents.set(`${H}:.github/workflows/ci.yml`, "edited");
    expect(await later("scope")).toMatch(/under a changed workflow file/);
  });
});

describe("no false skip", () => {
  test("forged in the cache scope of a pull request, then reverted there", async () => {
    const double = await github();
    // The tested code itself speaks to the cache service, as its token lets it.
    const forger = new RemoteJob(double, inPull(OTHER, { level: "scope", layers: ["actions-cache"] }));
    expect(failures((await forger.record({ tree: T }, { saw: T })).published)).toEqual([]);
    const reason = await new RemoteJob(double, inPull(T)).reason();
    expect(reason).toBe("untrusted: it may come from refs/pull/7/merge, where the code of that branch can write");
    expect(await new RemoteJob(double, onMain(SQUASH, T)).reason()).toBe("no-record");
  });

  test("under the key of an entry of main, laid over it in the pull request's scope", async () => {
    const double = await github();
    await RemoteJob.recorded(double, onMain(M1, OTHER, { layers: ["actions-cache"] }));
    const row = double.caches.rows[0];
    const forger = new RemoteJob(double, inPull(OTHER, { level: "scope", layers: ["actions-cache"] }));
    await forger.record({ tree: T }, { saw: T });
    const forged = double.caches.rows.at(-1);
    if (row !== undefined && forged !== undefined) Object.assign(forged, { key: row.key });
    expect(await new RemoteJob(double, inPull(T)).reason()).toMatch(/untrusted: it may come from refs\/pull\/7\/merge/);
  });

  test("forged in one commit of a pull request, reverted in the next: by artifact", async () => {
    const double = await github();
    const next = sha1("revert");
    double.repository.commits.set(next, [H]);
    const forger = new RemoteJob(double, inPull(OTHER));
    await forger.record({ tree: T }, { saw: T });
    const reverted = new RemoteJob(double, inPull(T, { headSha: next }));
    expect(await reverted.reason()).toMatch(
      /untrusted: made on topic .* another than the one it claims to have tested/,
    );
  });

  test("the record of a commit that never landed", async () => {
    const double = await github();
    await RemoteJob.recorded(double, inPull(T, { headSha: MERGE, layers: ["artifacts"] }));
    double.repository.pulls.set(SQUASH, []);
    const main = new RemoteJob(double, onMain(SQUASH, T));
    // It is not even fetched; believed to be worth it, it is refused.
    expect(await main.reason()).toBe("no-record");
    double.repository.pulls.set(SQUASH, [{ number: 8, headSha: MERGE, mergeCommitSha: null }]);
    expect(await new RemoteJob(double, onMain(SQUASH, T)).reason()).toBe("no-record");
  });

  test("a record that names another run than the one that uploaded it", async () => {
    const double = await github();
    const honest = double.run({ headSha: M1, headTree: T, conclusion: "success" });
    await RemoteJob.recorded(double, inPull(T), { runId: String(honest.id), event: "push", ref: "refs/heads/main" });
    const reason = await new RemoteJob(double, onMain(SQUASH, T)).reason();
    expect(reason).toMatch(new RegExp(`^untrusted: it names run ${honest.id}, and run \\d+ uploaded it$`));
  });

  test("a fork's head or a tag that is called main", async () => {
    const double = await github();
    const layers = ["artifacts"] as const;
    await RemoteJob.recorded(double, inPull(T, { headBranch: "main", headRepositoryId: FORK, layers }));
    expect(await new RemoteJob(double, onMain(M2, T, { layers })).reason()).toBe("no-record");
    const tagged = sha1("tagged");
    double.repository.commits.set(tagged, []);
    await RemoteJob.recorded(double, onMain(tagged, T, { layers, ref: "refs/tags/main" }));
    const reason = await new RemoteJob(double, onMain(M2, T, { layers })).reason();
    expect(reason).toBe(`untrusted: its commit ${tagged.slice(0, 8)} is not on main`);
  });

  test("a lying merge: the tree it claims is not the one its commit has", async () => {
    const double = await github();
    await RemoteJob.recorded(double, inPull(T, { headTree: OTHER }));
    expect(await new RemoteJob(double, onMain(SQUASH, T)).reason()).toMatch(
      /^untrusted: .* claims to have tested \(git has not/,
    );
  });

  test("another workflow's run, another attempt, a failed job, a run by an event of others", async () => {
    const cases: readonly [string, Partial<JobOptions>, object, RegExp][] = [
      ["workflow", { path: ".github/workflows/label.yml" }, {}, /another workflow/],
      ["attempt", {}, { runAttempt: 2 }, /made by attempt 2/],
      ["job", { conclusion: "failure" }, {}, /its job: failure/],
      ["no job", { conclusion: "failure" }, { checkRun: "1" }, /has no job 1/],
      ["event", { event: "pull_request_target" }, {}, /made by pull_request_target/],
    ];
    for (const [name, more, claims, why] of cases) {
      const double = await github();
      const layers = ["artifacts"] as const;
      await RemoteJob.recorded(double, onMain(M1, T, { layers, ...more }), claims);
      expect(await new RemoteJob(double, onMain(M2, T, { layers })).reason(), name).toMatch(why);
    }
  });

  test("a job that still runs proves its steps, not itself", async () => {
    const double = await github();
    const layers = ["artifacts"] as const;
    const { job } = await RemoteJob.recorded(double, { headSha: M1, headTree: T, tree: T, layers });
    const reason = (mode: "step" | "job") => new RemoteJob(double, onMain(M2, T, { mode, layers })).reason();
    expect(await reason("step")).toBeUndefined();
    expect(await reason("job")).toBe("untrusted: its job: running");
    job.run.jobs[1]?.[0]?.steps.push({ name: "test", status: "completed", conclusion: "failure" });
    expect(await reason("step")).toBe("untrusted: its job: a step ended with failure");
  });

  test("a tampered artifact", async () => {
    const double = await github();
    await RemoteJob.recorded(double, inPull(T));
    const row = double.artifacts.rows.find(({ name }) => name.startsWith("foregone-r1-"));
    const bytes = Buffer.from(double.blobs.value(row?.blob ?? "") ?? []);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    double.blobs.replace(row?.blob ?? "", bytes);
    const main = new RemoteJob(double, onMain(SQUASH, T));
    expect(await main.reason()).toBe("no-record");
    expect(main.remote.notes()).toEqual(["artifacts off: gave bytes that are not what was uploaded"]);
  });

  test("the disk of a runner that other jobs use", async () => {
    const double = await github();
    const env = { RUNNER_ENVIRONMENT: "self-hosted" };
    const job = new RemoteJob(double, onMain(M1, T, { env, layers: [] }));
    await job.record();
    expect(await job.reason()).toMatch(/^untrusted: it lies on this runner's disk/);
  });
});

describe("a job that may do less goes on", () => {
  test("with a read-only token: nothing is uploaded to the cache, one word", async () => {
    const double = await github();
    const scopes = [{ scope: "refs/heads/main", read: true, write: false }];
    const { published } = await RemoteJob.recorded(double, onMain(M1, T, { scopes, layers: ["actions-cache"] }));
    expect(failures(published)).toEqual(["actions-cache: may only be read by this job"]);
  });

  test("without actions: read: one line says what to add", async () => {
    const double = await github();
    await RemoteJob.recorded(double, inPull(T));
    const main = new RemoteJob(double, onMain(SQUASH, T, { token: CONTENTS_TOKEN }));
    expect(await main.reason()).toBe("no-record");
    expect(main.remote.notes()).toEqual([
      "artifacts off: answered 403; to reuse across branches: permissions: { actions: read, contents: read }",
    ]);
  });

  test("without services (GHES), and without a token", async () => {
    const double = await github();
    const ghes = new RemoteJob(double, onMain(M1, T, { env: { GITHUB_SERVER_URL: "https://ghe.example.org" } }));
    expect((await ghes.record()).published).toEqual([]);
    expect(ghes.remote.notes()).toHaveLength(2);
    expect(ghes.remote.notes()[0]).toMatch(/^actions-cache off: this runner has no cache/);
    const bare = new RemoteJob(double, onMain(M1, T, { token: "" }));
    expect(bare.remote.notes()).toEqual(["artifacts off: no token"]);
  });

  test("on a server without services, by refs of the repository: at trust: scope alone", async () => {
    const double = await github();
    const folder = temporaryFolder();
    const git = (...args: string[]): unknown => expect(spawnSync("git", args, { cwd: folder }).status).toBe(0);
    git("init", "--quiet", "--bare", "server.git");
    git("init", "--quiet", ".");
    git("remote", "add", "origin", "./server.git");
    const env = { GITHUB_SERVER_URL: "https://ghe.example.org" };
    const more = { env, layers: ["git-ref"], level: "scope", workspace: folder } as const;
    const { published } = await RemoteJob.recorded(double, onMain(M1, T, more));
    expect(published).toEqual([{ layer: "git-ref", why: undefined }]);
    expect(await new RemoteJob(double, onMain(M2, T, more)).reason()).toBeUndefined();
    const careful = new RemoteJob(double, onMain(M2, T, { ...more, level: "repository" }));
    expect(await careful.reason()).toBe("no-record");
    expect(careful.remote.notes()[0]).toMatch(/^git-ref off: whoever may push/);
  });

  test("a mark in the cache disowns what any layer has", async () => {
    const double = await github();
    const { record } = await RemoteJob.recorded(double, onMain(M1, T));
    const main = new RemoteJob(double, onMain(M2, T));
    await main.remote.disown(record.weak, record.provenance.recordedAt);
    expect(await new RemoteJob(double, onMain(M2, T)).reason()).toBe("no-record");
  });
});
