// Names under which a value may be handed to a process. Some variables are not data but orders to the programs that read them:
// a credential named LD_PRELOAD is code. Rules and known answers: test/vectors/masking/masking.json, `names`.

/** Compared without regard to case; `*` stands for any rest. */
const PROTECTED = [
  "PATH",
  "NODE_OPTIONS",
  "LD_*",
  "DYLD_*",
  "BASH_ENV",
  "ENV",
  "IFS",
  "PS4",
  "PROMPT_COMMAND",
  "SHELLOPTS",
  "PYTHONPATH",
  "PYTHONSTARTUP",
  "PYTHONHOME",
  "PERL5OPT",
  "PERL5LIB",
  "RUBYOPT",
  "RUBYLIB",
  "JAVA_TOOL_OPTIONS",
  "_JAVA_OPTIONS",
  "GIT_*",
  "npm_config_*",
  "GITHUB_*",
  "RUNNER_*",
  "ACTIONS_*",
  "DOTNET_STARTUP_HOOKS",
];
const MAX_NAME = 128;

export type NameFault = "empty" | "pattern" | "protected";

/** @returns undefined if a value may be handed over under this name */
export function nameFault(name: string): NameFault | undefined {
  if (name === "") return "empty";
  if (name.length > MAX_NAME || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return "pattern";
  const lower = name.toLowerCase();
  const isProtected = PROTECTED.some((entry) => {
    const wanted = entry.toLowerCase();
    return wanted.endsWith("*") ? lower.startsWith(wanted.slice(0, -1)) : lower === wanted;
  });
  return isProtected ? "protected" : undefined;
}
