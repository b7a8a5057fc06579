// The runner as a JavaScript action sees it: inputs, outputs and state by files, messages by workflow commands.
// actions/runner 2.336: file commands need a delimiter that cannot occur in the value; messages must not begin a line of ours.
import { appendFileSync } from "node:fs";
import { systemRandom } from "../node/ports.ts";
import { commandFileEntry } from "../secrets/command-file.ts";
import { escapeData } from "../secrets/masking.ts";

export interface Host {
  readonly env: Readonly<Record<string, string>>;
  /** Trimmed; empty if not given. */
  input(name: string): string;
  output(name: string, value: string): void;
  /** A variable for all later steps. */
  variable(name: string, value: string): void;
  /** A folder that later steps find programs in. */
  path(folder: string): void;
  /** Told to the runner before anything of the value can reach a log. Data of one `::add-mask::`, already escaped. */
  mask(escaped: string): void;
  /** For the post step of this action. */
  saveState(name: string, value: string): void;
  state(name: string): string;
  log(line: string): void;
  annotate(level: "notice" | "warning" | "error", message: string): void;
  /** Appended to the job summary. */
  summary(markdown: string): void;
}

export function runnerHost(env: Readonly<Record<string, string>>, write: (text: string) => void): Host {
  const append = (variable: string, name: string, value: string): void => {
    const path = env[variable];
    if (path === undefined || path === "") return;
    appendFileSync(path, commandFileEntry(systemRandom, name, value));
  };
  return {
    env,
    input: (name) => (env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim(),
    output: (name, value) => append("GITHUB_OUTPUT", name, value),
    variable: (name, value) => append("GITHUB_ENV", name, value),
    path(folder) {
      const file = env["GITHUB_PATH"];
      if (file !== undefined && file !== "") appendFileSync(file, `${folder}\n`);
    },
    mask: (escaped) => write(`::add-mask::${escaped}\n`),
    saveState: (name, value) => append("GITHUB_STATE", name, value),
    state: (name) => env[`STATE_${name}`] ?? "",
    // A line that begins with "::" or "##[" would be a command to the runner.
    log: (line) => write(`${line.replace(/^(?=::|##\[)/, " ")}\n`),
    annotate: (level, message) => write(`::${level} title=Foregone::${escapeData(message)}\n`),
    summary(markdown) {
      const path = env["GITHUB_STEP_SUMMARY"];
      if (path === undefined || path === "") return;
      try {
        appendFileSync(path, `${markdown}\n`);
      } catch {
        // A summary is for reading; a full disk must not fail the step.
      }
    },
  };
}
