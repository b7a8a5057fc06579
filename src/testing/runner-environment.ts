// What a step of the double's jobs is given: variables, and the contexts of its expressions.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Contexts } from "./expressions.ts";
import type { JobOptions, JobResult, StepResult, WorkflowRunner } from "./workflow-runner.ts";

/** As far as the job has come. */
export interface SoFar {
  readonly steps: Readonly<Record<string, StepResult>>;
  readonly exported: Readonly<Record<string, string>>;
  readonly status: JobResult["status"];
}

export class JobEnvironment {
  readonly tracking: string;
  readonly workflowPath: string;
  readonly jobId: string;
  readonly #runner: WorkflowRunner;
  readonly #options: JobOptions;
  readonly #runId: string;

  constructor(runner: WorkflowRunner, options: JobOptions, runId: string, tracking: string) {
    this.#runner = runner;
    this.#options = options;
    this.#runId = runId;
    this.tracking = tracking;
    this.workflowPath = options.workflow ?? ".github/workflows/ci.yml";
    this.jobId = options.job ?? "test";
  }

  #github(): Record<string, string> {
    const { event = "push", ref = "refs/heads/main", attempt = 1 } = this.#options;
    const sha = this.#runner.git("rev-parse", "HEAD");
    return {
      sha,
      ref,
      ref_name: ref.replace(/^refs\/(?:heads|tags)\//, ""),
      ref_type: ref.startsWith("refs/tags/") ? "tag" : "branch",
      event_name: event,
      actor: "octocat",
      repository: this.#runner.repository,
      repository_id: "1",
      repository_owner: "acme",
      run_id: this.#runId,
      run_number: this.#runId,
      run_attempt: String(attempt),
      workflow: "CI",
      workflow_ref: `${this.#runner.repository}/${this.workflowPath}@${ref}`,
      workflow_sha: sha,
      job: this.jobId,
      server_url: "https://github.com",
      api_url: "https://api.github.com",
      token: this.#options.token ?? "ghs_of-this-job",
    };
  }

  variables(): Record<string, string> {
    const { base, temp, workspace, env } = this.#runner;
    const event = join(temp, "_github_workflow/event.json");
    mkdirSync(dirname(event), { recursive: true });
    writeFileSync(event, JSON.stringify(this.#options.payload ?? { repository: { default_branch: "main", id: 1 } }));
    const { token: _, ...github } = this.#github();
    return {
      HOME: join(base, "home"),
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_WORKSPACE: workspace,
      GITHUB_EVENT_PATH: event,
      ...Object.fromEntries(Object.entries(github).map(([name, value]) => [`GITHUB_${name.toUpperCase()}`, value])),
      // A machine that no other job could write to.
      RUNNER_ENVIRONMENT: "github-hosted",
      RUNNER_OS: "Linux",
      RUNNER_ARCH: "X64",
      RUNNER_NAME: `runner-${this.#runId}`,
      RUNNER_TEMP: temp,
      RUNNER_TRACKING_ID: this.tracking,
      FOREGONE_CACHE_DIR: join(base, "store"),
      ...env,
      ...this.#options.env,
    };
  }

  contexts(env: Readonly<Record<string, unknown>>, { steps: done, exported, status }: SoFar): Contexts {
    const { matrix } = this.#options;
    const steps = Object.fromEntries(
      Object.entries(done).map(([id, { outputs, code, ran }]) => [
        id,
        { outputs, outcome: ran ? (code === 0 ? "success" : "failure") : "skipped" },
      ]),
    );
    const github = this.#github();
    return {
      github: { ...github, event: this.#options.payload ?? {} },
      env: { ...env, ...exported },
      matrix: matrix ?? null,
      job: {
        status,
        workflow_ref: github["workflow_ref"],
        workflow_sha: github["workflow_sha"],
        check_run_id: this.#options.checkRun ?? 77,
      },
      runner: { os: "Linux", arch: "X64", temp: this.#runner.temp },
      steps,
      secrets: {},
      vars: {},
      needs: {},
      inputs: {},
      strategy: {},
      ...this.#options.contexts,
    };
  }
}
