// The process that outlives the step: it starts the agent, and stands in for it with plain doors if it dies, so that no later step
// sees a socket that does not answer. It ends itself with the job: whoever kills what, nothing is left behind.
//
//   main --fork, detached--> supervisor --fork--> agent (github-cache-agent.ts)
//
// What has a secret in it (settings) goes over the IPC channel: an environment could be read in /proc.
import { type ChildProcess, fork } from "node:child_process";
import { existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiHost } from "../github/engine.ts";
import type { ApiDoors } from "../github/proxy.ts";
import { PID_FILE } from "./github-cache-process.ts";

/** What main tells the supervisor, and the supervisor the agent. */
export interface Start {
  /** The agent's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Private; goes with the supervisor. Its inode tells it from a later one of the same name. */
  readonly folder: string;
  readonly inode: number;
  /** Process of the runner: when it is gone the job is over. Undefined where it cannot be seen (a container). */
  readonly runnerPid: number | undefined;
}

export interface Ready {
  readonly doors: ApiDoors;
  readonly hosts: readonly ApiHost[];
  readonly passHosts: readonly string[];
  readonly origins: Readonly<Record<string, string>>;
  /** Folder of what is kept. */
  readonly store: string;
  /** For the post step: how what is kept is found by later jobs. Undefined: by no others than those of this machine. */
  readonly pack: { readonly name: string; readonly perKey: number } | undefined;
  readonly notes: readonly string[];
}

export type Report = { readonly ready: Ready } | { readonly disabled: true } | { readonly failed: string };

/** How soon it is noticed that the job has gone. */
const WATCH_MS = 1000;
/** GitHub's longest job on a runner of one's own is 5 days; where the runner cannot be seen, a hosted job's 6 hours. */
const LIFE_MS = { seen: 5 * 86_400_000, unseen: 6 * 3_600_000 };
/** The agent gives its services 5 s. */
const STOP_MS = 7000;

export function supervise(script: string): void {
  process.once("message", (start: Start) => new Supervisor(script, start).run());
}

class Supervisor {
  readonly #start: Start;
  readonly #agent: ChildProcess;
  readonly #runnerStart: string | undefined;
  readonly #born = performance.now();
  #ready: Ready | undefined;
  #stopping = false;

  constructor(script: string, start: Start) {
    this.#start = start;
    this.#runnerStart = start.runnerPid === undefined ? undefined : startOf(start.runnerPid);
    writeFileSync(join(start.folder, PID_FILE), `${process.pid}\n`, { mode: 0o600 });
    const log = openSync(join(start.folder, "log"), "a", 0o600);
    this.#agent = fork(script, ["agent"], { execArgv: [], cwd: "/", stdio: ["ignore", log, log, "ipc"] });
  }

  run(): void {
    this.#agent.once("message", (report: Report) => {
      if ("ready" in report) this.#ready = report.ready;
      process.send?.(report, () => process.disconnect?.());
    });
    this.#agent.once("exit", (code, signal) => void this.#agentGone(`${signal ?? code}`));
    this.#agent.send(this.#start);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => this.#stop());
    setInterval(() => {
      if (this.#jobIsOver()) this.#stop();
    }, WATCH_MS);
  }

  async #agentGone(how: string): Promise<void> {
    if (this.#stopping) return this.#end();
    const ready = this.#ready;
    if (ready === undefined) {
      process.send?.({ failed: `the agent ended at once (${how})` } satisfies Report, () => this.#end());
      if (!process.connected) this.#end();
      return;
    }
    const [{ openStandIn }, { nodeHasher, systemClock, systemRandom }] = await Promise.all([
      import("../github/stand-in.ts"),
      import("../node/ports.ts"),
    ]);
    try {
      await openStandIn({
        ports: { clock: systemClock, hasher: nodeHasher, random: systemRandom },
        ...ready,
        upstream: { origins: ready.origins, env: this.#start.env },
      });
    } catch {
      // Then later steps find no process to ask, and go straight to GitHub.
      this.#end();
    }
  }

  #jobIsOver(): boolean {
    const { runnerPid } = this.#start;
    const life = runnerPid === undefined ? LIFE_MS.unseen : LIFE_MS.seen;
    if (performance.now() - this.#born > life || !this.#ownsFolder()) return true;
    return runnerPid !== undefined && startOf(runnerPid) !== this.#runnerStart;
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    if (this.#agent.exitCode !== null || this.#agent.signalCode !== null) return this.#end();
    this.#agent.kill("SIGTERM");
    setTimeout(() => this.#agent.kill("SIGKILL"), STOP_MS);
  }

  #end(): void {
    if (this.#ownsFolder()) rmSync(this.#start.folder, { recursive: true, force: true });
    process.exit(0);
  }

  #ownsFolder(): boolean {
    return statSync(this.#start.folder, { throwIfNoEntry: false })?.ino === this.#start.inode;
  }
}

/** Tells a process from a later one with the same number. Undefined: there is none. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may hold anything: field 22 of proc(5), and a zombie counts as gone.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return existsSync("/proc/self") ? undefined : aliveText(pid);
  }
}

/** Where there is no /proc (macOS). */
function aliveText(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return "alive";
  } catch {
    return undefined;
  }
}
