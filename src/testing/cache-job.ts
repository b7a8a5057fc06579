// A job on a runner, for setup-github-cache: a process that is the runner (so that it can be killed), command files, later steps in
// the runner's shells, state and post. The upstream is the double.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { parse } from "yaml";
import { parseCommandFile } from "./command-file-parser.ts";
import { GitHubSemantics } from "./github-semantics.ts";
import { serveDouble } from "./github-server.ts";
import { GitHubTable } from "./github-table.ts";
import { node24 } from "./node24.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const ACTION = parse(readFileSync("actions/setup-github-cache/action.yml", "utf8")) as {
  inputs: Record<string, { default?: string }>;
  runs: { main: string; post: string };
};

/** Runs what it is told, one program at a time, as its parent; ends when its own parent does. */
const RUNNER = `
process.on("disconnect", () => process.exit());
process.on("message", ({ argv, env, cwd }) => {
  const child = require("node:child_process").spawn(argv[0], argv.slice(1), { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  process.send({ pid: child.pid });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (text += bytes));
  child.on("error", (error) => process.send({ code: 127, text: String(error) }));
  // "close", not "exit": the runner waits for whoever holds the step's output.
  child.on("close", (code) => process.send({ code, text }));
});`;

export interface Step {
  readonly code: number | null;
  readonly text: string;
  readonly outputs: ReadonlyMap<string, string>;
  readonly variables: ReadonlyMap<string, string>;
  readonly state: ReadonlyMap<string, string>;
  readonly path: readonly string[];
  readonly summary: string;
}

export interface StepHooks {
  /** The step's process has started. */
  readonly onStart?: (pid: number) => void;
}

export class CacheJob {
  readonly base = temporaryFolder();
  readonly temp = join(this.base, "_temp");
  readonly table: GitHubTable;
  readonly double: GitHubSemantics;
  env: Record<string, string>;
  readonly #runner: ChildProcess;
  #steps = 0;

  readonly #origin: string;

  private constructor(table: GitHubTable, double: GitHubSemantics, origin: string) {
    this.table = table;
    this.double = double;
    this.#origin = origin;
    mkdirSync(this.temp);
    this.env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.base,
      GITHUB_ACTIONS: "true",
      GITHUB_API_URL: "https://api.github.com",
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_REPOSITORY: "o/r",
      GITHUB_WORKSPACE: this.base,
      RUNNER_TEMP: this.temp,
      RUNNER_TRACKING_ID: "github_test",
      FOREGONE_API_UPSTREAMS: JSON.stringify({ "api.github.com": origin }),
    };
    this.#runner = spawn(process.execPath, ["-e", RUNNER], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    onTestFinished(() => void this.#runner.kill("SIGKILL"));
  }

  static async start(): Promise<CacheJob> {
    const table = new GitHubTable();
    const double = new GitHubSemantics((request, token) =>
      request.path === "/rate_limit"
        ? { status: 200, headers: { "content-type": "application/json" }, body: Buffer.from("{}") }
        : table.origin(request, token),
    );
    const server = await serveDouble(double);
    onTestFinished(() => server.close());
    return new CacheJob(table, double, server.origin);
  }

  /** A job on another machine, before the same GitHub. */
  elsewhere(): CacheJob {
    return new CacheJob(this.table, this.double, this.#origin);
  }

  async main(inputs: Readonly<Record<string, string>> = {}, hooks: StepHooks = {}): Promise<Step> {
    return this.#action("main", inputs, new Map(), hooks);
  }

  async post(main: Step): Promise<Step> {
    return this.#action("post", {}, main.state, {});
  }

  /** A `run:` step after `main`, with the default shell (bash -e) or another one; `env` is the step's own. */
  async later(
    main: Step,
    script: string,
    env: Readonly<Record<string, string>> = {},
    shell: readonly string[] = ["bash", "-e"],
  ): Promise<Step> {
    const file = join(this.temp, `script-${this.#steps}`);
    writeFileSync(file, script);
    const PATH = [...main.path.toReversed(), this.env["PATH"]].join(":");
    // The runner sets its own variables last: GITHUB_API_URL from GITHUB_ENV is overwritten, silently.
    const made = {
      ...this.env,
      ...Object.fromEntries(main.variables),
      ...env,
      PATH,
      GITHUB_API_URL: this.env["GITHUB_API_URL"] ?? "",
    };
    return this.#run([...shell, file], made, resolve("."), {});
  }

  /** As a power cut would. */
  kill(): void {
    this.#runner.kill("SIGKILL");
  }

  #action(
    which: "main" | "post",
    inputs: Readonly<Record<string, string>>,
    state: ReadonlyMap<string, string>,
    hooks: StepHooks,
  ): Promise<Step> {
    const given = Object.fromEntries(
      Object.entries(ACTION.inputs).map(([name, { default: value = "" }]) => [
        `INPUT_${name.toUpperCase()}`,
        inputs[name] ?? (value.startsWith("$") ? "ghs_of_the_job" : value),
      ]),
    );
    const states = Object.fromEntries([...state].map(([name, value]) => [`STATE_${name}`, value]));
    const entry = resolve("actions/setup-github-cache", ACTION.runs[which]);
    return this.#run([node24() ?? "", entry], { ...this.env, ...given, ...states }, this.base, hooks);
  }

  async #run(
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd: string,
    hooks: StepHooks,
  ): Promise<Step> {
    const files = this.#files();
    const { code, text } = await new Promise<{ code: number | null; text: string }>((done, reject) => {
      const heard = (message: { pid?: number; code?: number | null; text?: string }): void => {
        if (message.pid !== undefined) return hooks.onStart?.(message.pid);
        this.#runner.off("message", heard);
        done({ code: message.code ?? null, text: message.text ?? "" });
      };
      this.#runner.on("message", heard);
      this.#runner.once("exit", () => reject(new Error("the runner is gone")));
      this.#runner.send({ argv, env: { ...env, ...files }, cwd });
    });
    const read = (name: string): string => readFileSync(files[name] ?? "", "utf8");
    return {
      code,
      text,
      outputs: parseCommandFile(read("GITHUB_OUTPUT")).variables,
      variables: parseCommandFile(read("GITHUB_ENV")).variables,
      state: parseCommandFile(read("GITHUB_STATE")).variables,
      path: read("GITHUB_PATH")
        .split("\n")
        .filter((line) => line !== ""),
      summary: read("GITHUB_STEP_SUMMARY"),
    };
  }

  #files(): Record<string, string> {
    this.#steps += 1;
    return Object.fromEntries(
      ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"].map((name) => {
        const path = join(this.temp, `${name}-${this.#steps}`);
        writeFileSync(path, "", { mode: 0o600 });
        return [name, path];
      }),
    );
  }
}

/** Supervisor and agent of a job. */
export function processesOf(main: Step): readonly number[] {
  const supervisor = Number(main.state.get("pid"));
  return [supervisor, ...childrenOf(supervisor)];
}

export function childrenOf(parent: number): readonly number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && statOf(pid)?.[1] === String(parent));
}

/** Whatever was started with this HOME. */
export function processesWithHome(folder: string): readonly number[] {
  const pids = readdirSync("/proc").map(Number);
  return pids.filter(
    (pid) => pid > 0 && pid !== process.pid && isAlive(pid) && environOf(pid).includes(`HOME=${folder}`),
  );
}

function environOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.[0];
  return state !== undefined && state !== "Z";
}

/** State, parent, ... behind the name (proc(5)). */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
