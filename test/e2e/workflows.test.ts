// Real workflows, each run twice over: by the runner's double, which does as GitHub's runner does, and by nektos/act in host mode. Both
// start the committed bundle; what executed is counted by the steps themselves.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test, type TestContext } from "vitest";
import { ActRunner, findAct, NO_ACT } from "../../src/testing/act.ts";
import { NO_NODE24, node24 } from "../../src/testing/node24.ts";
import { processesOf, tracersEnd } from "../../src/testing/processes.ts";
import { type JobResult, WorkflowRunner } from "../../src/testing/workflow-runner.ts";

const GUARD = "if: steps.foregone.outputs.skip != 'true'";
/** act works in another folder on each run. */
const ANYWHERE = "ignore: 'workspace.root, env:GITHUB_WORKSPACE, env:RUNNER_TEMP'";
const act = findAct();
let skippedRuns = 0;

function jobMode(steps: string, more: { job?: string; with?: string; name?: string } = {}): string {
  return `  ${more.name ?? "test"}:
    runs-on: ubuntu-latest
${(more.job ?? "").replace(/^(?=.)/gm, "    ")}
    steps:
      - uses: actions/checkout@v5
      - uses: acme/foregone@v1
        id: foregone
        with: { audit: 0, ${ANYWHERE}${more.with === undefined ? "" : `, ${more.with}`} }
${steps.replace(/^(?=.)/gm, "      ")}
`;
}

function stepMode(run: string, more: { with?: string } = {}): string {
  return `  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: acme/foregone@v1
        id: step
        with:
          audit: 0
          ${ANYWHERE}
          ${more.with ?? ""}
          run: |
${run.replace(/^/gm, "            ")}
      - run: echo "name=\${{ steps.step.outputs.name }} LATER=$LATER $(cat out/file 2>&1)"
        id: later
`;
}

const HEAD =
  "name: CI\non: [push, pull_request_target, schedule]\npermissions: { contents: read, actions: read }\njobs:\n";
/** Counts where nobody looks: a new file in a cache folder is no result. */
const COUNT = "mktemp -q $HOME/.cache/runs/XXXXXXXX.";

class Lab {
  readonly runner: WorkflowRunner;

  constructor(runner: WorkflowRunner, jobs: string, files: Readonly<Record<string, string>> = {}) {
    this.runner = runner;
    mkdirSync(join(runner.base, "home/.cache/runs"), { recursive: true });
    this.edit(jobs);
    for (const [path, text] of Object.entries({ "lib/a.js": "a\n", "docs/x.md": "x\n", ...files }))
      runner.write(path, text);
    runner.commit();
  }

  edit(jobs: string): void {
    this.runner.write(".github/workflows/ci.yml", `${HEAD}${jobs}`);
  }

  change(path: string, text: string): void {
    this.runner.write(path, text);
    this.runner.commit();
  }

  count(name: string): number {
    return readdirSync(join(this.runner.base, "home/.cache/runs")).filter((file) => file.endsWith(`.${name}`)).length;
  }

  job(options: Parameters<WorkflowRunner["job"]>[0] = {}): Promise<JobResult> {
    this.runner.clean();
    return this.runner.job(options);
  }
}

const skip = (job: JobResult, step = "foregone"): string | undefined => job.steps[step]?.outputs["skip"];

/** Each starts several jobs with a tracer of their own; a loaded machine takes its time. */
const PATIENT = { timeout: 120_000 };

describe.each(["double", "act"] as const)("workflows, by the %s", PATIENT, (which) => {
  const runner = (context: TestContext): WorkflowRunner => {
    if (node24() === undefined) return context.skip(NO_NODE24);
    if (process.getuid?.() !== 0 || !existsSync("/sys/kernel/btf/vmlinux"))
      return context.skip("needs root and BTF: the tracer of a job");
    if (which === "double") return new WorkflowRunner();
    if (act === undefined) {
      skippedRuns++;
      return context.skip(NO_ACT);
    }
    return new ActRunner(act);
  };
  afterAll(() => {
    if (skippedRuns > 0) process.stdout.write(`SKIPPED ${skippedRuns} workflow runs: act not found\n`);
  });

  test("step-hit, step-miss", async (context) => {
    const lab = new Lab(
      runner(context),
      stepMode(
        `${COUNT}step\ncat lib/a.js\nmkdir -p out; echo made > out/file\necho name=value >> $GITHUB_OUTPUT\necho LATER=later >> $GITHUB_ENV`,
      ),
    );
    const first = await lab.job();
    expect([first.status, skip(first, "step"), first.steps["step"]?.outputs["name"]], first.log).toEqual([
      "success",
      "false",
      "value",
    ]);
    const second = await lab.job();
    expect([skip(second, "step"), second.steps["step"]?.outputs["name"]], second.log).toEqual(["true", "value"]);
    for (const job of [first, second]) expect(job.steps["later"]?.log).toContain("name=value LATER=later made");
    expect(lab.count("step")).toBe(1);
    lab.change("lib/a.js", "b\n");
    const third = await lab.job();
    expect([skip(third, "step"), lab.count("step")]).toEqual(["false", 2]);
    expect(third.log).toContain("lib/a.js changed, first read by cat");
  });

  test("step-miss: each kind of change is named", async (context) => {
    const lab = new Lab(
      runner(context),
      stepMode(`${COUNT}step\ncat lib/a.js\nls docs\ntest ! -e lib/none.js || true`),
    );
    await lab.job();
    const changes = [
      ["lib/a.js", "lib/a.js changed, first read by cat"],
      ["docs/y.md", "docs/ has other entries, first listed by ls"],
      ["lib/none.js", "lib/none.js appeared"],
    ] as const;
    for (const [path, named] of changes) {
      lab.change(path, "other\n");
      const job = await lab.job();
      expect([skip(job, "step"), job.log]).toEqual(["false", expect.stringContaining(named)]);
    }
    const job = await lab.job({ env: { MODE: "x" } });
    expect([skip(job, "step"), job.log]).toEqual(["false", expect.stringContaining("env MODE differs")]);
    expect(lab.count("step")).toBe(changes.length + 2);
  });

  test("job-miss: a read in the first millisecond after our step is traced", async (context) => {
    const lab = new Lab(runner(context), jobMode(`- ${GUARD}\n  run: "< lib/a.js"\n  id: one`));
    await lab.job();
    lab.change("lib/a.js", "b\n");
    const job = await lab.job();
    expect([skip(job), job.log]).toEqual(["false", expect.stringContaining("lib/a.js changed")]);
  });

  test("job-hit, job-miss", async (context) => {
    const lab = new Lab(runner(context), jobMode(`- ${GUARD}\n  run: ${COUNT}one; cat lib/a.js\n  id: one`));
    const first = await lab.job();
    expect([first.status, skip(first)], first.log).toEqual(["success", "false"]);
    expect(first.post).toMatch(/recorded \d+ observations/);
    const second = await lab.job();
    expect([second.status, skip(second), second.ran.includes("one"), lab.count("one")], second.log).toEqual([
      "success",
      "true",
      false,
      1,
    ]);
    expect(second.post).not.toContain("Foregone");
    lab.change("lib/a.js", "b\n");
    const third = await lab.job();
    expect([skip(third), lab.count("one")]).toEqual(["false", 2]);
    expect(third.log).toContain("lib/a.js changed, first read by cat");
  });

  test("matrix: three legs, one changed: only it runs", async (context) => {
    const matrix = "strategy: { matrix: { file: [a.js, b.js, c.js] } }";
    const lab = new Lab(
      runner(context),
      jobMode(`- ${GUARD}\n  run: ${COUNT}\${{ matrix.file }}; cat lib/\${{ matrix.file }}\n  id: one`, {
        job: matrix,
      }),
      { "lib/b.js": "b", "lib/c.js": "c" },
    );
    const legs = ["a.js", "b.js", "c.js"];
    for (const file of legs) expect(skip(await lab.job({ matrix: { file } }))).toBe("false");
    lab.change("lib/b.js", "B");
    const skipped = [];
    for (const file of legs) skipped.push(skip(await lab.job({ matrix: { file } })));
    expect([skipped, legs.map((file) => lab.count(file))]).toEqual([
      ["true", "false", "true"],
      [1, 2, 1],
    ]);
  });

  test("failing-step, failing-job, tolerated-step: no record", async (context) => {
    const step = new Lab(runner(context), stepMode("exit 3"));
    for (const job of [await step.job(), await step.job()])
      expect([job.status, skip(job, "step")]).toEqual(["failure", "false"]);
    const failing = new Lab(runner(context), jobMode(`- ${GUARD}\n  run: exit 3\n  id: one`));
    for (const job of [await failing.job(), await failing.job()]) {
      expect([job.status, skip(job)]).toEqual(["failure", "false"]);
      expect(job.post).toContain("not recorded: the job is failure");
    }
    const tolerated = new Lab(
      runner(context),
      jobMode(`- ${GUARD}\n  run: exit 3\n  continue-on-error: true\n  id: one`),
    );
    const green = await tolerated.job();
    expect([green.status, green.post]).toEqual(["success", expect.stringContaining("step-tolerated")]);
    expect(skip(await tolerated.job())).toBe("false");
  });

  test("edit-workflow, edit-other-job, edit-local-action: run, skip, run", async (context) => {
    const action = (run: string): string =>
      `name: x\nruns:\n  using: composite\n  steps:\n    - run: ${run}\n      shell: bash\n`;
    const jobs = (other: string, echo: string): string =>
      `${jobMode(`- ${GUARD}\n  uses: ./tools/check\n  id: one\n- ${GUARD}\n  run: echo ${echo}\n  id: two`)}  other:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${other}\n`;
    const lab = new Lab(runner(context), jobs("a", "a"), { "tools/check/action.yml": action("cat lib/a.js") });
    expect(skip(await lab.job())).toBe("false");
    expect(skip(await lab.job())).toBe("true");
    lab.edit(jobs("b", "a"));
    lab.runner.commit();
    expect(skip(await lab.job())).toBe("true");
    lab.edit(jobs("b", "b"));
    lab.runner.commit();
    expect(skip(await lab.job())).toBe("false");
    lab.change("tools/check/action.yml", action("cat docs/x.md"));
    const job = await lab.job();
    expect([skip(job), job.log]).toEqual(["false", expect.stringContaining("tools/check/action.yml changed")]);
  });

  test("rerun, schedule, untrusted-events", async (context) => {
    const lab = new Lab(runner(context), jobMode(`- ${GUARD}\n  run: cat lib/a.js\n  id: one`));
    expect((await lab.job({ attempt: 2 })).post).not.toContain("recorded");
    await lab.job();
    expect(skip(await lab.job())).toBe("true");
    for (const options of [{ attempt: 2 }, { event: "schedule" }, { event: "pull_request_target" }]) {
      const job = await lab.job(options);
      expect([JSON.stringify(options), skip(job)]).toEqual([JSON.stringify(options), "false"]);
    }
  });

  test("no-tracer, and a store that cannot be used: the command runs, one notice", async (context) => {
    const lab = new Lab(runner(context), stepMode(`${COUNT}step; echo ran`));
    const untraced = await lab.job({ env: { FOREGONE_TRACE_BACKEND: "none" } });
    expect([untraced.status, lab.count("step"), untraced.log.match(/^::(?:notice|warning|error)/gm)?.length]).toEqual([
      "success",
      1,
      1,
    ]);
    writeFileSync(join(lab.runner.base, "file"), "");
    const broken = await lab.job({ env: { FOREGONE_CACHE_DIR: join(lab.runner.base, "file/store") } });
    expect([broken.status, lab.count("step"), broken.log.match(/^::(?:notice|warning|error)/gm)?.length]).toEqual([
      "success",
      2,
      1,
    ]);
  });

  test("audit: a difference disowns", async (context) => {
    const steps = `- ${GUARD}\n  run: test ! -e "$HOME/.cache/broken"\n  id: one`;
    const hidden = ANYWHERE.replace(/'$/, ", **/broken'");
    const lab = new Lab(runner(context), jobMode(steps).replace(ANYWHERE, hidden));
    const first = await lab.job();
    const hit = await lab.job();
    expect(skip(hit), first.post + hit.log).toBe("true");
    writeFileSync(join(lab.runner.base, "home/.cache/broken"), "");
    lab.edit(jobMode(steps).replace(ANYWHERE, hidden).replace("audit: 0", "audit: 1"));
    lab.runner.commit();
    const audited = await lab.job();
    expect([skip(audited), audited.status]).toEqual(["false", "failure"]);
    expect(audited.post).toContain("false skip");
  });

  test("hostile-names: nothing executed, summary intact", async (context) => {
    const hostile = "::error::boo\n##[command]<img src=x>|`.txt";
    const lab = new Lab(runner(context), stepMode("cat ./*.txt"), { [hostile]: "1" });
    await lab.job();
    lab.change(hostile, "2");
    const job = await lab.job();
    expect(job.log).toContain("changed, first read by cat");
    expect(job.log.split("\n").filter((line) => /^::error|^##\[/.test(line))).toEqual([]);
    expect(job.summary).not.toMatch(/<img/);
  });

  test("nested-in-composite: a composite action of the repository that uses Foregone", async (context) => {
    const action = `name: checked\nruns:\n  using: composite\n  steps:\n    - uses: acme/foregone@v1\n      with:\n        audit: 0\n        ${ANYWHERE}\n        run: ${COUNT}nested; cat lib/a.js\n`;
    const jobs = `  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n      - uses: ./tools/checked\n        id: nested\n`;
    const lab = new Lab(runner(context), jobs, { "tools/checked/action.yml": action });
    expect([(await lab.job()).status, (await lab.job()).status, lab.count("nested")]).toEqual([
      "success",
      "success",
      1,
    ]);
  });

  test("cancelled: no record, no process left", async (context) => {
    const lab = new Lab(runner(context), jobMode(`- ${GUARD}\n  run: cat lib/a.js; echo up; exec sleep 50\n  id: one`));
    const job = await lab.job({ cancel: { step: "one", says: "up", signal: "SIGTERM" } });
    expect(job.status).not.toBe("success");
    lab.edit(jobMode(`- ${GUARD}\n  run: cat lib/a.js; echo up\n  id: one`));
    lab.runner.commit();
    expect(skip(await lab.job())).toBe("false");
  });

  test("daemon-cleanup: after success, failure, and the death of what runs the job", async (context) => {
    const lab = new Lab(runner(context), jobMode(`- ${GUARD}\n  run: cat lib/a.js\n  id: one`));
    const { base } = lab.runner;
    expect((await lab.job()).post).toContain("recorded");
    expect(await tracersEnd(base)).toBe(true);
    lab.edit(jobMode(`- ${GUARD}\n  run: exit 3\n  id: one`));
    lab.runner.commit();
    expect((await lab.job()).status).toBe("failure");
    expect(await tracersEnd(base)).toBe(true);
    lab.edit(jobMode(`- ${GUARD}\n  run: echo up; exec sleep 50\n  id: one`));
    lab.runner.commit();
    const job = await lab.job({ killWorker: true, cancel: { step: "one", says: "up", signal: "SIGKILL" } });
    expect(job.steps["one"]?.log).toContain("up");
    expect(await tracersEnd(base)).toBe(true);
    // act leaves its steps running when it is killed.
    for (const pid of processesOf(base)) process.kill(pid, "SIGKILL");
  });

  test("no-checkout: nobody knows what the job is to do: it runs, and nothing is recorded", async (context) => {
    const other =
      "rm -rf .git && git init -q && git -c user.name=t -c user.email=t@example.invalid commit -q --allow-empty -m x";
    const jobs = stepMode(`${COUNT}step; echo ran`).replace("uses: actions/checkout@v5", `run: ${other}`);
    const lab = new Lab(runner(context), jobs);
    const job = await lab.job();
    expect([job.status, skip(job, "step"), lab.count("step")], job.log).toEqual(["success", "false", 1]);
    expect(job.log).toContain("is not in this checkout");
    expect(job.log).toContain("not recorded");
    expect(job.log.match(/^::(?:warning|error)/gm)).toBeNull();
  });
});
