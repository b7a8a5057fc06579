// The shell of a `run` input, as the runner starts it for a `run:` step: actions/runner 2.336, ScriptHandlerHelpers.cs.

export interface ScriptCommand {
  /** With `{0}` where the path of the script goes. */
  readonly argv: readonly string[];
  readonly extension: string;
  readonly script: string;
}

const TEMPLATES: Readonly<Record<string, string>> = {
  bash: "bash --noprofile --norc -e -o pipefail {0}",
  sh: "sh -e {0}",
  python: "python {0}",
  pwsh: `pwsh -command ". '{0}'"`,
};
const EXTENSIONS: Readonly<Record<string, string>> = { bash: ".sh", sh: ".sh", python: ".py", pwsh: ".ps1" };

/**
 * @param shell the input; empty: the runner's default on Linux
 * @param hasBash is there a bash on the PATH of the command?
 */
export function scriptCommand(
  shell: string,
  run: string,
  hasBash: boolean,
): ScriptCommand | { readonly mistake: string } {
  const name = shell === "" ? (hasBash ? "bash" : "sh") : shell;
  // Unset, bash has no `pipefail`.
  const template = shell === "" ? `${name} -e {0}` : (TEMPLATES[name] ?? shell);
  if (!template.includes("{0}"))
    return { mistake: `shell "${shell}" is neither ${Object.keys(TEMPLATES).join(", ")} nor a command with {0}` };
  const words = splitWords(template);
  if (words === undefined) return { mistake: `shell "${shell}" has an open quote` };
  return { argv: words, extension: EXTENSIONS[name] ?? "", script: wrapped(name, run) };
}

export function withScript(command: ScriptCommand, path: string): readonly string[] {
  return command.argv.map((word) => word.replaceAll("{0}", path));
}

/** PowerShell neither stops at an error nor hands on an exit code by itself. */
function wrapped(name: string, run: string): string {
  if (name !== "pwsh") return run.endsWith("\n") ? run : `${run}\n`;
  return `$ErrorActionPreference = 'stop'\n${run}\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }\n`;
}

/** Words apart by blanks, double quotes around one that has some: the rules of .NET's ProcessStartInfo, without escapes. */
function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word = "";
  let quoted = false;
  let open = false;
  for (const char of text) {
    if (char === '"') {
      quoted = !quoted;
      open = true;
    } else if (/\s/.test(char) && !quoted) {
      if (open) words.push(word);
      word = "";
      open = false;
    } else {
      word += char;
      open = true;
    }
  }
  if (open) words.push(word);
  return quoted ? undefined : words;
}
