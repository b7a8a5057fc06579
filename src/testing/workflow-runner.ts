// The runner's double: reads a real workflow of a real repository and runs a job of it as actions/runner does: environment, command
// files, `if`, continue-on-error, state, post steps in reverse order, and the kill of what is left behind. Our own action is the
// committed bundle under Node 24.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Contexts } from "./expressions.ts";
import { node24 } from "./node24.ts";
import { RunningJob } from "./runner-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface StepSource {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string | boolean;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly "continue-on-error"?: boolean;
  readonly "working-directory"?: string;
}
export interface JobSource {
  readonly env?: Readonly<Record<string, unknown>>;
  readonly strategy?: { readonly matrix?: Readonly<Record<string, unknown>> };
  readonly steps: readonly StepSource[];
}
export interface ActionSource {
  readonly inputs?: Readonly<Record<string, { readonly default?: unknown }>>;
  readonly runs: {
    readonly using: string;
    readonly main?: string;
    readonly post?: string;
    readonly steps?: readonly StepSource[];
  };
}

export interface JobOptions {
  readonly job?: string;
  readonly workflow?: string;
  readonly matrix?: Readonly<Record<string, unknown>>;
  readonly event?: string;
  readonly ref?: string;
  readonly payload?: object;
  readonly attempt?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The signal is sent to this step (by id) as soon as it says the word; the job is then cancelled. */
  readonly cancel?: { readonly step: string; readonly says: string; readonly signal: NodeJS.Signals };
  /** Called before each step. */
  readonly before?: (step: string, worker: number) => void;
  /** The Worker is killed instead of ending the job. */
  readonly killWorker?: boolean;
  readonly contexts?: Contexts;
  /** Default: another one each time. */
  readonly runId?: string;
  readonly checkRun?: number;
  /** `github.token`. */
  readonly token?: string;
}

export interface StepResult {
  readonly id: string;
  readonly ran: boolean;
  readonly code: number;
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly ms: number;
}
export interface JobResult {
  readonly status: "success" | "failure" | "cancelled";
  readonly steps: Readonly<Record<string, StepResult>>;
  readonly post: string;
  readonly log: string;
  readonly summary: string;
  readonly runId: string;
  /** Ids of the steps that ran, in order. */
  readonly ran: readonly string[];
}

export class WorkflowRunner {
  readonly base: string;
  readonly workspace: string;
  readonly temp: string;
  env: Record<string, string> = {};
  repository = "acme/demo";
  static #runs = 9000;

  constructor(base = temporaryFolder()) {
    this.base = base;
    this.workspace = join(base, "work/demo/demo");
    this.temp = join(base, "work/_temp");
    mkdirSync(this.workspace, { recursive: true });
    mkdirSync(this.temp, { recursive: true });
    mkdirSync(join(base, "home"), { recursive: true });
    symlinkSync(node24() ?? process.execPath, join(base, "Runner.Worker"));
    this.git("init", "--quiet", "--initial-branch=main");
  }

  /** A runner of the same kind, with a folder of its own. */
  another(): WorkflowRunner {
    return new WorkflowRunner();
  }

  git(...args: string[]): string {
    const identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
    return execFileSync("git", [...identity, ...args], { cwd: this.workspace, encoding: "utf8" }).trim();
  }

  write(path: string, text: string): void {
    const absolute = join(this.workspace, path);
    mkdirSync(dirname(absolute), { recursive: true });
    writeFileSync(absolute, text);
  }

  commit(): string {
    this.git("add", "-A");
    this.git("commit", "--quiet", "--allow-empty", "-m", "c");
    return this.git("rev-parse", "HEAD");
  }

  /** What a checkout leaves: no untracked file. */
  clean(): void {
    this.git("clean", "-fdxq");
  }

  async job(options: JobOptions = {}): Promise<JobResult> {
    // A checkout is older than the step that reads it; the clock of files ticks every 4 to 10 ms.
    for (const until = Date.now() + 25; Date.now() < until;);
    const running = new RunningJob(this, options, options.runId ?? String(++WorkflowRunner.#runs));
    try {
      return await running.run();
    } finally {
      running.end();
    }
  }
}
