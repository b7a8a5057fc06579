// The runner around actions/setup-codeql-cache: environment, command files, state, post. `init` and `analyze` are played by a stub
// that exports what the real ones export (github/codeql-action 4.36.3); the SARIF is a recorded one.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Log } from "sarif";
import { expect } from "vitest";
import { parse } from "yaml";
import { main } from "../actions/codeql-main.ts";
import { post } from "../actions/codeql-post.ts";
import { runnerHost } from "../actions/host.ts";
import { asText, at, objects } from "../codeql/sarif/look.ts";
import type { UploadEffects } from "../codeql/upload.ts";
import { runCli } from "./cli.ts";
import { node24 } from "./node24.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const NODE24 = node24();
export const RECORDED = readFileSync("test/vectors/sarif/codeql-2.19.0-raw-typescript.sarif", "utf8");
/** Every file that it names. */
export const SCANNED = (JSON.parse(RECORDED) as Log).runs.flatMap((run) =>
  objects(run.artifacts).map((artifact) => asText(at(artifact, "location", "uri")) ?? ""),
);
export const ACTION = parse(readFileSync("actions/setup-codeql-cache/action.yml", "utf8")) as {
  inputs: Record<string, { default?: string }>;
  outputs: Record<string, unknown>;
  runs: { main: string; post: string };
};

export const WORKFLOW = `
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

export interface Job {
  readonly outputs: Readonly<Record<string, string>>;
  readonly log: string;
  readonly summary: string;
  readonly postLog: string;
  readonly scanned: boolean;
  readonly sarif: Log | undefined;
}

export interface JobOptions {
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

export class ScanRunner {
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
    for (const path of SCANNED) this.write(path, "// line\n".repeat(300));
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

  /** One job of the workflow above: the committed action, under Node 24. */
  job(options: JobOptions = {}): Job {
    const job = this.#begin(options);
    const start = (entry: string): string => {
      const { stdout, stderr, status } = spawnSync(NODE24 ?? "", [resolve("actions/setup-codeql-cache", entry)], {
        cwd: this.workspace,
        env: job.env(),
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
      expect(status, stdout + stderr).toBe(0);
      return stdout + stderr;
    };
    const log = start(ACTION.runs.main);
    const scanned = job.scan();
    return { ...job.results(), log, scanned, postLog: start(ACTION.runs.post) };
  }

  /** The same in this process, so that a service of the test can answer. */
  async jobHere(options: JobOptions, network?: UploadEffects): Promise<Job> {
    const job = this.#begin(options);
    const start = async (step: typeof main): Promise<string> => {
      let log = "";
      await step(
        runnerHost(job.env(), (text) => (log += text)),
        network,
      );
      return log;
    };
    const log = await start(main);
    const scanned = job.scan();
    const postLog = await start(post);
    return { ...job.results(), log, scanned, postLog };
  }

  #begin(options: JobOptions): {
    readonly env: () => Record<string, string>;
    /** @returns whether init and analyze ran */
    readonly scan: () => boolean;
    readonly results: () => Pick<Job, "outputs" | "summary" | "sarif">;
  } {
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
    return {
      env() {
        const inputs = Object.entries(ACTION.inputs).map(([name, { default: value = "" }]) => [
          `INPUT_${name.toUpperCase()}`,
          options.inputs?.[name] ?? expression(value, { head, status: options.status ?? "success" }),
        ]);
        const states = Object.entries(fileCommands(state)).map(([name, value]) => [`STATE_${name}`, value]);
        return { ...exported, ...Object.fromEntries([...inputs, ...states]) } as Record<string, string>;
      },
      scan: () => {
        if (options.forgottenIf !== true && fileCommands(output)["should-skip-scan"] === "true") return false;
        options.build?.();
        exported = { ...exported, ...this.#analyse(options.sarif ?? RECORDED) };
        return true;
      },
      results() {
        const outputs = fileCommands(output);
        const result = outputs["cached-result"] ?? "";
        return {
          outputs,
          summary: readFileSync(summary, "utf8"),
          sarif: result === "" ? undefined : (JSON.parse(readFileSync(result, "utf8")) as Log),
        };
      },
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
