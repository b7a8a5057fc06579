// A step that runs into its time limit, by nektos/act: its shortest limit is a minute, so both modes wait for theirs at once, in a file
// of their own. By the runner's double: test/action-job.test.ts and test/action-step.test.ts.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, type TestContext } from "vitest";
import { ActRunner, findAct, NO_ACT } from "../../src/testing/act.ts";
import { NO_NODE24, node24 } from "../../src/testing/node24.ts";
import { processesOf, tracersEnd } from "../../src/testing/processes.ts";

/** act works in another folder on each run. The switch is ignored: were a run that was cut recorded, the next one would be skipped. */
const WITH = "audit: 0, ignore: 'workspace.root, env:GITHUB_WORKSPACE, env:RUNNER_TEMP, **/quick'";
const WORK = "cat lib/a.js; test -e $HOME/.cache/quick || exec sleep 120";
const act = findAct();

function runner(context: TestContext): ActRunner {
  // The bundles are for Node 24, which the clone installs, and act is installed by .ci/run: where a registry cannot be reached, neither is there.
  if (node24() === undefined) return context.skip(NO_NODE24);
  if (process.getuid?.() !== 0 || !existsSync("/sys/kernel/btf/vmlinux"))
    return context.skip("needs root and BTF: the tracer of a job");
  return act === undefined ? context.skip(NO_ACT) : new ActRunner(act);
}

const JOB = `- { uses: acme/foregone@v1, id: foregone, with: { ${WITH} } }
      - { if: steps.foregone.outputs.skip != 'true', run: "${WORK}", timeout-minutes: 1, id: work }`;
const STEP = `- { uses: acme/foregone@v1, id: foregone, timeout-minutes: 1, with: { ${WITH}, run: "${WORK}" } }`;

test("timed-out, by act: no record, no process left, the next one runs", { timeout: 180_000 }, async (context) => {
  const modes = [
    { machine: runner(context), steps: JOB, cut: "work", post: "not recorded: the job is failure" },
    { machine: runner(context), steps: STEP, cut: "foregone", post: "" },
  ];
  await Promise.all(
    modes.map(async ({ machine, steps, cut, post }) => {
      machine.write(
        ".github/workflows/ci.yml",
        `on: push\npermissions: { contents: read }\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n      ${steps}\n`,
      );
      machine.write("lib/a.js", "a\n");
      machine.commit();
      const job = await machine.job();
      // act does not say that it cut a step: it failed, a minute after it began (measured from just after the limit is set).
      expect([job.status, job.steps[cut]?.code], job.log).toEqual(["failure", 1]);
      expect(job.steps[cut]?.log).toMatch(/^a$/m);
      expect(job.steps[cut]?.ms).toBeGreaterThan(59_000);
      expect(job.post).toContain(post);
      expect(`${job.log}${job.post}`).not.toMatch(/: recorded \d/);
      expect(await tracersEnd(machine.base)).toBe(true);
      expect(processesOf(machine.base)).toEqual([]);
      mkdirSync(join(machine.base, "home/.cache"), { recursive: true });
      writeFileSync(join(machine.base, "home/.cache/quick"), "");
      const next = await machine.job();
      expect([next.status, next.steps["foregone"]?.outputs], next.log).toMatchObject([
        "success",
        { skip: "false", reason: "no-record" },
      ]);
      // What was not cut is recorded: the same command is skipped from now on.
      const last = await machine.job();
      expect(last.steps["foregone"]?.outputs["skip"], last.log).toBe("true");
    }),
  );
});
