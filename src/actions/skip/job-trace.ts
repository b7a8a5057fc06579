// What a job's trace says beside its reads: which of the runner's own files are no inputs, and which steps failed without failing the job.
import type { Gap } from "../../core/gap.ts";
import type { TraceEvent } from "../../trace/event.ts";
import type { Interpreted, Look } from "../../trace/interpret/interpreted.ts";
import { toMessage } from "../../trace/interpret/text.ts";
import { basename } from "../../memo/workspace.ts";

/** Where the runner keeps what it made for its steps; absolute, without links. */
export interface RunnerPaths {
  readonly temp: string;
  /** Folder of the command files. */
  readonly commands: string;
  /** The event's payload. */
  readonly event: string;
  /** Folder of our own, with the tracer's socket. */
  readonly own: string;
}

/** Scripts of `run:` steps: their text is in the job's definition, after the contexts that are part of the Action. */
const SCRIPT = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.\w+)?$/;

/** @param isNew was this path made or changed since the trace began? What is older may be an earlier step's, and an input. */
export function withoutRunnerFiles(
  seen: Interpreted,
  paths: RunnerPaths,
  isNew: (path: string) => boolean,
): Interpreted {
  const isRunners = (path: string): boolean => {
    if (below(path, paths.own) || path === paths.event) return true;
    const isScript = path.startsWith(`${paths.temp}/`) && SCRIPT.test(path.slice(paths.temp.length + 1));
    return (isScript || below(path, paths.commands)) && isNew(path);
  };
  const read = seen.looks.find(({ kind, path }) => kind === "file" && path === paths.event);
  const gaps: readonly Gap[] = read === undefined ? [] : [{ kind: "event-read", what: `by ${read.by}` }];
  return {
    ...seen,
    looks: seen.looks.filter(({ path }) => !isRunners(path)),
    changes: new Map([...seen.changes].filter(([path]) => !isRunners(path))),
    gaps: [...seen.gaps, ...gaps],
  };
}

export function withLooks(seen: Interpreted, more: readonly Omit<Look, "seq">[]): Interpreted {
  const known = new Set(seen.looks.map(({ kind, path }) => `${kind} ${path}`));
  const added = more.filter(({ kind, path }) => !known.has(`${kind} ${path}`)).map((look) => ({ ...look, seq: 0 }));
  return { ...seen, looks: [...added, ...seen.looks] };
}

/** Direct children of the runner that ended badly: in a job that passed, somebody tolerated that. */
export class StepWatch {
  readonly #root: number;
  /** Child of the runner -> the program it is. */
  readonly #steps = new Map<number, string>();
  readonly #failed: string[] = [];

  constructor(root: number) {
    this.#root = root;
  }

  onEvent(event: TraceEvent): void {
    if (event.type === "fork" && event.pid === this.#root) this.#steps.set(event.child, "a step");
    else if (event.type === "exec" && event.outcome === 0 && this.#steps.has(event.pid))
      this.#steps.set(event.pid, basename(toMessage(event.file.string)));
    else if (event.type === "exit") {
      const program = this.#steps.get(event.pid);
      this.#steps.delete(event.pid);
      if (program !== undefined && event.status !== 0) this.#failed.push(program);
    }
  }

  gaps(): Gap[] {
    return [...new Set(this.#failed)].map((what) => ({ kind: "step-tolerated", what }));
  }
}

function below(path: string, folder: string): boolean {
  return folder !== "" && (path === folder || path.startsWith(`${folder}/`));
}
