// Step mode through the committed bundle under Node 24: what executes, what is put back, what a person sees.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { NO_NODE24, node24 } from "../src/testing/node24.ts";
import { processesOf, tracersEnd } from "../src/testing/processes.ts";
import { type JobOptions, type JobResult, WorkflowRunner } from "../src/testing/workflow-runner.ts";

// Each starts several jobs with a tracer of their own; a loaded machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

beforeEach((context) => {
  if (node24() === undefined) context.skip(NO_NODE24);
  if (!existsSync("dist/foregone-main.js")) context.skip("no dist/: npm run build");
});

const SCRIPT = `set -o pipefail
cat lib/a.js >&2
ls docs > listing.txt
test ! -e lib/none.js || echo there
mkdir -p out && echo made > out/file && chmod 755 out/file
echo "name=value" >> "$GITHUB_OUTPUT"
echo "LATER=from the step" >> "$GITHUB_ENV"
echo "$PWD/bin" >> "$GITHUB_PATH"
echo "# hello" >> "$GITHUB_STEP_SUMMARY"
echo "executed"
date +%N >> "$EXECUTIONS"`;

function workflow(options: { run?: string; with?: string; permissions?: string; env?: string } = {}): string {
  const { run = SCRIPT, permissions = "{ contents: read, actions: read }" } = options;
  return `name: CI
on: [push]
permissions: ${permissions}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: acme/foregone@v1
        id: step
        with:
          audit: 0
          ${options.with ?? ""}
          run: |
${run.replace(/^/gm, "            ")}
${options.env === undefined ? "" : `        env: ${options.env}\n`}      - run: echo "LATER=$LATER PATH=$PATH name=\${{ steps.step.outputs.name }}"
        id: later
`;
}

class Lab extends WorkflowRunner {
  readonly #count = join(this.base, "home/.cache/count");

  constructor(text = workflow()) {
    super();
    mkdirSync(join(this.base, "home/.cache"), { recursive: true });
    // The command counts its executions where nobody looks: a cache is no result and no input.
    this.env["EXECUTIONS"] = this.#count;
    this.write(".github/workflows/ci.yml", text);
    this.write("lib/a.js", "a\n");
    this.write("docs/x.md", "x");
    this.write("README.md", "r");
    this.commit();
  }

  get executions(): number {
    return existsSync(this.#count) ? readFileSync(this.#count, "utf8").split("\n").length - 1 : 0;
  }

  async twice(options: JobOptions = {}): Promise<[JobResult, JobResult]> {
    const first = await this.job(options);
    this.clean();
    return [first, await this.job(options)];
  }
}

test("step-hit: the same bytes, files and command files, and no execution", async () => {
  const lab = new Lab();
  const [first, second] = await lab.twice();
  expect(first.steps["step"]).toMatchObject({
    code: 0,
    outputs: { skip: "false", reason: "no-record", name: "value" },
  });
  expect(first.steps["step"]?.log).toContain("recorded");
  expect(lab.executions).toBe(1);
  expect(second.steps["step"], second.log).toMatchObject({
    code: 0,
    outputs: { skip: "true", reason: "hit", name: "value" },
  });
  expect(second.steps["step"]?.outputs["record"]).toMatch(/^sha256:/);
  expect(readFileSync(join(lab.workspace, "out/file"), "utf8")).toBe("made\n");
  expect(readFileSync(join(lab.workspace, "listing.txt"), "utf8")).toBe("x.md\n");
  // One stream each: which of two pipes is read first is chance.
  expect(second.steps["step"]?.log).toMatch(/^a$/m);
  expect(second.steps["step"]?.log).toMatch(/^executed$/m);
  for (const job of [first, second]) {
    expect(job.steps["later"]?.log).toMatch(/LATER=from the step PATH=\S+\/bin:\S* name=value/);
    expect(job.summary).toContain("# hello");
  }
  expect(second.summary).toMatch(/### Foregone: set -o pipefail skipped[\s\S]*proved by.*actions\/runs\/\d+/);
  expect(second.log.split("\n").filter((line) => line.startsWith("::"))).toEqual([]);
});

test.each([
  ["a read file", (lab: Lab): unknown => lab.write("lib/a.js", "b\n"), "lib/a.js changed, first read by cat"],
  ["a listed folder", (lab: Lab): unknown => lab.write("docs/y.md", ""), "docs/ has other entries, first listed by ls"],
  ["a file that was looked for", (lab: Lab): unknown => lab.write("lib/none.js", ""), "lib/none.js appeared"],
  ["a variable", (lab: Lab): unknown => (lab.env["MODE"] = "x"), "no record of this command: env MODE differs"],
  ["the image", (lab: Lab): unknown => (lab.env["ImageOS"] = "ubuntu26"), "no record of this command"],
] as const)("step-miss: %s is named", async (_, change, expected) => {
  const lab = new Lab();
  await lab.job();
  lab.clean();
  change(lab);
  lab.commit();
  const job = await lab.job();
  expect(job.steps["step"]?.outputs["skip"]).toBe("false");
  expect(job.log).toContain(expected);
  expect(lab.executions).toBe(2);
});

test("what differs on every run is withheld, unless the script names it; then it is an input", async () => {
  const lab = new Lab(workflow({ run: "env | cut -d= -f1 | sort > names.txt; date +%N >> $EXECUTIONS" }));
  const first = await lab.job();
  const names = readFileSync(join(lab.workspace, "names.txt"), "utf8").split("\n");
  expect(names).toEqual(expect.arrayContaining(["GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_OUTPUT", "RUNNER_TEMP"]));
  for (const name of [
    "GITHUB_SHA",
    "GITHUB_REF",
    "GITHUB_EVENT_NAME",
    "RUNNER_NAME",
    "ACTIONS_RUNTIME_TOKEN",
    "INPUT_RUN",
  ])
    expect(names).not.toContain(name);
  lab.clean();
  const pull = { event: "push", ref: "refs/heads/topic" };
  expect((await lab.job({ ...pull, ref: "refs/heads/main" })).log).toMatch(/hit\.[\s\S]*not passed: GITHUB_/);
  const named = new Lab(workflow({ run: 'echo "$GITHUB_REF"; date +%N >> $EXECUTIONS' }));
  await named.twice();
  expect(named.executions).toBe(1);
  expect((await named.job({ ref: "refs/heads/other" })).log).toContain("env GITHUB_REF differs");
  expect(first.status).toBe("success");
});

test("`env: inherit` passes all, `!NAME` passes unobserved and is printed, `NAME` is observed", async () => {
  const lab = new Lab(
    workflow({ run: 'echo "$GITHUB_SHA ${TOKEN_OF_DAY:-}"', with: "env: inherit\n          ignore: env:TOKEN_OF_DAY" }),
  );
  lab.env["TOKEN_OF_DAY"] = "1";
  const first = await lab.job();
  expect(first.log).toContain(lab.git("rev-parse", "HEAD"));
  lab.env["TOKEN_OF_DAY"] = "2";
  expect((await lab.job()).log).toMatch(/hit\.[\s\S]*opt-outs: ignore env:TOKEN_OF_DAY/);
});

test("failing-step: the exit code is the command's, and nothing is recorded", async () => {
  const lab = new Lab(workflow({ run: 'echo out=1 >> "$GITHUB_OUTPUT"; date +%N >> $EXECUTIONS; exit 7' }));
  const first = await lab.job();
  expect([first.status, first.steps["step"]?.code, first.steps["step"]?.outputs["out"]]).toEqual(["failure", 7, "1"]);
  expect(first.log).toContain("not recorded: exit code 7");
  expect((await lab.job()).steps["step"]?.code).toBe(7);
  expect(lab.executions).toBe(2);
});

test("cancelled: the signal reaches the command, its exit code is kept, nothing is recorded", async () => {
  const lab = new Lab(workflow({ run: 'trap "echo trapped; exit 9" INT; echo up; while :; do sleep 0.05; done' }));
  const job = await lab.job({ cancel: { step: "step", says: "up\n", signal: "SIGINT" } });
  expect(job.steps["step"]?.log).toContain("trapped");
  expect([job.status, job.steps["step"]?.code]).toEqual(["cancelled", 9]);
});

test("timed-out: we are killed with the command running: no record, no process left, the next one runs", async () => {
  const lab = new Lab(workflow({ run: "cat lib/a.js; echo up; test -e docs/quick || sleep 60" }));
  const job = await lab.job({ cancel: { step: "step", says: "up\n", signal: "SIGKILL" } });
  expect([job.status, job.post]).toEqual(["cancelled", ""]);
  expect(await tracersEnd(lab.base)).toBe(true);
  expect(processesOf(lab.base)).toEqual([]);
  lab.write("docs/quick", "");
  lab.commit();
  expect((await lab.job()).steps["step"]).toMatchObject({ code: 0, outputs: { skip: "false", reason: "no-record" } });
});

test("no-tracer: the command runs, one notice says why, and it runs again", async () => {
  const lab = new Lab();
  lab.env["FOREGONE_TRACE_BACKEND"] = "none";
  const [first, second] = await lab.twice();
  expect(first.steps["step"]?.log.match(/^::/gm)).toHaveLength(1);
  expect(first.steps["step"]?.log).toMatch(/^::notice title=Foregone::.*no tracer/m);
  expect([first.status, second.steps["step"]?.outputs["skip"]]).toEqual(["success", "false"]);
  expect(lab.executions).toBe(2);
});

test("no-checkout and a store that cannot be used: a plain run, the command's exit code, one notice", async () => {
  const lab = new Lab(workflow({ run: "date +%N >> $EXECUTIONS; echo x=1 >> $GITHUB_OUTPUT; exit 4" }));
  writeFileSync(join(lab.base, "file"), "");
  const job = await lab.job({ env: { FOREGONE_CACHE_DIR: join(lab.base, "file/store") } });
  expect(job.steps["step"]).toMatchObject({ code: 4, outputs: { x: "1", skip: "false", reason: "error" } });
  expect(job.steps["step"]?.log.match(/^::/gm)).toHaveLength(1);
  expect(lab.executions).toBe(1);
  rmSync(join(lab.workspace, ".git"), { recursive: true });
  mkdirSync(join(lab.base, "elsewhere"));
  lab.git("init", "-q");
  lab.git("commit", "-q", "--allow-empty", "-m", "other");
  const other = await lab.job();
  expect(other.steps["step"]).toMatchObject({ code: 4, outputs: { reason: "gap" } });
  expect(other.log).toContain("is not in this checkout");
});

test("a wrong input fails the step before the command starts", async () => {
  const lab = new Lab(workflow({ with: "trust: everybody" }));
  const job = await lab.job();
  expect(job.steps["step"]?.code).toBe(1);
  expect(job.log).toContain('::error title=Foregone::input trust is "everybody"');
  expect(lab.executions).toBe(0);
});

test("privileged jobs run, are told why and what to change; listed by name they are skipped", async () => {
  const none = new Lab(workflow().replace(/^permissions.*\n/m, ""));
  const [first, second] = await none.twice();
  expect(first.log).toContain("hint: permissions: { contents: read, actions: read }");
  expect(second.steps["step"]?.outputs).toMatchObject({ skip: "false", reason: "gap" });
  const write = new Lab(workflow({ permissions: "{ contents: write }" }));
  expect((await write.twice())[1].log).toContain("privileged-job permissions: contents: write");
  const secret = new Lab(workflow({ env: "{ KEY: '${{ secrets.DEPLOY_KEY }}' }" }));
  expect((await secret.twice())[1].log).toContain("privileged-job secrets.DEPLOY_KEY");
  const listed = new Lab(workflow({ permissions: "{ contents: write }", with: "ignore: privileged-job" }));
  expect((await listed.twice())[1].steps["step"]?.outputs["skip"]).toBe("true");
});

test("rerun, schedule and untrusted-events: neither is skipped; a second attempt is not recorded", async () => {
  const lab = new Lab();
  expect((await lab.job({ attempt: 2 })).log).toContain("only a first attempt is evidence");
  expect((await lab.job()).steps["step"]?.outputs["reason"]).toBe("no-record");
  lab.clean();
  for (const options of [{ attempt: 2 }, { event: "schedule" }, { event: "workflow_dispatch" }])
    expect((await lab.job(options)).steps["step"]?.outputs).toMatchObject({ skip: "false", reason: "audit" });
  const foreign = await lab.job({ event: "pull_request_target" });
  expect(foreign.steps["step"]?.outputs).toMatchObject({ skip: "false", reason: "gap" });
});

test("audit: a difference is a false skip: an error annotation in a green job, and the records are disowned", async () => {
  const lab = new Lab(workflow({ run: 'cat "$HOME/.cache/unseen" 2>/dev/null || true\ndate +%N >> "$EXECUTIONS"' }));
  lab.env["FOREGONE_SKIP_IGNORE"] = "$HOME/.cache/**";
  await lab.job();
  writeFileSync(join(lab.base, "home/.cache/unseen"), "different\n");
  expect((await lab.job()).steps["step"]?.outputs["skip"]).toBe("true");
  lab.write(
    ".github/workflows/ci.yml",
    readFileSync(join(lab.workspace, ".github/workflows/ci.yml"), "utf8").replace("audit: 0", "audit: 1"),
  );
  lab.commit();
  const audited = await lab.job();
  expect(audited.status).toBe("success");
  expect(audited.log).toContain("::error title=Foregone::false skip");
});

test("hostile names neither run a command of the runner nor break the summary", async () => {
  const lab = new Lab(workflow({ run: "cat ./*.txt" }));
  lab.write("::error::boo\n##[command]<img src=x>|`.txt", "1");
  lab.commit();
  await lab.job();
  lab.clean();
  lab.write("::error::boo\n##[command]<img src=x>|`.txt", "2");
  lab.commit();
  const job = await lab.job();
  expect(job.steps["step"]?.log).toContain("changed, first read by cat");
  expect(job.log.split("\n").filter((line) => /^::|^##\[/.test(line))).toEqual([]);
  expect(job.summary).not.toMatch(/<img/);
});

test("a token in what would be kept: nothing is kept", async () => {
  const lab = new Lab(workflow({ run: "echo ghp_012345678901234567890123456789abcdef" }));
  expect((await lab.job()).log).toContain("not recorded: a credential in stdout");
  expect((await lab.job()).steps["step"]?.outputs["skip"]).toBe("false");
});

test("legs of a matrix and jobs of a workflow never share a key", async () => {
  const lab = new Lab();
  await lab.job({ matrix: { node: 20 } });
  expect((await lab.job({ matrix: { node: 20 } })).steps["step"]?.outputs["skip"]).toBe("true");
  expect((await lab.job({ matrix: { node: 22 } })).steps["step"]?.outputs["skip"]).toBe("false");
});
