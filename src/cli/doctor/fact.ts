// One line of `foregone doctor`: what was looked at, what is so, and one thing to do about it.
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
export type Section = () => Promise<readonly Fact[]>;

export function factLine({ status, name, text, mend }: Fact): string {
  return `${status.padEnd(5)} ${name.padEnd(9)} ${text}${mend === undefined ? "" : `; mend: ${mend}`}`;
}
