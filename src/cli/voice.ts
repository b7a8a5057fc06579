// Our own lines beside a command's output: `foregone: ` on stderr, nothing else.
import { ForegoneError } from "../core/errors.ts";
import type { CliContext } from "./command.ts";

export class Voice {
  readonly #context: CliContext;
  readonly #quiet: boolean;

  constructor(context: CliContext, quiet: boolean) {
    this.#context = context;
    this.#quiet = quiet;
  }

  say(line: string): void {
    if (!this.#quiet) this.#context.stderr.write(`foregone: ${line}\n`);
  }

  hint(line: string | undefined): void {
    if (line !== undefined) this.say(`hint: ${line}`);
  }

  /** Said even if quiet: the user would otherwise wonder why nothing is ever skipped. */
  error(error: unknown): void {
    const known = error instanceof ForegoneError;
    const text = error instanceof Error ? error.message : String(error);
    this.#context.stderr.write(
      `foregone: error ${known ? error.code : "E_INTERNAL"}: ${text}; running without Foregone\n`,
    );
    if (known && error.hint !== undefined) this.#context.stderr.write(`foregone: hint: ${error.hint}\n`);
  }
}
