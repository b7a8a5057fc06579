// Help text, made from the table.
import type { CommandSpec, OptionSpec } from "./command.ts";

export function overview(commands: readonly CommandSpec[], version: string): string {
  return [
    `foregone ${version}: keeps CI from doing the same work twice, and proves each time why it may`,
    "",
    "usage: foregone COMMAND [options]",
    "",
    ...table(commands.filter((c) => c.hidden !== true).map((c) => [c.name, c.summary])),
    "",
    "foregone COMMAND --help tells more; foregone --version prints the version",
    "",
  ].join("\n");
}

export function commandHelp(path: readonly CommandSpec[]): string {
  const spec = path.at(-1);
  if (spec === undefined) throw new TypeError("commandHelp: empty path");
  const name = path.map((c) => c.name).join(" ");
  const parts = [`foregone ${name}: ${spec.summary}`, "", `usage: foregone ${name} ${spec.usage}`.trimEnd()];
  if (spec.details !== undefined) parts.push("", spec.details);
  if (spec.subcommands !== undefined) parts.push("", ...table(spec.subcommands.map((c) => [c.name, c.summary])));
  if (spec.options.length > 0)
    parts.push("", "options:", ...table(spec.options.map((o) => [optionName(o), o.summary])));
  if (spec.examples !== undefined) parts.push("", "examples:", ...spec.examples.map((e) => `  ${e}`));
  return `${parts.join("\n")}\n`;
}

export function optionName(option: OptionSpec): string {
  const value = option.type === "flag" ? "" : ` ${option.placeholder ?? "VALUE"}`;
  return `${option.short === undefined ? "" : `-${option.short}, `}--${option.name}${value}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
