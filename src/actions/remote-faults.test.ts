// Each endpoint, out of order in each way: the job runs, with a reason, in bounded time; nothing is thrown, nothing is skipped that
// should not be.
import { describe, expect, test } from "vitest";
import { startedDouble } from "../testing/actions/double-parts.ts";
import { type ActionsDouble, sha1 } from "../testing/actions/double.ts";
import { type Endpoint, EVERY_FAULT, type Fault, faultText } from "../testing/actions/faults.ts";
import { type JobOptions, RemoteJob } from "../testing/actions/remote-job.ts";

const T = sha1("tree T");
const [M1, M2, H, SQUASH] = ["m1", "m2", "head", "squash"].map(sha1) as [string, string, string, string];
/** Short, so that 60 silences take seconds; DECIDING itself is measured by bench/action-faults. */
const deciding = { answerMs: 300, totalMs: 400 };
const publishing = { answerMs: 300, totalMs: 600 };
const patience = { deciding, publishing };

/** There is nothing to cut of an answer without a body. */
function isHarmless(endpoint: Endpoint, fault: Fault): boolean {
  return ["blob-put", "rest-zip"].includes(endpoint) && ["cut", "stall"].includes(fault.kind);
}

interface Scene {
  /** Endpoints without which there is no hit. */
  readonly needs: readonly Endpoint[];
  readonly producer: JobOptions;
  readonly asker: JobOptions;
}

const main = (headSha: string, more: Partial<JobOptions>): JobOptions => ({
  headSha,
  tree: T,
  headTree: T,
  conclusion: "success",
  ...more,
});
const pull = (more: Partial<JobOptions>): JobOptions => main(H, { headBranch: "topic", pull: 7, ...more });

const SCENES: Readonly<Record<string, Scene>> = {
  "landed on main, by artifact": {
    needs: ["rest-artifacts", "rest-zip", "blob-get", "rest-run", "rest-pulls"],
    producer: pull({ layers: ["artifacts"] }),
    asker: main(SQUASH, { layers: ["artifacts"] }),
  },
  "main for a pull request, by artifact of a run that is not over": {
    needs: ["rest-compare", "rest-jobs"],
    producer: main(M1, { layers: ["artifacts"], conclusion: undefined as never }),
    asker: pull({ layers: ["artifacts"] }),
  },
  "main for a pull request, by cache": {
    needs: ["GetCacheEntryDownloadURL", "blob-get", "rest-caches"],
    producer: main(M1, { layers: ["actions-cache"] }),
    asker: pull({ layers: ["actions-cache"] }),
  },
};

async function scene({ producer }: Scene): Promise<ActionsDouble> {
  const double = await startedDouble();
  const { repository } = double;
  for (const [sha, ...parents] of [[M1], [M2, M1], [H, M1], [SQUASH, M1]])
    if (sha !== undefined) repository.commits.set(sha, parents);
  repository.branches.set("main", M2);
  repository.pulls.set(SQUASH, [{ number: 7, headSha: H, mergeCommitSha: SQUASH }]);
  await RemoteJob.recorded(double, producer);
  return double;
}

for (const [name, one] of Object.entries(SCENES))
  describe(name, () => {
    test("is a hit when nothing is wrong", async () => {
      expect(await new RemoteJob(await scene(one), one.asker).reason()).toBeUndefined();
    });

    test.each(one.needs)("runs, named and in time, with each fault of %s", async (endpoint) => {
      await Promise.all(
        EVERY_FAULT.map(async (fault) => {
          const double = await scene(one);
          double.faults.set(endpoint, fault);
          const job = new RemoteJob(double, { ...one.asker, patience });
          const from = performance.now();
          const reason = await job.reason();
          const ms = performance.now() - from;
          const what = `${endpoint} ${faultText(fault)}`;
          // A bit that means nothing may be another one: then the record is still the honest one, hashed and judged.
          if (fault.kind !== "flip" && !isHarmless(endpoint, fault))
            expect(reason, what).toMatch(/^(no-record|untrusted: .{10,})$/);
          // What is gone is gone: no trouble of the layer.
          const isGone = fault.kind === "status" && fault.status === 404 && endpoint !== "rest-artifacts";
          if (reason === "no-record" && !isGone) expect(job.remote.notes().join(), what).toMatch(/: .{5,}$/);
          expect(ms, what).toBeLessThan(5_000);
        }),
      );
    });
  });

test.each(["CreateCacheEntry", "blob-put", "FinalizeCacheEntryUpload", "CreateArtifact", "FinalizeArtifact"] as const)(
  "publishing bears each fault of %s, and says so",
  async (endpoint) => {
    await Promise.all(
      EVERY_FAULT.map(async (fault) => {
        const double = await startedDouble();
        double.faults.set(endpoint, fault);
        const { published } = await new RemoteJob(double, main(M1, { patience })).record();
        expect(published).toHaveLength(2);
        const what = `${endpoint} ${faultText(fault)}`;
        // 409 is no failure: somebody was faster. A flipped bit may be in a field that nobody needs.
        const isBorne =
          isHarmless(endpoint, fault) || fault.kind === "flip" || (fault.kind === "status" && fault.status === 409);
        if (!isBorne) expect(published.filter(({ why }) => why !== undefined).length, what).toBeGreaterThan(0);
        double.faults.clear();
        // Half an upload is none: the next job has all of the record or nothing of it.
        expect([undefined, "no-record"], what).toContain(await new RemoteJob(double, main(M2, {})).reason());
      }),
    );
  },
);
