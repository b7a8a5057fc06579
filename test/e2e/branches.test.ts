// Records that travel: from a pull request to main, through the merge queue, and not from where they must not. The committed bundle
// against the double of GitHub's cache, artifact and REST services; each job has a machine of its own, whose disk is thrown away.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { startedDouble } from "../../src/testing/actions/double-parts.ts";
import { type ActionsDouble, CONTENTS_TOKEN, REST_TOKEN } from "../../src/testing/actions/double.ts";
import { EVERY_FAULT, type Endpoint, type Fault, faultText } from "../../src/testing/actions/faults.ts";
import type { RunState } from "../../src/testing/actions/rest.ts";
import type { CacheScope } from "../../src/testing/actions/token.ts";
import { NO_NODE24, node24 } from "../../src/testing/node24.ts";
import { type JobOptions, type JobResult, WorkflowRunner } from "../../src/testing/workflow-runner.ts";

beforeEach((context) => {
  if (node24() === undefined) context.skip(NO_NODE24);
  if (process.getuid?.() !== 0 || !existsSync("/sys/kernel/btf/vmlinux"))
    context.skip("needs root and BTF: a job's tracer");
});

const JOB = `      - uses: acme/foregone@v1
        id: foregone
        with: { audit: 0 }
      - if: steps.foregone.outputs.skip != 'true'
        run: cat lib/a.js
        id: work
`;
const STEP = `      - uses: acme/foregone@v1
        id: foregone
        with: { audit: 0, run: cat lib/a.js }
`;

interface Ask {
  readonly event?: string;
  readonly branch?: string;
  /** Of a pull request: the head of the topic branch; what is checked out is its merge. */
  readonly pull?: { readonly head: string; readonly fork?: number };
  readonly conclusion?: string;
  readonly scopes?: readonly CacheScope[];
  readonly token?: string;
  readonly attempt?: number;
  readonly trust?: string;
  readonly env?: Readonly<Record<string, string>>;
}

class Lab extends WorkflowRunner {
  readonly double: ActionsDouble;

  constructor(double: ActionsDouble, steps: string) {
    super();
    this.double = double;
    this.repository = double.repository.fullName;
    this.write(
      ".github/workflows/ci.yml",
      `on: [push]\npermissions: { contents: read, actions: read }\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n${steps}`,
    );
    this.write("lib/a.js", "a\n");
    this.write("README.md", "r\n");
    this.commit();
    this.git("branch", "start");
  }

  override commit(): string {
    const sha = super.commit();
    this.know();
    return sha;
  }

  /** GitHub knows every commit that is pushed. */
  know(): void {
    const { commits, branches, contents } = this.double.repository;
    for (const line of this.git("rev-list", "--parents", "--all", "HEAD").split("\n")) {
      const [sha = "", ...parents] = line.split(" ");
      commits.set(sha, parents);
      contents.set(`${sha}:.github/workflows/ci.yml`, this.git("rev-parse", `${sha}:.github/workflows/ci.yml`));
    }
    const main = this.git("rev-parse", "main");
    branches.set("main", main);
    contents.set("main:.github/workflows/ci.yml", this.git("rev-parse", `${main}:.github/workflows/ci.yml`));
  }

  /** Commits on a topic branch, merges it as GitHub would for the test, and checks the merge out. @returns the head */
  openPull(change: () => void, onto = "start", name = "topic"): string {
    this.git("checkout", "-q", "-B", name, onto);
    change();
    const head = this.commit();
    this.git("checkout", "-q", "--detach", "main");
    this.git("merge", "-q", "--no-ff", "-m", "merge", head);
    this.know();
    return head;
  }

  /** Squashes what the pull request tested onto main. */
  land(head: string): string {
    const tree = this.git("rev-parse", "HEAD^{tree}");
    const squash = this.git("commit-tree", tree, "-p", "main", "-m", "squash");
    this.git("checkout", "-q", "-B", "main", squash);
    this.know();
    this.double.repository.pulls.set(squash, [{ number: 7, headSha: head, mergeCommitSha: squash }]);
    return squash;
  }

  async ci(ask: Ask = {}): Promise<JobResult & { readonly run: RunState; readonly ms: number }> {
    const { double } = this;
    const { pull, branch = "main" } = ask;
    const commit = this.git("rev-parse", "HEAD");
    const headSha = pull?.head ?? commit;
    const { id } = double.repository;
    const run = double.run({
      event: ask.event ?? (pull === undefined ? "push" : "pull_request"),
      headSha,
      headBranch: pull === undefined ? branch : "topic",
      headTree: this.git("rev-parse", `${headSha}^{tree}`),
      headRepositoryId: pull?.fork ?? id,
      runAttempt: ask.attempt ?? 1,
    });
    const ref = pull === undefined ? `refs/heads/${branch}` : "refs/pull/7/merge";
    const head = { sha: headSha, ref: "topic", repo: { id: pull?.fork ?? id } };
    const options: JobOptions = {
      event: run.event,
      ref,
      runId: String(run.id),
      checkRun: run.jobs[run.runAttempt]?.[0]?.id ?? 0,
      attempt: run.runAttempt,
      token: ask.token ?? REST_TOKEN,
      payload: {
        repository: { id, default_branch: "main" },
        ...(pull !== undefined && { pull_request: { number: 7, head, base: { ref: "main", repo: { id } } } }),
      },
      env: {
        ...this.#service(
          run,
          ask.scopes ?? [ref, "refs/heads/main"].map((scope, i) => ({ scope, read: true, write: i === 0 })),
        ),
        GITHUB_API_URL: double.apiUrl,
        GITHUB_REPOSITORY_ID: String(id),
        ...ask.env,
      },
    };
    this.clean();
    rmSync(join(this.base, "store"), { recursive: true, force: true });
    const from = performance.now();
    const result = await this.job(options);
    const conclusion = ask.conclusion ?? result.status;
    Object.assign(run, { status: "completed", conclusion });
    for (const job of run.jobs[run.runAttempt] ?? []) Object.assign(job, { status: "completed", conclusion });
    return { ...result, run, ms: performance.now() - from };
  }

  #service(run: RunState, scopes: readonly CacheScope[]): Record<string, string> {
    const {
      ACTIONS_ID_TOKEN_REQUEST_URL: _,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: __,
      ...service
    } = this.double.env(run, scopes);
    return service;
  }
}

const skip = (job: JobResult): string | undefined => job.steps["foregone"]?.outputs["skip"];

describe.each([
  ["step mode", STEP],
  ["job mode", JOB],
])("%s", { timeout: 120_000 }, (_, steps) => {
  const lab = async (): Promise<Lab> => new Lab(await startedDouble(), steps);

  test("main proves for main, by the Actions cache, on another machine", async () => {
    const box = await lab();
    const first = await box.ci();
    expect([first.status, skip(first)], first.log).toEqual(["success", "false"]);
    expect(first.post).toContain("actions-cache: uploaded");
    box.write("README.md", "other\n");
    box.commit();
    const second = await box.ci();
    expect(skip(second), second.log).toBe("true");
    expect(second.log).toMatch(/proved by run \d+ attempt 1, push to main at [0-9a-f]{8} \[protected\]/);
  });

  test("pr-to-main: an equal tree, squash-landed, is a hit by artifact; another tree is untrusted", async () => {
    const box = await lab();
    const head = box.openPull(() => box.write("lib/a.js", "b\n"));
    const pull = await box.ci({ pull: { head } });
    expect([pull.status, skip(pull)], pull.log).toEqual(["success", "false"]);
    box.land(head);
    const main = await box.ci();
    expect(skip(main), main.log).toBe("true");
    expect(main.log).toMatch(/proved by run \d+ attempt 1, pull_request to topic at [0-9a-f]{8} \[branch\]/);
    const other = await lab();
    const second = other.openPull(() => other.write("lib/a.js", "b\n"));
    await other.ci({ pull: { head: second } });
    other.land(second);
    other.write("README.md", "not as tested\n");
    const landed = other.commit();
    other.double.repository.pulls.set(landed, [{ number: 7, headSha: second, mergeCommitSha: landed }]);
    const run = await other.ci();
    expect([skip(run), run.log]).toEqual(["false", expect.stringContaining("not trusted")]);
  });

  test("merge-queue: its evidence serves the push", async () => {
    const box = await lab();
    box.write("lib/a.js", "queued\n");
    box.commit();
    await box.ci({ event: "merge_group", branch: "gh-readonly-queue/main/pr-7-abc" });
    const main = await box.ci();
    expect(skip(main), main.log).toBe("true");
  });

  test("fork-pr: its record serves that pull request alone", async () => {
    const box = await lab();
    const head = box.openPull(() => box.write("lib/a.js", "b\n"));
    const fork = { pull: { head, fork: 999 } };
    expect(skip(await box.ci(fork))).toBe("false");
    const again = await box.ci(fork);
    expect(skip(again), again.log).toBe("true");
    box.land(head);
    expect(skip(await box.ci())).toBe("false");
  });

  test("forged-pr: green in one commit, reverted in the next: the next one runs", async () => {
    const box = await lab();
    // What the command reads is the same in both commits: the record of the first holds for the second.
    const forged = box.openPull(() => box.write("README.md", "forges\n"));
    expect(skip(await box.ci({ pull: { head: forged } }))).toBe("false");
    const reverted = box.openPull(() => box.write("README.md", "reverted\n"), forged);
    const next = await box.ci({ pull: { head: reverted } });
    expect([skip(next), next.log]).toEqual(["false", expect.stringContaining("not trusted")]);
  });

  test("the record of a commit that never landed does not serve main", async () => {
    const box = await lab();
    const head = box.openPull(() => box.write("README.md", "never lands\n"));
    await box.ci({ pull: { head } });
    const tree = box.git("rev-parse", "HEAD^{tree}");
    const same = box.git("commit-tree", tree, "-p", "main", "-m", "by other means");
    box.git("checkout", "-q", "-B", "main", same);
    box.know();
    expect(skip(await box.ci())).toBe("false");
  });

  test("a tampered artifact, and one that names another run: no skip, a green job", async () => {
    for (const attack of ["tamper", "replay"]) {
      const box = await lab();
      const head = box.openPull(() => box.write("lib/a.js", "b\n"));
      await box.ci({ pull: { head } });
      const [row] = box.double.artifacts.rows.filter(({ name }) => name.startsWith("foregone-r1-"));
      if (row === undefined) throw new Error("nothing was uploaded");
      if (attack === "tamper") {
        const bytes = Buffer.from(box.double.blobs.value(row.blob) ?? []);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        box.double.blobs.replace(row.blob, bytes);
      } else {
        // Uploaded again by a run of another commit.
        const other = box.double.run({
          headSha: head,
          headBranch: "topic",
          event: "pull_request",
          conclusion: "success",
        });
        Object.assign(row, { run: other.backendId });
      }
      box.land(head);
      const main = await box.ci();
      expect([attack, main.status, skip(main)]).toEqual([attack, "success", "false"]);
    }
  });

  test("read-only-token, no actions: read, a second attempt: green, and nothing is uploaded or skipped that may not be", async () => {
    const box = await lab();
    const readOnly = await box.ci({ scopes: [{ scope: "refs/heads/main", read: true, write: false }] });
    expect([readOnly.status, readOnly.post]).toEqual([
      "success",
      expect.stringContaining("actions-cache: not uploaded"),
    ]);
    const head = box.openPull(() => box.write("lib/a.js", "b\n"));
    await box.ci({ pull: { head } });
    box.land(head);
    const blind = await box.ci({ token: CONTENTS_TOKEN });
    expect([blind.status, skip(blind), blind.log]).toEqual([
      "success",
      "false",
      expect.stringContaining("actions: read"),
    ]);
    const rerun = await box.ci({ attempt: 2 });
    expect([skip(rerun), rerun.post]).toEqual(["false", ""]);
  });
});

const DECIDING: readonly Endpoint[] = [
  "GetCacheEntryDownloadURL",
  "rest-artifacts",
  "rest-zip",
  "rest-run",
  "rest-pulls",
];
const PUBLISHING: readonly Endpoint[] = ["CreateCacheEntry", "FinalizeCacheEntryUpload", "CreateArtifact", "blob-put"];

test.each(["403", "429", "500", "hang", "garbage", "cut"])(
  "cache-down: %s from every endpoint: a green job, no skip, and not held up",
  { timeout: 90_000 },
  async (name) => {
    const fault: Fault | undefined = EVERY_FAULT.find((one) => faultText(one) === name);
    const box = new Lab(await startedDouble(), STEP);
    const head = box.openPull(() => box.write("lib/a.js", "b\n"));
    const before = await box.ci({ pull: { head } });
    box.land(head);
    for (const endpoint of [...DECIDING, ...PUBLISHING])
      if (fault !== undefined) box.double.faults.set(endpoint, fault);
    const job = await box.ci();
    expect([job.status, skip(job), job.steps["foregone"]?.outputs["reason"]], job.log).toEqual([
      "success",
      "false",
      "no-record",
    ]);
    expect(job.log).toMatch(/^Foregone: (?:actions-cache|artifacts) off: /m);
    expect(`${job.log}${job.post}`.match(/^::(?:error|warning)/gm)).toBeNull();
    expect(job.post).toContain("not uploaded");
    // 2 s in all while deciding; the rest is the noise of a busy machine.
    expect(job.steps["foregone"]?.ms).toBeLessThan((before.steps["foregone"]?.ms ?? 0) + 5000);
  },
);
