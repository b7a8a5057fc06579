// The committed action under Node 24, as the runner starts it: environment, command files, state, post. `init` and `analyze` are
// played by a stub that exports what the real ones export (github/codeql-action 4.36.3); the SARIF is a recorded one.
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Log } from "sarif";
import { expect, test, type TestContext } from "vitest";
import { parse } from "yaml";
import { asText, at, objects } from "../src/codeql/sarif/look.ts";
import { runCli } from "../src/testing/cli.ts";
import { NO_NODE24, node24 } from "../src/testing/node24.ts";
import { temporaryFolder } from "../src/testing/temporary-folder.ts";

const NODE24 = node24();
const RECORDED = readFileSync("test/vectors/sarif/codeql-2.19.0-raw-typescript.sarif", "utf8");
const ACTION = parse(readFileSync("actions/setup-codeql-cache/action.yml", "utf8")) as {
  inputs: Record<string, { default?: string }>;
  outputs: Record<string, unknown>;
  runs: { main: string; post: string };
};

const WORKFLOW = `
name: CodeQL
on: [push]
jobs:
  analyze:
    strategy: { matrix: { language: [javascript] } }
    steps:
      - uses: actions/checkout@v5
      - uses: acme/foregone/actions/setup-codeql-cache@v1
        id: scan
      - uses: github/codeql-action/init@abc123
        with: { languages: "\${{ matrix.language }}", build-mode: none, tools: linked }
      - uses: github/codeql-action/analyze@abc123
        with: { category: "/language:\${{ matrix.language }}" }
`;

interface Job {
  readonly outputs: Readonly<Record<string, string>>;
  readonly log: string;
  readonly summary: string;
  readonly postLog: string;
  readonly scanned: boolean;
  readonly sarif: Log | undefined;
}

interface JobOptions {
  readonly event?: string;
  readonly ref?: string;
  readonly payload?: object;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly status?: string;
  /** Runs the scan whatever the action says. */
  readonly forgottenIf?: boolean;
  readonly sarif?: string;
  /** Between deciding and scanning. */
  readonly build?: () => void;
}

class Runner {
  readonly base = temporaryFolder();
  readonly workspace = join(this.base, "demo/demo");
  readonly temp = join(this.base, "_temp");
  #jobs = 0;

  constructor() {
    mkdirSync(this.workspace, { recursive: true });
    mkdirSync(this.temp);
    const defaults = join(this.base, "_actions/github/codeql-action/abc123/src/defaults.json");
    mkdirSync(dirname(defaults), { recursive: true });
    writeFileSync(defaults, JSON.stringify({ bundleVersion: "codeql-bundle-v2.19.0", cliVersion: "2.19.0" }));
    this.git("init", "-q", "-b", "main");
    const log = JSON.parse(RECORDED) as Log;
    const named = log.runs.flatMap((run) =>
      objects(run.artifacts).map((artifact) => asText(at(artifact, "location", "uri")) ?? ""),
    );
    for (const path of named) this.write(path, "// line\n".repeat(300));
    this.write("README.md", "# demo\n");
    this.write(".github/workflows/codeql.yml", WORKFLOW);
    this.commit();
  }

  git(...args: string[]): string {
    return execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: this.workspace,
      encoding: "utf8",
    }).trim();
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.workspace, path)), { recursive: true });
    writeFileSync(join(this.workspace, path), text);
  }

  commit(): string {
    this.git("add", "-A");
    this.git("commit", "-q", "--allow-empty", "-m", "x");
    return this.git("rev-parse", "HEAD");
  }

  get env(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.base,
      FOREGONE_CACHE_DIR: join(this.base, "store"),
      FOREGONE_CODEQL_AUDIT: "0",
    };
  }

  /** One job of the workflow above. */
  job(options: JobOptions = {}): Job {
    const id = ++this.#jobs;
    const file = (name: string): string => {
      const path = join(this.temp, `${name}-${id}`);
      writeFileSync(path, "");
      return path;
    };
    const head = this.git("rev-parse", "HEAD");
    const [output, state, summary, event] = [file("output"), file("state"), file("summary"), file("event")];
    writeFileSync(event, JSON.stringify(options.payload ?? { repository: { default_branch: "main" } }));
    let exported: Record<string, string> = {
      ...this.env,
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: this.workspace,
      GITHUB_REPOSITORY: "acme/demo",
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_SHA: head,
      GITHUB_REF: options.ref ?? "refs/heads/main",
      GITHUB_EVENT_NAME: options.event ?? "push",
      GITHUB_EVENT_PATH: event,
      GITHUB_RUN_ID: String(9000 + id),
      GITHUB_RUN_ATTEMPT: "1",
      GITHUB_JOB: "analyze",
      GITHUB_WORKFLOW: "CodeQL",
      GITHUB_WORKFLOW_REF: "acme/demo/.github/workflows/codeql.yml@refs/heads/main",
      GITHUB_WORKFLOW_SHA: head,
      GITHUB_OUTPUT: output,
      GITHUB_STATE: state,
      GITHUB_STEP_SUMMARY: summary,
      RUNNER_TEMP: this.temp,
      ImageOS: "ubuntu24",
      ...options.env,
    };
    const start = (entry: string): string => {
      const inputs = Object.entries(ACTION.inputs).map(([name, { default: value = "" }]) => [
        `INPUT_${name.toUpperCase()}`,
        options.inputs?.[name] ?? expression(value, { head, status: options.status ?? "success" }),
      ]);
      const states = Object.entries(fileCommands(state)).map(([name, value]) => [`STATE_${name}`, value]);
      const { stdout, stderr, status } = spawnSync(NODE24 ?? "", [resolve("actions/setup-codeql-cache", entry)], {
        cwd: this.workspace,
        env: { ...exported, ...Object.fromEntries([...inputs, ...states]) },
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
      expect(status, stdout + stderr).toBe(0);
      return stdout + stderr;
    };
    const log = start(ACTION.runs.main);
    const outputs = fileCommands(output);
    const scanned = options.forgottenIf === true || outputs["should-skip-scan"] !== "true";
    if (scanned) {
      options.build?.();
      exported = { ...exported, ...this.#analyse(options.sarif ?? RECORDED) };
    }
    const postLog = start(ACTION.runs.post);
    const result = outputs["cached-result"] ?? "";
    return {
      outputs,
      log,
      postLog,
      scanned,
      summary: readFileSync(summary, "utf8"),
      sarif: result === "" ? undefined : (JSON.parse(readFileSync(result, "utf8")) as Log),
    };
  }

  /** What init and analyze leave: a SARIF named after the language, and exported variables. */
  #analyse(sarif: string): Record<string, string> {
    const folder = join(this.base, "results");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "javascript.sarif"), sarif);
    const started = new Date(Date.now() - 290_000);
    utimesSync(join(folder, "javascript.sarif"), new Date(), new Date());
    return {
      CODEQL_ACTION_INIT_HAS_RUN: "true",
      CODEQL_RAM: "5923",
      CODEQL_THREADS: "2",
      CODEQL_EXTRACTOR_JAVASCRIPT_ROOT: "/opt/codeql/javascript",
      CODEQL_WORKFLOW_STARTED_AT: started.toISOString(),
      CODEQL_ACTION_SARIF_RESULTS_OUTPUT_DIR: folder,
      CODEQL_ACTION_ANALYZE_DID_COMPLETE_SUCCESSFULLY: "true",
    };
  }

  async stats(): Promise<Record<string, number>> {
    const { stdout } = await runCli(["codeql", "stats", "--json"], { cwd: this.workspace, env: this.env });
    return JSON.parse(stdout) as Record<string, number>;
  }
}

function expression(text: string, { head, status }: { head: string; status: string }): string {
  return text
    .replace("${{ github.sha }}", head)
    .replace("${{ job.status }}", status)
    .replace("${{ toJSON(matrix) }}", '{"language":"javascript"}')
    .replace("${{ github.token }}", "");
}

/** NAME<<DELIMITER, lines, DELIMITER: as the runner reads them. */
function fileCommands(path: string): Record<string, string> {
  const found: Record<string, string> = {};
  const lines = readFileSync(path, "utf8").split("\n");
  for (let i = 0; i < lines.length; i++) {
    const head = /^([^<]+)<<(.+)$/.exec(lines[i] ?? "");
    if (head?.[1] === undefined) continue;
    const end = lines.indexOf(head[2] ?? "", i);
    found[head[1]] = lines.slice(i + 1, end).join("\n");
    i = end;
  }
  return found;
}

function needsAction(context: TestContext): void {
  if (NODE24 === undefined) context.skip(NO_NODE24);
  if (!existsSync("dist/codeql-main.js")) context.skip("no dist/: npm run build");
}

test("a scan is recorded, and the next commit without a relevant change is spared one", async (context) => {
  needsAction(context);
  const runner = new Runner();
  const first = runner.job();
  expect(first).toMatchObject({
    scanned: true,
    outputs: { "should-skip-scan": "false", "cached-result": "", "cache-status": "success", reason: "no-record" },
  });
  expect(first.postLog).toContain("recorded as");
  runner.write("README.md", "# other\n");
  const head = runner.commit();
  const second = runner.job();
  expect(second).toMatchObject({
    scanned: false,
    outputs: { "should-skip-scan": "true", "cache-status": "success", reason: "hit" },
  });
  expect(Number(second.outputs["saved-seconds"])).toBeGreaterThan(280);
  expect(second.sarif?.runs[0]).toMatchObject({
    automationDetails: { id: "/language:javascript/" },
    results: [{ ruleId: "js/code-injection" }],
    properties: { "foregone/replay": { run: "9001", commit: runner.git("rev-parse", "HEAD^") } },
  });
  expect(second.summary).toContain("codeql javascript skipped");
  expect(second.summary).toContain("1 critical");
  expect(head).toBe(runner.git("rev-parse", "HEAD"));
  expect(await runner.stats()).toMatchObject({ stored: 1, hits: 1, skipped: 1 });
});

test("every documented output is written, and no other", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  const { outputs } = runner.job();
  expect(Object.keys(outputs).sort()).toEqual(Object.keys(ACTION.outputs).sort());
});

test("a relevant change scans, names the file, and is recorded under its own key", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  runner.write("yarn/src/app.ts", "// other\n".repeat(300));
  runner.commit();
  const job = runner.job();
  expect(job).toMatchObject({ scanned: true, outputs: { reason: "changed" } });
  expect(job.log).toContain("changed source yarn/src/app.ts");
  const explained = JSON.parse(readFileSync(job.outputs["explain"] ?? "", "utf8")) as { files: { path: string }[] };
  expect(explained.files.map((f) => f.path)).toEqual(["yarn/src/app.ts"]);
  runner.git("revert", "--no-edit", "HEAD");
  expect(runner.job().scanned).toBe(false);
});

test("caching off, a strange commit, a bad TTL, a contradiction: the scan runs, the step is green", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  expect(runner.job({ inputs: { "enable-caching": "false" } }).outputs).toMatchObject({
    "cache-status": "disabled",
    "should-skip-scan": "false",
  });
  expect(runner.job({ inputs: { "commit-sha": "0".repeat(40) } }).outputs).toMatchObject({
    "cache-status": "error",
    "should-skip-scan": "false",
  });
  expect(runner.job({ inputs: { "cache-ttl": "1 day" } }).outputs).toMatchObject({
    "cache-status": "error",
    "should-skip-scan": "false",
  });
  const contradiction = runner.job({ inputs: { languages: "python" } });
  expect(contradiction.outputs).toMatchObject({ "cache-status": "error", "should-skip-scan": "false" });
  expect(contradiction.log).toContain(
    '::warning title=Foregone::input languages is "python", the init step has "javascript"',
  );
  expect(runner.job({ inputs: { "cache-ttl": "0" } }).outputs).toMatchObject({
    reason: "audit",
    "should-skip-scan": "false",
  });
});

test("a store that cannot be used is a scan in a green job", (context) => {
  needsAction(context);
  const runner = new Runner();
  writeFileSync(join(runner.base, "file"), "");
  const job = runner.job({ env: { FOREGONE_CACHE_DIR: join(runner.base, "file/store") } });
  expect(job.outputs).toMatchObject({ "cache-status": "error", "should-skip-scan": "false" });
  expect(job.log).toContain("::notice title=Foregone::");
  // Every file of the store damaged: no record, no failure.
  runner.job();
  const store = join(runner.base, "store");
  for (const path of readdirSync(store, { recursive: true, encoding: "utf8" }))
    if (/records|blobs/.test(path))
      try {
        appendFileSync(join(store, path), "");
        writeFileSync(join(store, path), "damaged");
      } catch {
        // A folder.
      }
  expect(runner.job().outputs).toMatchObject({ "should-skip-scan": "false" });
});

test("a failed job, a partial scan, a changed input, a wrong version: nothing is recorded, and the log says why", (context) => {
  needsAction(context);
  const runner = new Runner();
  const partial = RECORDED.replace(
    '"semmle.formatSpecifier"',
    '"incrementalMode":["diff-informed"],"semmle.formatSpecifier"',
  );
  expect(partial).not.toBe(RECORDED);
  expect(runner.job({ status: "failure" }).postLog).toContain("the job is failure");
  const refused = runner.job({ sarif: partial });
  expect(refused.postLog).toContain("partial-run");
  expect(refused.postLog).toContain("CODEQL_ACTION_DIFF_INFORMED_QUERIES=false");
  expect(runner.job({ sarif: RECORDED.slice(0, 5000) }).postLog).toContain("not-json");
  expect(runner.job({ sarif: '{"version":"2.1.0","runs":[]}' }).postLog).toContain("no-runs");
  expect(runner.job({ sarif: RECORDED.replaceAll("2.19.0", "2.19.1") }).postLog).toContain("tool-mismatch");
  const built = runner.job({ build: () => runner.write("yarn/src/app.ts", "changed\n".repeat(300)) });
  expect(built.postLog).toContain("input-modified");
  runner.git("checkout", "-q", ".");
  expect(runner.job().scanned).toBe(true);
  expect(runner.job().scanned).toBe(false);
});

test("a hit in a job that then fails is suspect: the next one scans", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  expect(runner.job({ status: "failure" }).scanned).toBe(false);
  expect(runner.job().scanned).toBe(true);
});

test("a forgotten `if` saves nothing, is told, and its scan is compared", async (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  const job = runner.job({ forgottenIf: true });
  expect(job.postLog).toContain("::warning title=Foregone::the scan ran although should-skip-scan was true");
  expect(job.postLog).toContain("audit: same result");
  expect(await runner.stats()).toMatchObject({ skipped: 0, savedMs: 0 });
});

test("an audit that finds something else is a false skip: an error annotation, and older records are disowned", async (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  const log = JSON.parse(RECORDED) as Log;
  log.runs[0]!.results = [];
  const job = runner.job({ inputs: { audit: "1" }, sarif: JSON.stringify(log) });
  expect(job).toMatchObject({ scanned: true, outputs: { reason: "audit" } });
  expect(job.postLog).toContain("::error title=Foregone::false skip");
  expect(await runner.stats()).toMatchObject({ falseSkips: 1 });
  const next = runner.job();
  expect(next.sarif?.runs[0]?.results ?? []).toEqual([]);
});

const pull = (fork: boolean) => ({
  event: "pull_request",
  ref: "refs/pull/7/merge",
  payload: {
    repository: { default_branch: "main" },
    pull_request: { head: { ref: "topic", repo: { id: fork ? 2 : 1 } }, base: { repo: { id: 1 } } },
  },
});

test("events: pull requests are served, forks never store, merge queues are not uploaded, foreign events do neither", (context) => {
  needsAction(context);
  const runner = new Runner();
  expect(runner.job(pull(true)).postLog).toContain("a fork's pull request never stores");
  expect(runner.job(pull(false)).postLog).toContain("recorded as");
  expect(runner.job(pull(true)).outputs["should-skip-scan"]).toBe("true");
  const group = { event: "merge_group", ref: "refs/heads/gh-readonly-queue/main/pr-7-abc" };
  // Pull request scans leave file coverage out by default: they serve pull requests only.
  expect(runner.job({ ...group, status: "failure" }).log).toContain("without file coverage");
  runner.job({ ...pull(false), inputs: { "cache-ttl": "0" }, env: { CODEQL_ACTION_FILE_COVERAGE_ON_PRS: "true" } });
  const queue = runner.job({ ...group, env: { CODEQL_ACTION_FILE_COVERAGE_ON_PRS: "true" } });
  expect(queue.outputs).toMatchObject({ "should-skip-scan": "true", "cached-result": "" });
  for (const event of ["schedule", "workflow_dispatch"])
    expect(runner.job({ event }).outputs).toMatchObject({ reason: "audit" });
  const foreign = runner.job({ event: "pull_request_target" });
  expect(foreign.outputs).toMatchObject({ reason: "gap", "should-skip-scan": "false" });
  expect(foreign.postLog).toContain("runs on code of others");
});

test("what cannot be answered is listed at once, with what to change", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.write(
    ".github/workflows/codeql.yml",
    WORKFLOW.replace(", tools: linked", "").replace('${{ matrix.language }}", build', '${{ inputs.language }}", build'),
  );
  runner.commit();
  const job = runner.job();
  expect(job.outputs).toMatchObject({ reason: "unanswered", "should-skip-scan": "false", "cache-status": "success" });
  expect(job.log).toContain("languages of the init step is an expression");
  expect(runner.job({ inputs: { languages: "javascript" } }).log).toContain("hint: pin it: `tools: linked`");
});

test("hostile names in the checkout neither run a command of the runner nor break the summary", (context) => {
  needsAction(context);
  const runner = new Runner();
  runner.job();
  runner.write("::error::boo\n##[command].js", "1");
  runner.write("<img src=x>|`.ts", "1");
  runner.commit();
  const job = runner.job();
  expect(job.log.split("\n").filter((line) => /^::|^##\[/.test(line))).toEqual([]);
  expect(job.summary).not.toMatch(/<img/);
});
