// The terminal shell: parse -> load one command -> run -> exit code. The only catch of the CLI.
import { EXIT, ForegoneError } from "../core/errors.ts";
import type { CliContext, CommandSpec } from "./command.ts";
import { findCommand, parseOptions } from "./parse.ts";
import { VERSION } from "./version.ts";

export async function commandLine(
  argv: readonly string[],
  context: CliContext,
  commands: readonly CommandSpec[],
): Promise<number> {
  try {
    const [first] = argv;
    if (first === "--version" || first === "-V") {
      context.stdout.write(`foregone ${VERSION}\n`);
      return EXIT.done;
    }
    if (first === undefined || first === "--help" || first === "-h" || first === "help") {
      const { overview } = await import("./help.ts");
      (first === undefined ? context.stderr : context.stdout).write(overview(commands, VERSION));
      return first === undefined ? EXIT.usage : EXIT.done;
    }
    const { path, rest } = findCommand(commands, argv);
    const spec = path.at(-1);
    if (spec === undefined) throw new TypeError("no command");
    const parsed = parseOptions(spec, path, rest);
    if (parsed.flags.has("help") || spec.load === undefined) {
      const { commandHelp } = await import("./help.ts");
      (parsed.flags.has("help") ? context.stdout : context.stderr).write(commandHelp(path));
      return parsed.flags.has("help") ? EXIT.done : EXIT.usage;
    }
    const module = await spec.load();
    return await module.run(context, parsed);
  } catch (error) {
    return report(error, context);
  }
}

function report(error: unknown, context: CliContext): number {
  if (error instanceof ForegoneError) {
    context.stderr.write(`foregone: error ${error.code}: ${error.message}\n`);
    if (error.hint !== undefined) context.stderr.write(`foregone: hint: ${error.hint}\n`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  context.stderr.write(`foregone: error E_INTERNAL: a bug in foregone ${VERSION}: ${text}\n`);
  context.stderr.write("foregone: hint: please report it with the lines above and `foregone doctor --json`\n");
  return EXIT.bug;
}
