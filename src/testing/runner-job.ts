// One job of the double: step by step, as children of one process named Runner.Worker.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { parse } from "yaml";
import { parseCommandFile } from "./command-file-parser.ts";
import { holds, substitute } from "./expressions.ts";
import { node24 } from "./node24.ts";
import { JobEnvironment, type SoFar } from "./runner-environment.ts";
import type {
  ActionSource,
  JobOptions,
  JobResult,
  JobSource,
  StepResult,
  StepSource,
  WorkflowRunner,
} from "./workflow-runner.ts";

/** How workflows of the tests name this repository. */
const OURS = /^acme\/foregone(\/[^@]*)?@/;

export class RunningJob {
  readonly #runner: WorkflowRunner;
  readonly #options: JobOptions;
  readonly #runId: string;
  readonly #worker: ChildProcess;
  readonly #replies: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #environment: JobEnvironment;
  readonly #steps: Record<string, StepResult> = {};
  readonly #order: string[] = [];
  readonly #posts: { id: string; uses: string; step: StepSource; state: Record<string, string> }[] = [];
  #exported: Record<string, string> = {};
  #path: string[] = [];
  #status: JobResult["status"] = "success";
  #summary = "";
  #files = 0;

  constructor(runner: WorkflowRunner, options: JobOptions, runId: string) {
    this.#runner = runner;
    this.#options = options;
    this.#runId = runId;
    this.#environment = new JobEnvironment(runner, options, runId, `github_${randomUUID()}`);
    this.#worker = spawn(join(runner.base, "Runner.Worker"), [resolve("src/testing/runner-worker.mjs")], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH: process.env["PATH"] ?? "" },
    });
    this.#reader = createInterface({ input: this.#worker.stdout! });
    this.#replies = this.#reader[Symbol.asyncIterator]();
  }

  get #soFar(): SoFar {
    return { steps: this.#steps, exported: this.#exported, status: this.#status };
  }

  async run(): Promise<JobResult> {
    const { workspace } = this.#runner;
    const workflow = parse(readFileSync(join(workspace, this.#environment.workflowPath), "utf8")) as {
      env?: Record<string, unknown>;
      jobs: Record<string, JobSource>;
    };
    const job = workflow.jobs[this.#environment.jobId];
    if (job === undefined) throw new Error(`no job ${this.#environment.jobId}`);
    const base = { ...texts(workflow.env), ...texts(job.env) };
    for (const [index, step] of job.steps.entries()) await this.#step(step, step.id ?? `__step_${index}`, base, "");
    let post = "";
    for (const { id, uses, step, state } of this.#posts.reverse()) {
      const action = this.#action(uses);
      const ran = await this.#action24(action, action.source.runs.post ?? "", step, `${id}:post`, base, state);
      post += ran.log;
    }
    const log = this.#order.map((id) => this.#steps[id]?.log ?? "").join("");
    return {
      status: this.#status,
      steps: this.#steps,
      post,
      log,
      summary: this.#summary,
      runId: this.#runId,
      ran: this.#order,
    };
  }

  /** What carries this job's id is killed, from one look at /proc; then the Worker ends. */
  end(): void {
    if (this.#options.killWorker === true) this.#worker.kill("SIGKILL");
    else {
      for (const pid of this.leftovers()) process.kill(pid, "SIGKILL");
      this.#worker.stdin?.end();
    }
    this.#reader.close();
  }

  leftovers(): number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/environ`, "latin1").includes(
            `RUNNER_TRACKING_ID=${this.#environment.tracking}`,
          );
        } catch {
          return false;
        }
      });
  }

  async #step(step: StepSource, id: string, jobEnv: Readonly<Record<string, unknown>>, nested: string): Promise<void> {
    this.#options.before?.(id, this.#worker.pid ?? 0);
    const contexts = this.#environment.contexts({ ...jobEnv, ...texts(step.env) }, this.#soFar);
    const job = { status: this.#status };
    if (!holds(step.if, contexts, job)) {
      this.#steps[id] = { id, ran: false, code: 0, log: "", outputs: {}, summary: "", ms: 0 };
      return;
    }
    this.#order.push(id);
    const env = { ...texts(jobEnv), ...texts(step.env) };
    if (step.run !== undefined) await this.#script(step, id, env, nested);
    else if (step.uses?.startsWith("actions/checkout@") === true)
      this.#steps[id] = { id, ran: true, code: 0, log: "", outputs: {}, summary: "", ms: 0 };
    else await this.#uses(step, id, env);
    const done = this.#steps[id];
    if (done !== undefined && done.code !== 0 && step["continue-on-error"] !== true && this.#status === "success")
      this.#status = "failure";
    if (this.#options.cancel?.step === id) this.#status = "cancelled";
  }

  async #script(step: StepSource, id: string, env: Record<string, unknown>, folder: string): Promise<void> {
    const path = join(this.#runner.temp, `${randomUUID()}.sh`);
    const contexts = this.#environment.contexts(env, this.#soFar);
    writeFileSync(path, substitute(step.run ?? "", contexts, { status: this.#status }));
    const cwd = join(this.#runner.workspace, step["working-directory"] ?? folder);
    await this.#start(id, ["bash", "-e", path], cwd, env, {});
  }

  async #uses(step: StepSource, id: string, env: Record<string, unknown>): Promise<void> {
    const uses = step.uses ?? "";
    const action = this.#action(uses);
    if (action.source.runs.using === "composite") {
      const inner = action.source.runs.steps ?? [];
      for (const [index, item] of inner.entries()) await this.#step(item, `${id}.${item.id ?? index}`, env, "");
      const results = inner.map((item, index) => this.#steps[`${id}.${item.id ?? index}`]);
      const failed = results.find((result) => result !== undefined && result.code !== 0);
      this.#steps[id] = { id, ran: true, code: failed?.code ?? 0, log: "", outputs: {}, summary: "", ms: 0 };
      return;
    }
    const { state } = await this.#action24(action, action.source.runs.main ?? "", step, id, env, {});
    if (action.source.runs.post !== undefined) this.#posts.push({ id, uses, step, state });
  }

  #action(uses: string): { readonly folder: string; readonly source: ActionSource } {
    const ours = OURS.exec(uses);
    const folder = ours === null ? join(this.#runner.workspace, uses) : resolve(`.${ours[1] ?? ""}`);
    return { folder, source: parse(readFileSync(join(folder, "action.yml"), "utf8")) as ActionSource };
  }

  /** A JavaScript action: it alone gets inputs, state and the tokens of the runtime. */
  async #action24(
    { folder, source }: { readonly folder: string; readonly source: ActionSource },
    entry: string,
    step: StepSource,
    id: string,
    env: Record<string, unknown>,
    state: Readonly<Record<string, string>>,
  ): Promise<{ readonly log: string; readonly state: Record<string, string> }> {
    const contexts = this.#environment.contexts(env, this.#soFar);
    const job = { status: this.#status };
    const inputs = Object.fromEntries(
      Object.entries(source.inputs ?? {}).map(([name, input]) => [
        `INPUT_${name.replaceAll(" ", "_").toUpperCase()}`,
        substitute(asText(step.with?.[name] ?? input.default), contexts, job),
      ]),
    );
    const states = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
    const own = {
      ...inputs,
      ...states,
      GITHUB_ACTION: id.replace(/:post$/, ""),
      GITHUB_ACTION_REPOSITORY: "acme/foregone",
      GITHUB_ACTION_REF: "v1",
      ACTIONS_RUNTIME_TOKEN: this.#options.env?.["ACTIONS_RUNTIME_TOKEN"] ?? "runtime-token-of-this-job",
    };
    const node = node24() ?? process.execPath;
    return this.#start(id, [node, join(folder, entry)], this.#runner.workspace, env, own);
  }

  async #start(
    id: string,
    argv: readonly string[],
    cwd: string,
    env: Record<string, unknown>,
    own: Readonly<Record<string, string>>,
  ): Promise<{ readonly log: string; readonly state: Record<string, string> }> {
    const contexts = this.#environment.contexts(env, this.#soFar);
    const values = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, substitute(asText(value), contexts, { status: this.#status })]),
    );
    const files = this.#commandFiles();
    const PATH = [...this.#path, this.#runner.env["PATH"] ?? process.env["PATH"] ?? ""].join(":");
    const all = { ...this.#environment.variables(), ...this.#exported, ...values, PATH, ...own, ...files };
    const { cancel } = this.#options;
    const from = performance.now();
    this.#worker.stdin?.write(`${JSON.stringify({ argv, cwd, env: all, ...(cancel?.step === id && { cancel }) })}\n`);
    const { value, done } = await this.#replies.next();
    if (done === true) throw new Error("the Worker is gone");
    const { code, log } = JSON.parse(value) as { code: number; log: string };
    const text = Buffer.from(log, "latin1").toString();
    const read = (name: keyof typeof files): string => readFileSync(files[name], "utf8");
    const variables = (name: keyof typeof files): Record<string, string> => {
      const parsed = parseCommandFile(read(name));
      if (parsed.error !== undefined) throw new Error(`${name}: ${parsed.error}`);
      return Object.fromEntries(parsed.variables);
    };
    Object.assign(this.#exported, variables("GITHUB_ENV"));
    this.#path.unshift(
      ...read("GITHUB_PATH")
        .split("\n")
        .filter((line) => line !== "")
        .reverse(),
    );
    const summary = read("GITHUB_STEP_SUMMARY");
    this.#summary += summary;
    const before = this.#steps[id];
    this.#steps[id] = {
      id,
      ran: true,
      code,
      log: text,
      outputs: { ...before?.outputs, ...variables("GITHUB_OUTPUT") },
      summary: (before?.summary ?? "") + summary,
      ms: performance.now() - from,
    };
    return { log: text, state: variables("GITHUB_STATE") };
  }

  #commandFiles(): Record<
    "GITHUB_OUTPUT" | "GITHUB_ENV" | "GITHUB_PATH" | "GITHUB_STATE" | "GITHUB_STEP_SUMMARY",
    string
  > {
    const folder = join(this.#runner.temp, "_runner_file_commands");
    mkdirSync(folder, { recursive: true });
    this.#files++;
    const file = (kind: string): string => {
      const path = join(folder, `${kind}_${this.#runId}_${this.#files}`);
      writeFileSync(path, "");
      return path;
    };
    return {
      GITHUB_OUTPUT: file("set_output"),
      GITHUB_ENV: file("set_env"),
      GITHUB_PATH: file("add_path"),
      GITHUB_STATE: file("save_state"),
      GITHUB_STEP_SUMMARY: file("step_summary"),
    };
  }
}

function texts(values: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
  return { ...values };
}

function asText(value: unknown): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}
