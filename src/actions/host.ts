// The runner as a JavaScript action sees it: inputs, outputs and state by files, messages by workflow commands.
// actions/runner 2.336: file commands need a delimiter that cannot occur in the value; messages must not begin a line of ours.
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";

export interface Host {
  readonly env: Readonly<Record<string, string>>;
  /** Trimmed; empty if not given. */
  input(name: string): string;
  output(name: string, value: string): void;
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
    const delimiter = `ghadelimiter_${randomBytes(16).toString("hex")}`;
    appendFileSync(path, `${name}<<${delimiter}\n${value}\n${delimiter}\n`);
  };
  return {
    env,
    input: (name) => (env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim(),
    output: (name, value) => append("GITHUB_OUTPUT", name, value),
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

/** As the runner unescapes it: @actions/core, command.ts. */
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
