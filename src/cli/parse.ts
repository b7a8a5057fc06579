// argv -> a command and its options, by node:util parseArgs (no dependency, 0 ms: see docs/decisions/0002-command-line.md).
import { parseArgs } from "node:util";
import { ForegoneError } from "../core/errors.ts";
import type { CommandSpec, Parsed } from "./command.ts";
import { nearest } from "../core/nearest.ts";

export interface Found {
  /** From the top: ["secrets", "audit", "verify"]. */
  readonly path: readonly CommandSpec[];
  readonly rest: readonly string[];
}

/** Finds the (sub)command that argv names. @throws ForegoneError E_USAGE for an unknown word */
export function findCommand(commands: readonly CommandSpec[], argv: readonly string[]): Found {
  const path: CommandSpec[] = [];
  let known = commands;
  let at = 0;
  for (;;) {
    const word = argv[at];
    const spec = known.find((c) => c.name === word);
    if (spec === undefined) {
      const parent = path.at(-1);
      if (parent !== undefined && (parent.load !== undefined || word === undefined || word.startsWith("-"))) break;
      throw unknown(
        "command",
        word ?? "",
        known.map((c) => c.name),
        path,
      );
    }
    path.push(spec);
    at++;
    if (spec.subcommands === undefined) break;
    known = spec.subcommands;
  }
  return { path, rest: argv.slice(at) };
}

/** @throws ForegoneError E_USAGE for an unknown option, a missing value, a value too many */
export function parseOptions(spec: CommandSpec, path: readonly CommandSpec[], rest: readonly string[]): Parsed {
  const exitCode = spec.ownsStreams === true ? { exitCode: 125 } : {};
  const options = [...spec.options, { name: "help", short: "h", type: "flag" as const, summary: "show this help" }];
  const { tokens } = parseArgs({
    args: [...rest],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      options.map((o) => [
        o.name,
        { type: o.type === "flag" ? "boolean" : "string", ...(o.short !== undefined && { short: o.short }) } as const,
      ]),
    ),
  });
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind !== "option") {
      if (spec.passThrough === true) {
        const from = token.kind === "option-terminator" ? token.index + 1 : token.index;
        operands.push(...rest.slice(from));
        break;
      }
      if (token.kind === "positional") operands.push(token.value);
      continue;
    }
    const option = options.find((o) => o.name === token.name);
    if (option === undefined) {
      const names = options.map((o) => `--${o.name}`);
      throw unknown("option", token.rawName, names, path, exitCode);
    }
    if (option.type === "flag") {
      if (token.value !== undefined)
        throw new ForegoneError("E_USAGE", `option --${option.name} takes no value`, exitCode);
      flags.add(option.name);
      continue;
    }
    // An empty value is a value; a missing one, or a next option swallowed as value, is not.
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith("--")))
      throw new ForegoneError(
        "E_USAGE",
        `option --${option.name} wants a value ${option.placeholder ?? ""}`.trimEnd(),
        exitCode,
      );
    if (option.type === "list") lists.set(option.name, [...(lists.get(option.name) ?? []), token.value]);
    else if (values.has(option.name))
      throw new ForegoneError("E_USAGE", `option --${option.name} is given twice`, exitCode);
    else values.set(option.name, token.value);
  }
  return { flags, values, lists, operands };
}

function unknown(
  what: string,
  word: string,
  names: readonly string[],
  path: readonly CommandSpec[],
  more: { exitCode?: number } = {},
): ForegoneError {
  const close = nearest(word, names);
  const help = `foregone ${[...path.map((c) => c.name), "--help"].join(" ")}`;
  return new ForegoneError("E_USAGE", word === "" ? `no ${what} given` : `unknown ${what} "${word}"`, {
    ...more,
    hint: close === undefined ? `see \`${help}\`` : `did you mean \`${close}\`?`,
  });
}
