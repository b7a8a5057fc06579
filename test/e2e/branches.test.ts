// Records that travel: from a pull request to main, through the merge queue, and not from where they must not. The committed bundle
// against the double of GitHub's cache, artifact and REST services; each job has a machine of its own, whose disk is thrown away.
import { existsSync } from "node:fs";
import { beforeEach, describe, expect, test, type TestContext } from "vitest";
import { ActRunner, findAct, NO_ACT } from "../../src/testing/act.ts";
import { BranchLab } from "../../src/testing/actions/branch-lab.ts";
import { startedDouble } from "../../src/testing/actions/double-parts.ts";
import { CONTENTS_TOKEN } from "../../src/testing/actions/double.ts";
import { EVERY_FAULT, type Endpoint, type Fault, faultText } from "../../src/testing/actions/faults.ts";
import { NO_NODE24, node24 } from "../../src/testing/node24.ts";
import type { JobResult } from "../../src/testing/workflow-runner.ts";

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
/** act works in another folder on each run, and shows its own settings to the job. */
const ANYWHERE = "ignore: 'workspace.root, env:GITHUB_WORKSPACE, env:RUNNER_TEMP, env:SHA_REF'";
/** act has no `job.check_run_id`: the workflow is told. */
const ACT_WITH = `audit: 0, check-run: "\${{ vars.CHECK_RUN }}", ${ANYWHERE}`;
const STEP = `      - uses: acme/foregone@v1
        id: foregone
        with: { audit: 0, run: cat lib/a.js }
`;

const [ANYWHERE_JOB, ANYWHERE_STEP] = [JOB, STEP].map((steps) => steps.replace("audit: 0", ACT_WITH)) as [
  string,
  string,
];
const act = findAct();

async function labBy(by: "double" | "act", context: TestContext, steps: string): Promise<BranchLab> {
  if (by === "double") return BranchLab.with(await startedDouble(), steps);
  // The same cases run against the double everywhere; .ci/run installs act.
  return act === undefined ? context.skip(NO_ACT) : BranchLab.with(await startedDouble(), steps, new ActRunner(act));
}

const skip = (job: JobResult): string | undefined => job.steps["foregone"]?.outputs["skip"];

describe.each([
  ["step mode", STEP, "double"],
  ["job mode", JOB, "double"],
  ["step mode, by act", ANYWHERE_STEP, "act"],
  ["job mode, by act", ANYWHERE_JOB, "act"],
] as const)("%s", { timeout: 120_000 }, (_, steps, by) => {
  const lab = (context: TestContext): Promise<BranchLab> => labBy(by, context, steps);

  test("main proves for main, by the Actions cache, on another machine", async (context) => {
    const box = await lab(context);
    const first = await box.ci();
    expect([first.status, skip(first)], first.log).toEqual(["success", "false"]);
    expect(first.post).toContain("actions-cache: uploaded");
    box.write("README.md", "other\n");
    box.commit();
    const second = await box.ci();
    expect(skip(second), second.log).toBe("true");
    expect(second.log).toMatch(/proved by run \d+ attempt 1, push to main at [0-9a-f]{8} \[protected\]/);
  });

  test("pr-to-main: an equal tree, squash-landed, is a hit by artifact; another tree is untrusted", async (context) => {
    const box = await lab(context);
    const head = box.openPull(() => box.write("lib/a.js", "b\n"));
    const pull = await box.ci({ pull: { head } });
    expect([pull.status, skip(pull)], pull.log).toEqual(["success", "false"]);
    box.land(head);
    const main = await box.ci();
    expect(skip(main), main.log).toBe("true");
    expect(main.log).toMatch(/proved by run \d+ attempt 1, pull_request to topic at [0-9a-f]{8} \[branch\]/);
    const other = await lab(context);
    const second = other.openPull(() => other.write("lib/a.js", "b\n"));
    await other.ci({ pull: { head: second } });
    other.land(second);
    other.write("README.md", "not as tested\n");
    const landed = other.commit();
    other.double.repository.pulls.set(landed, [{ number: 7, headSha: second, mergeCommitSha: landed }]);
    const run = await other.ci();
    expect([skip(run), run.log]).toEqual(["false", expect.stringContaining("not trusted")]);
  });

  test("merge-queue: its evidence serves the push", async (context) => {
    const box = await lab(context);
    box.write("lib/a.js", "queued\n");
    box.commit();
    await box.ci({ event: "merge_group", branch: "gh-readonly-queue/main/pr-7-abc" });
    const main = await box.ci();
    expect(skip(main), main.log).toBe("true");
  });

  test("fork-pr: its record serves that pull request alone", async (context) => {
    const box = await lab(context);
    const head = box.openPull(() => box.write("lib/a.js", "b\n"));
    const fork = { pull: { head, fork: 999 } };
    expect(skip(await box.ci(fork))).toBe("false");
    const again = await box.ci(fork);
    expect(skip(again), again.log).toBe("true");
    box.land(head);
    expect(skip(await box.ci())).toBe("false");
  });

  test("forged-pr: green in one commit, reverted in the next: the next one runs", async (context) => {
    const box = await lab(context);
    // What the command reads is the same in both commits: the record of the first holds for the second.
    const forged = box.openPull(() => box.write("README.md", "forges\n"));
    expect(skip(await box.ci({ pull: { head: forged } }))).toBe("false");
    const reverted = box.openPull(() => box.write("README.md", "reverted\n"), forged);
    const next = await box.ci({ pull: { head: reverted } });
    expect([skip(next), next.log]).toEqual(["false", expect.stringContaining("not trusted")]);
  });

  test("the record of a commit that never landed does not serve main", async (context) => {
    const box = await lab(context);
    const head = box.openPull(() => box.write("README.md", "never lands\n"));
    await box.ci({ pull: { head } });
    const tree = box.git("rev-parse", "HEAD^{tree}");
    const same = box.git("commit-tree", tree, "-p", "main", "-m", "by other means");
    box.git("checkout", "-q", "-B", "main", same);
    box.know();
    expect(skip(await box.ci())).toBe("false");
  });

  test("a tampered artifact, and one that names another run: no skip, a green job", async (context) => {
    for (const attack of ["tamper", "replay"]) {
      const box = await lab(context);
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

  test("read-only-token, no actions: read, a second attempt: green, and nothing is uploaded or skipped that may not be", async (context) => {
    const box = await lab(context);
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

test.for(
  ["403", "429", "500", "hang", "garbage", "cut"].flatMap(
    (fault) =>
      [
        [fault, "double", STEP],
        [fault, "act", ANYWHERE_STEP],
      ] as const,
  ),
)(
  "cache-down: %s from every endpoint, by %s: a green job, no skip, and not held up",
  { timeout: 90_000 },
  async ([name, by, steps], context) => {
    const fault: Fault | undefined = EVERY_FAULT.find((one) => faultText(one) === name);
    const box = await labBy(by, context, steps);
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
    expect(job.steps["foregone"]?.ms ?? 0).toBeLessThan((before.steps["foregone"]?.ms ?? 0) + 5000);
  },
);

test.for(["double", "act"] as const)(
  "concurrent-append, by %s: two machines prove the same at once: both are green, and what is left serves",
  { timeout: 90_000 },
  async (by, context) => {
    const steps = ANYWHERE_STEP.replace("env:SHA_REF", "env:HOME, env:RUNNER_TOOL_CACHE");
    const box = await labBy(by, context, steps);
    const both = await Promise.all([box, box.twin()].map((machine) => machine.ci()));
    for (const job of both)
      expect([job.status, skip(job), job.post], job.log).toEqual([
        "success",
        "false",
        expect.stringContaining("actions-cache: uploaded"),
      ]);
    const next = await box.twin().ci();
    expect(skip(next), next.log).toBe("true");
  },
);
