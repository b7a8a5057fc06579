// Shell completions, made from the table of commands: static text, so that a Tab starts no process.
import type { CommandSpec, OptionSpec } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Node {
  /** Words after `foregone`. */
  readonly path: readonly string[];
  readonly spec: CommandSpec;
}

export function completions(shell: Shell, commands: readonly CommandSpec[]): string {
  const nodes = commands.flatMap((spec) => walk(spec, []));
  switch (shell) {
    case "bash":
      return bash(commands, nodes);
    case "zsh":
      return zsh(commands, nodes);
    case "fish":
      return fish(commands, nodes);
    default:
      return shell satisfies never;
  }
}

function walk(spec: CommandSpec, above: readonly string[]): readonly Node[] {
  const path = [...above, spec.name];
  return [{ path, spec }, ...(spec.subcommands ?? []).flatMap((sub) => walk(sub, path))];
}

function optionsOf(spec: CommandSpec): readonly OptionSpec[] {
  return [...spec.options, { name: "help", short: "h", type: "flag", summary: "show this help" }];
}

/** What may follow a path: subcommands, or options, or for `run` the user's own commands and files. */
function bash(commands: readonly CommandSpec[], nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, spec }) => {
    const words = [...(spec.subcommands ?? []).map((sub) => sub.name), ...optionsOf(spec).map((o) => `--${o.name}`)];
    return `    "${path.join(" ")}") words="${words.join(" ")}" ;;`;
  });
  const passing = nodes.filter(({ spec }) => spec.passThrough === true).map(({ path }) => `"${path.join(" ")}"`);
  return `# bash completion for foregone: foregone completions bash > ~/.local/share/bash-completion/completions/foregone
_foregone() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" words="" i word
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    # Behind -- it is the user's own command line.
    if [[ $word == -- ]]; then
      COMPREPLY=($(compgen -c -f -- "$cur"))
      return
    fi
    [[ $word == -* ]] && continue
    case "\${path:+$path }$word" in
      ${nodes.map(({ path }) => `"${path.join(" ")}"`).join("|")}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
    "") words="${commands.map((c) => c.name).join(" ")} --help --version" ;;
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  case "$path" in
    ${passing.join("|")}) [[ $cur != -* ]] && COMPREPLY+=($(compgen -c -f -- "$cur")) ;;
    *) [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
}
complete -F _foregone foregone
`;
}

function zsh(commands: readonly CommandSpec[], nodes: readonly Node[]): string {
  const functions = nodes.map(({ path, spec }) => {
    const name = functionName(path);
    const subs = spec.subcommands;
    const options = optionsOf(spec).map((o) => `    ${zshOption(o)}`);
    if (subs === undefined) {
      const rest = spec.passThrough === true ? "'*::command: _normal'" : "'*:file:_files'";
      return `${name}() {\n  _arguments -s \\\n${options.join(" \\\n")} \\\n    ${rest}\n}`;
    }
    return `${name}() {\n${dispatch(subs, path)}\n}`;
  });
  return `#compdef foregone
# zsh completion for foregone: foregone completions zsh > "\${fpath[1]}/_foregone"
${functions.join("\n")}
_foregone() {
${dispatch(commands, [])}
}
_foregone "$@"
`;
}

/** Describes the words at this place, and hands the rest to the function of the chosen one. */
function dispatch(specs: readonly CommandSpec[], above: readonly string[]): string {
  return `  local -a words_here=(
${specs.map((s) => `    ${shellQuote(`${s.name}:${s.summary}`)}`).join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command words_here
    return
  fi
  local chosen="\${words[2]}"
  shift words
  ((CURRENT--))
  case "$chosen" in
${specs.map((s) => `    ${s.name}) ${functionName([...above, s.name])} ;;`).join("\n")}
  esac`;
}

function functionName(path: readonly string[]): string {
  return `_foregone_${path.join("_").replaceAll("-", "_")}`;
}

function zshOption({ name, short, type, placeholder, summary }: OptionSpec): string {
  const words = summary.replace(/[[\]:]/g, "\\$&");
  const value = type === "flag" ? "" : `:${(placeholder ?? "value").toLowerCase()}:_files`;
  const repeat = type === "list" ? "*" : "";
  const long = shellQuote(`${repeat}--${name}${type === "flag" ? "" : "="}[${words}]${value}`);
  return short === undefined ? long : `${long} ${shellQuote(`${repeat}-${short}[${words}]${value}`)}`;
}

function fish(commands: readonly CommandSpec[], nodes: readonly Node[]): string {
  const lines = [
    "# fish completion for foregone: foregone completions fish > ~/.config/fish/completions/foregone.fish",
    "complete -c foregone -f",
    ...commands.map((c) => `complete -c foregone -n __fish_use_subcommand -a ${c.name} -d ${shellQuote(c.summary)}`),
  ];
  for (const { path, spec } of nodes) {
    const here = path.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    const subs = spec.subcommands ?? [];
    const none = subs.length === 0 ? "" : `; and not __fish_seen_subcommand_from ${subs.map((s) => s.name).join(" ")}`;
    for (const sub of subs)
      lines.push(
        `complete -c foregone -n ${shellQuote(`${here}${none}`)} -a ${sub.name} -d ${shellQuote(sub.summary)}`,
      );
    for (const o of optionsOf(spec)) {
      const short = o.short === undefined ? "" : ` -s ${o.short}`;
      const value = o.type === "flag" ? "" : " -r -F";
      lines.push(
        `complete -c foregone -n ${shellQuote(here + none)} -l ${o.name}${short}${value} -d ${shellQuote(o.summary)}`,
      );
    }
    if (spec.passThrough === true)
      lines.push(`complete -c foregone -n ${shellQuote(here)} -a '(__fish_complete_subcommand --fcs-skip=2)'`);
  }
  return `${lines.join("\n")}\n`;
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
