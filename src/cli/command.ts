// What a command is to the shell: data that makes parsing, --help, docs/cli.md and completions, and a module loaded only
// when the command runs.

export interface OptionSpec {
  readonly name: string;
  readonly short?: string;
  /** "flag" takes no value; "value" takes one; "list" may be repeated. */
  readonly type: "flag" | "value" | "list";
  /** Placeholder in help, e.g. "FILE". */
  readonly placeholder?: string;
  readonly summary: string;
}

export interface CommandSpec {
  readonly name: string;
  /** One line, lower case, no full stop. */
  readonly summary: string;
  /** What follows the name, e.g. "[options] -- CMD ARGS..." */
  readonly usage: string;
  /** Paragraphs of help below the usage. */
  readonly details?: string;
  readonly options: readonly OptionSpec[];
  /** True: everything after the first operand or `--` belongs to the command and is not parsed. */
  readonly passThrough?: boolean;
  /** `run` and `exec` own neither stream: our own usage errors exit 125 there. */
  readonly ownsStreams?: boolean;
  readonly examples?: readonly string[];
  /** Not for people: left out of help and documentation. */
  readonly hidden?: boolean;
  readonly subcommands?: readonly CommandSpec[];
  /** Absent for a group that only has subcommands. */
  readonly load?: () => Promise<CommandModule>;
}

export interface Parsed {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

/** What a command may touch of the process. Tests hand in their own. */
export interface CliContext {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

export interface CommandModule {
  /** @returns the exit code */
  run(context: CliContext, parsed: Parsed): Promise<number>;
}

/** `--json`, the same for every query command. */
export const JSON_OPTION: OptionSpec = { name: "json", type: "flag", summary: "print one JSON document on stdout" };
