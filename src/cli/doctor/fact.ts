// One line of `foregone doctor`: what was looked at, what is so, and one thing to do about it.
import { ForegoneError } from "../../core/errors.ts";
import type { CliContext } from "../command.ts";

export interface Fact {
  readonly status: "ok" | "note" | "fail";
  /** What it is about, one word: "tracing", "git", "agent". */
  readonly name: string;
  readonly text: string;
  /** A command or setting to paste. */
  readonly mend?: string;
  /** For --json: the same facts under the types' names. */
  readonly detail?: object;
}

/** Each section looks at one thing; they run one after another and never throw for what a machine can be like. */
export type Section = (context: CliContext) => Promise<readonly Fact[]>;

/** Our own error as a fact, with its hint. */
export function failure(name: string, error: unknown): Fact {
  const text = error instanceof Error ? error.message : String(error);
  const mend = error instanceof ForegoneError ? error.hint : undefined;
  return { status: "fail", name, text, ...(mend !== undefined && { mend }) };
}

export function factLine({ status, name, text, mend }: Fact): string {
  return `${status.padEnd(5)} ${name.padEnd(9)} ${text}${mend === undefined ? "" : `; mend: ${mend}`}`;
}
