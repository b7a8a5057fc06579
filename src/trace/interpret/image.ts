// Which program a process is: from its last exec. Names who looked, and tells git apart from everybody else.
import type { Bytes, TraceEvent } from "../event.ts";
import { toMessage } from "./text.ts";

/** A process from one exec to the next. Its forks are the same program. */
export interface Image {
  readonly pid: number;
  readonly argv: readonly string[];
  /** "node (vitest)", "python3 (setup.py)", "cc1". */
  readonly by: string;
  readonly isGit: boolean;
  /** Where it was started: absolute, in the caller's mount namespace; `undefined` if nobody can say. */
  readonly cwd: string | undefined;
}

type ExecEvent = Extract<TraceEvent, { type: "exec" }>;

/** Programs that are named after what they run. */
const INTERPRETERS =
  /^(?:node|nodejs|deno|bun|python[\d.]*|ruby|perl|php|java|bash|sh|dash|zsh|ksh|pwsh|tclsh|lua|Rscript)$/;

export class Images {
  readonly #byPid = new Map<number, Image>();
  readonly all: Image[] = [];
  readonly #first: Image;

  /** @param by the name of whoever was never seen to execute anything */
  constructor(by: string) {
    this.#first = { pid: 0, argv: [], by, isGit: false, cwd: undefined };
  }

  of(pid: number): Image {
    return this.#byPid.get(pid) ?? this.#first;
  }

  /** Was this process ever one of the run's? */
  knows(pid: number): boolean {
    return this.#byPid.has(pid);
  }

  saw(pid: number): void {
    if (!this.#byPid.has(pid)) this.#byPid.set(pid, this.#first);
  }

  forked(parent: number, child: number): void {
    this.#byPid.set(child, this.of(parent));
  }

  /** @param isScript the executed file begins with "#!" */
  executed(event: ExecEvent, isScript: boolean, cwd: string | undefined): Image {
    const { pid, file } = event;
    const program = event.object?.path ?? file.string;
    const argv = (event.argv ?? [file.string]).map(toMessage);
    const image: Image = {
      pid,
      argv,
      by: programName(toMessage(event.interpreter ?? file.string), argv),
      isGit: isGit(program) && !isScript,
      cwd,
    };
    this.#byPid.set(pid, image);
    if (this.all.length < MAX_IMAGES) this.all.push(image);
    return image;
  }
}

/** Enough to explain any build; each holds its argv. */
const MAX_IMAGES = 10_000;

function isGit(program: Bytes): boolean {
  const name = basename(program);
  return name === "git" || (program.includes("/git-core/") && name.startsWith("git-"));
}

/** The program, and the script it runs: its package if it lies in node_modules, else its path as it was given. */
export function programName(file: string, argv: readonly string[]): string {
  const program = basename(file);
  if (!INTERPRETERS.test(program)) return program;
  const script = scriptOf(argv.slice(1));
  if (script === undefined) return program;
  const inModules = /^(?:.*\/)?node_modules\/(.*)$/.exec(script)?.[1];
  if (inModules === undefined) return `${program} (${shorten(script)})`;
  const [scope = "", name = ""] = inModules.split("/");
  if (scope === ".bin") return `${program} (${name})`;
  return `${program} (${scope.startsWith("@") ? `${scope}/${name}` : scope})`;
}

function scriptOf(args: readonly string[]): string | undefined {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    // The program text itself, or a module's name.
    if (/^-[a-zA-Z]*[ce]$/.test(arg) || arg === "--eval" || arg === "-p" || arg === "--print") return undefined;
    if (arg === "-m") return args[i + 1];
    if (/^(?:-r|--require|--import|--loader|-W|-X|-C|--conditions|-cp|-classpath|-jar)$/.test(arg)) {
      if (arg === "-jar") return args[i + 1];
      i++;
    } else if (!arg.startsWith("-")) return arg;
  }
  return undefined;
}

/** A path too long to read is told by its end. */
function shorten(script: string): string {
  if (script.length <= 40) return script;
  const parts = script.split("/");
  return parts.slice(-2).join("/");
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
