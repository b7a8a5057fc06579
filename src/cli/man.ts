// foregone(1), made from the table of commands: roff with the man macros, as every `man` reads it.
import { ERROR_CODES, EXIT } from "../core/errors.ts";
import type { CommandSpec } from "./command.ts";
import { optionName } from "./help.ts";

export function manPage(commands: readonly CommandSpec[], version: string): string {
  const lines = [
    `.TH FOREGONE 1 "" "foregone ${version}" "User Commands"`,
    ".SH NAME",
    "foregone \\- keeps CI from doing the same work twice, and proves each time why it may",
    ".SH SYNOPSIS",
    ".B foregone",
    ".I COMMAND",
    "[options]",
    ".SH DESCRIPTION",
    "A command ran, this is what it observed, this is what came out. While every observation still holds the result is foregone: it is",
    "reused. Anything unknown, unanswered, lost or untrusted means that the command runs, with a named reason.",
    ".SH COMMANDS",
    ...commands.flatMap((spec) => section(spec, [])),
    ".SH EXIT STATUS",
    "\\fBrun\\fR and \\fBexec\\fR exit with the command's own code, 128+n for signal n. Others:",
    ...Object.entries(EXIT).flatMap(([name, code]) => [".TP", `.B ${code}`, escape(words(name))]),
    ".SH DIAGNOSTICS",
    "An error has a code, what happened and why, and a hint:",
    ...Object.entries(ERROR_CODES).flatMap(([code, text]) => [".TP", `.B ${escape(code)}`, escape(text)]),
    ".SH FILES",
    ".TP",
    ".I .github/cache-config.yml, .github/p2p-config.yml",
    "settings of a repository; \\fBforegone config show \\-\\-origin\\fR says what holds and why",
    ".TP",
    ".I ~/.cache/foregone",
    "the store",
    "",
  ];
  return lines.join("\n");
}

function section(spec: CommandSpec, above: readonly string[]): readonly string[] {
  const path = [...above, spec.name];
  const lines = [
    `.SS ${escape(`foregone ${path.join(" ")} ${spec.subcommands === undefined ? spec.usage : ""}`.trim())}`,
  ];
  lines.push(`${escape(spec.summary)}.`);
  if (spec.details !== undefined)
    for (const paragraph of spec.details.split("\n\n")) lines.push(".PP", escape(paragraph));
  for (const option of spec.options) lines.push(".TP", `.B ${escape(optionName(option))}`, escape(option.summary));
  if (spec.examples !== undefined) lines.push(".PP", ".nf", ".RS", ...spec.examples.map(escape), ".RE", ".fi");
  return [...lines, ...(spec.subcommands ?? []).flatMap((sub) => section(sub, path))];
}

/** A backslash and a dash mean something to roff, and so does a dot or a quote at the start of a line. */
function escape(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/gm, "\\&");
}

function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
