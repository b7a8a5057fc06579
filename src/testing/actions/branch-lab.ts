// One repository on the double of GitHub's services: branches, pull requests and what lands of them; each job has a machine of its own,
// whose disk is thrown away.
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type ActionsDouble, REST_TOKEN } from "./double.ts";
import type { RunState } from "./rest.ts";
import type { CacheScope } from "./token.ts";
import { type JobOptions, type JobResult, WorkflowRunner } from "../workflow-runner.ts";

export interface Ask {
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

export class BranchLab {
  readonly double: ActionsDouble;
  readonly #runner: WorkflowRunner;

  private constructor(double: ActionsDouble, runner: WorkflowRunner) {
    this.double = double;
    this.#runner = runner;
    runner.repository = double.repository.fullName;
  }

  /** @param steps of the job, after its checkout */
  static with(double: ActionsDouble, steps: string, runner = new WorkflowRunner()): BranchLab {
    const lab = new BranchLab(double, runner);
    lab.write(
      ".github/workflows/ci.yml",
      `on: [push, pull_request, merge_group]\npermissions: { contents: read, actions: read }\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n${steps}`,
    );
    lab.write("lib/a.js", "a\n");
    lab.write("README.md", "r\n");
    lab.commit();
    lab.git("branch", "start");
    return lab;
  }

  get base(): string {
    return this.#runner.base;
  }

  git(...args: string[]): string {
    return this.#runner.git(...args);
  }

  write(path: string, text: string): void {
    this.#runner.write(path, text);
  }

  commit(): string {
    const sha = this.#runner.commit();
    this.know();
    return sha;
  }

  /** Another machine with the same checkout. */
  twin(): BranchLab {
    const runner = this.#runner.another();
    rmSync(runner.workspace, { recursive: true });
    cpSync(this.#runner.workspace, runner.workspace, { recursive: true });
    return new BranchLab(this.double, runner);
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
    this.#runner.clean();
    rmSync(join(this.base, "store"), { recursive: true, force: true });
    const from = performance.now();
    const result = await this.#runner.job(options);
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
