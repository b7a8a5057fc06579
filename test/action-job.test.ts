// Job mode through the committed bundle: decides in its place, traces what the runner starts afterwards, records in its last step.
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { NO_NODE24, node24 } from "../src/testing/node24.ts";
import { tracersEnd } from "../src/testing/processes.ts";
import { type JobOptions, type JobResult, WorkflowRunner } from "../src/testing/workflow-runner.ts";

// Each starts several jobs with a tracer of their own; a loaded machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

beforeEach((context) => {
  if (node24() === undefined) context.skip(NO_NODE24);
  if (!existsSync("dist/foregone-main.js")) context.skip("no dist/: npm run build");
  if (process.getuid?.() !== 0) context.skip("needs root: the tracer of a job");
  if (!existsSync("/sys/kernel/btf/vmlinux")) context.skip("kernel has no BTF");
});

const GUARD = "if: steps.foregone.outputs.skip != 'true'";

function workflow(steps: string, more: { job?: string; with?: string; permissions?: string } = {}): string {
  return `name: CI
on: [push]
permissions: ${more.permissions ?? "{ contents: read, actions: read }"}
jobs:
  test:
    runs-on: ubuntu-latest
${(more.job ?? "").replace(/^(?=.)/gm, "    ")}
    steps:
      - uses: actions/checkout@v5
      - uses: acme/foregone@v1
        id: foregone
        with: { audit: 0${more.with === undefined ? "" : `, ${more.with}`} }
${steps.replace(/^(?=.)/gm, "      ")}
  other:
    runs-on: ubuntu-latest
    steps:
      - run: echo other
`;
}

const TWO = `- ${GUARD}
  run: cat lib/a.js
  id: one
- ${GUARD}
  run: ls docs; test ! -e lib/none.js || echo there; echo made > made.txt
  id: two`;

class Lab extends WorkflowRunner {
  constructor(text = workflow(TWO)) {
    super();
    this.write(".github/workflows/ci.yml", text);
    this.write("lib/a.js", "a\n");
    this.write("docs/x.md", "x");
    this.commit();
  }

  /** As on a fresh machine: nothing that the job made is there. */
  async again(options: JobOptions = {}): Promise<JobResult> {
    this.clean();
    return this.job(options);
  }
}

const skipped = (job: JobResult): string => job.steps["foregone"]?.outputs["skip"] ?? "";

test("job-hit: the guarded steps are skipped, the last step is silent", async () => {
  const lab = new Lab();
  const first = await lab.job();
  expect(first.ran, first.log).toEqual(["__step_0", "foregone", "one", "two"]);
  expect(first.post).toMatch(/recorded \d+ observations as [0-9a-f]{8}/);
  const second = await lab.again();
  expect(second.steps["foregone"], second.log).toMatchObject({ code: 0, outputs: { skip: "true", reason: "hit" } });
  expect(second.ran).toEqual(["__step_0", "foregone"]);
  expect(second.post).toBe("");
  expect(second.summary).toMatch(/### Foregone: job test skipped[\s\S]*actions\/runs\/\d+/);
  expect(Number(second.steps["foregone"]?.outputs["saved-seconds"])).toBeGreaterThanOrEqual(0);
  expect(await tracersEnd(lab.base)).toBe(true);
});

test.each([
  ["a read file", (lab: Lab): unknown => lab.write("lib/a.js", "b"), "lib/a.js changed, first read by cat"],
  ["a listed folder", (lab: Lab): unknown => lab.write("docs/y", ""), "docs/ has other entries"],
  ["a file that was looked for", (lab: Lab): unknown => lab.write("lib/none.js", ""), "lib/none.js appeared"],
  [
    "this job's steps",
    (lab: Lab): unknown => lab.write(".github/workflows/ci.yml", workflow(TWO.replace("ls docs", "ls -a docs"))),
    "setting definition differs",
  ],
  ["a variable", (lab: Lab): unknown => (lab.env["MODE"] = "x"), "env MODE differs"],
] as const)("job-miss: %s is named", async (_, change, expected) => {
  const lab = new Lab();
  await lab.job();
  lab.clean();
  change(lab);
  lab.commit();
  const job = await lab.job();
  expect([skipped(job), job.ran.includes("one")]).toEqual(["false", true]);
  expect(job.log).toContain(expected);
});

test("edit-other-job, an unread file, a revert: still a hit", async () => {
  const lab = new Lab();
  await lab.job();
  lab.write(".github/workflows/ci.yml", workflow(TWO).replace("echo other", "echo another"));
  lab.write("README.md", "new");
  lab.commit();
  expect(skipped(await lab.again())).toBe("true");
  lab.write("lib/a.js", "b");
  lab.commit();
  expect(skipped(await lab.again())).toBe("false");
  lab.write("lib/a.js", "a\n");
  lab.commit();
  expect(skipped(await lab.again())).toBe("true");
});

test("failing-job, cancelled, tolerated-step: no record, and no tracer is left", async () => {
  const failing = new Lab(workflow(`- ${GUARD}\n  run: cat lib/a.js; exit 3\n  id: one`));
  const failed = await failing.job();
  expect([failed.status, failed.post]).toEqual([
    "failure",
    expect.stringContaining("not recorded: the job is failure"),
  ]);
  expect(skipped(await failing.again())).toBe("false");
  const slow = new Lab(workflow(`- ${GUARD}\n  run: echo up; exec sleep 60\n  id: one`));
  const cancelled = await slow.job({ cancel: { step: "one", says: "up", signal: "SIGTERM" } });
  expect(cancelled.post).toContain("not recorded: the job is cancelled");
  const tolerated = new Lab(workflow(`- ${GUARD}\n  run: cat lib/a.js; exit 3\n  continue-on-error: true\n  id: one`));
  const green = await tolerated.job();
  expect([green.status, green.post]).toEqual(["success", expect.stringContaining("step-tolerated bash")]);
  const next = await tolerated.again();
  expect([skipped(next), next.steps["foregone"]?.outputs["reason"]]).toEqual(["false", "gap"]);
  for (const lab of [failing, slow, tolerated]) expect(await tracersEnd(lab.base)).toBe(true);
});

test("timed-out: the step is killed: no record, no process left", async () => {
  const waiting = `- ${GUARD}\n  run: cat lib/a.js; echo up; exec sleep 60\n  id: one`;
  const lab = new Lab(workflow(waiting));
  const job = await lab.job({ cancel: { step: "one", says: "up", signal: "SIGKILL" } });
  expect(job.post).toContain("not recorded: the job is cancelled");
  expect(await tracersEnd(lab.base)).toBe(true);
  expect(skipped(await lab.again({ cancel: { step: "one", says: "up", signal: "SIGKILL" } }))).toBe("false");
});

test("a read in the first millisecond after our step is seen", async () => {
  const lab = new Lab(workflow(`- ${GUARD}\n  run: "< lib/a.js"\n  id: one`));
  await lab.job();
  lab.write("lib/a.js", "b");
  lab.commit();
  expect((await lab.again()).log).toContain("lib/a.js changed");
});

test("matrix: three legs, one changed: only it runs", async () => {
  const lab = new Lab(
    workflow(`- ${GUARD}\n  run: cat lib/\${{ matrix.file }}\n  id: one`, {
      job: "strategy: { matrix: { file: [a.js, b.js, c.js] } }",
    }),
  );
  lab.write("lib/b.js", "b");
  lab.write("lib/c.js", "c");
  lab.commit();
  const legs = ["a.js", "b.js", "c.js"];
  for (const file of legs) expect(skipped(await lab.again({ matrix: { file } }))).toBe("false");
  for (const file of legs) expect(skipped(await lab.again({ matrix: { file } }))).toBe("true");
  lab.write("lib/b.js", "B");
  lab.commit();
  const results = [];
  for (const file of legs) results.push(skipped(await lab.again({ matrix: { file } })));
  expect(results).toEqual(["true", "false", "true"]);
});

test("what only the runner can see is a gap that is named before anything runs, and nothing is traced", async () => {
  const cases: [string, string, { job?: string; with?: string }][] = [
    ["expression-context needs.build.outputs.v", `- run: echo \${{ needs.build.outputs.v }}\n  id: one`, {}],
    ["expression-context vars.MODE", `- run: echo \${{ vars.MODE }}\n  id: one`, {}],
    ["expression-context hashFiles", `- run: echo \${{ hashFiles('**') }}\n  id: one`, {}],
    ["expression-context steps.before.outputs.x", `- run: echo \${{ steps.before.outputs.x }}\n  id: one`, {}],
    ["job-outputs result", `- run: echo\n  id: one`, { job: "outputs: { result: x }" }],
    ["overlapping-steps background", `- run: echo\n  id: one\n  background: true`, {}],
    ["foreign-definition services of the job", `- run: echo\n  id: one`, { job: "services: { db: { image: x } }" }],
    ["unresolved someone/else@v1", `- uses: someone/else@v1\n  if: false\n  id: one`, {}],
  ];
  for (const [gap, steps, more] of cases) {
    const job = await new Lab(workflow(steps, more)).job();
    expect(job.log, gap).toContain(gap);
    expect(job.steps["foregone"]?.outputs).toMatchObject({ skip: "false", reason: "gap" });
    expect(job.post).toBe("");
  }
  const salted = new Lab(workflow(`- run: echo \${{ vars.MODE }}\n  id: one`, { with: "salt: '${{ vars.MODE }}'" }));
  const vars = (MODE: string): JobOptions => ({ contexts: { vars: { MODE } } });
  await salted.job(vars("x"));
  expect(skipped(await salted.again(vars("x")))).toBe("true");
  expect(skipped(await salted.again(vars("y")))).toBe("false");
});

test("a context that expressions use is an input: another ref runs, the same one is a hit", async () => {
  const lab = new Lab(
    workflow(`- ${GUARD}\n  run: echo \${{ github.ref_name }} \${{ github.event.head.label }}\n  id: one`),
  );
  const on = (ref: string, label: string): JobOptions => ({
    ref,
    payload: { repository: { default_branch: "main" }, head: { label } },
  });
  await lab.job(on("refs/heads/main", "a"));
  expect(skipped(await lab.again(on("refs/heads/main", "a")))).toBe("true");
  expect(skipped(await lab.again(on("refs/heads/main", "b")))).toBe("false");
});

test("edit-local-action: its action.yml is an input although the runner alone reads it", async () => {
  const action = (run: string): string =>
    `name: x\nruns:\n  using: composite\n  steps:\n    - run: ${run}\n      shell: bash\n`;
  const lab = new Lab(workflow(`- ${GUARD}\n  uses: ./tools/check\n  id: one`));
  lab.write("tools/check/action.yml", action("cat lib/a.js"));
  lab.commit();
  await lab.job();
  expect(skipped(await lab.again())).toBe("true");
  lab.write("tools/check/action.yml", action("cat docs/x.md"));
  lab.commit();
  expect((await lab.again()).log).toContain("tools/check/action.yml changed, first read by the runner");
});

test("an event payload that a step reads, a process that is left, another machine: gaps", async () => {
  const event = new Lab(workflow(`- ${GUARD}\n  run: cat "$GITHUB_EVENT_PATH"\n  id: one`));
  expect((await event.job()).post).toContain("event-read by cat");
  const left = new Lab(workflow(`- ${GUARD}\n  run: (sleep 30 > /dev/null 2>&1 &) ; cat lib/a.js\n  id: one`));
  expect((await left.job()).post).toContain("still running at the end");
});

test("the tracer killed by the job: no record, a green job, and the next one runs", async () => {
  const lab = new Lab(
    workflow(
      `- ${GUARD}\n  run: for p in $(pgrep -f dist/tracer.js); do grep -q "$RUNNER_TRACKING_ID" /proc/$p/environ && kill -9 $p; done; cat lib/a.js\n  id: one`,
    ),
  );
  const job = await lab.job();
  expect(job.status).toBe("success");
  expect(job.post).toContain("not recorded: the tracer");
  expect(skipped(await lab.again())).toBe("false");
});

test("daemon-cleanup: the Worker is killed: no tracer after 5 s, and no record", async () => {
  const lab = new Lab(workflow(`- ${GUARD}\n  run: echo up; exec sleep 60\n  id: one`));
  const running = lab.job({
    before: (step, worker) => {
      if (step === "one") setTimeout(() => process.kill(worker, "SIGKILL"), 300);
    },
    killWorker: true,
  });
  await expect(running).rejects.toThrow("the Worker is gone");
  expect(await tracersEnd(lab.base)).toBe(true);
  expect(skipped(await lab.again({ killWorker: false, cancel: { step: "one", says: "up", signal: "SIGTERM" } }))).toBe(
    "false",
  );
  expect(await tracersEnd(lab.base)).toBe(true);
});

test("no tracer: one notice, the job runs", async () => {
  const lab = new Lab();
  const job = await lab.job({ env: { FOREGONE_TRACE_BACKEND: "none" } });
  expect(job.steps["foregone"]?.log.match(/^::/gm)).toHaveLength(1);
  expect(job.steps["foregone"]?.log).toContain("::notice title=Foregone::this job cannot be recorded: no tracer");
  expect(job.status).toBe("success");
});

test("audit: a job that fails where it would have been skipped is a false skip: its records are disowned", async () => {
  const steps = `- ${GUARD}\n  run: test ! -e "$HOME/.cache/broken"\n  id: one`;
  const lab = new Lab(workflow(steps, { with: "ignore: '$HOME/.cache/**'" }));
  await lab.job();
  expect(skipped(await lab.again())).toBe("true");
  mkdirSync(join(lab.base, "home/.cache"), { recursive: true });
  writeFileSync(join(lab.base, "home/.cache/broken"), "");
  lab.write(
    ".github/workflows/ci.yml",
    workflow(steps, { with: "ignore: '$HOME/.cache/**'" }).replace("audit: 0", "audit: 1"),
  );
  lab.commit();
  const audited = await lab.again();
  expect(audited.steps["foregone"]?.outputs).toMatchObject({ skip: "false", reason: "audit" });
  expect(audited.post).toContain("::error title=Foregone::false skip");
  rmSync(join(lab.base, "home/.cache/broken"));
  lab.git("revert", "--no-edit", "HEAD");
  expect((await lab.again()).log).toContain("disowned after a false skip");
});
