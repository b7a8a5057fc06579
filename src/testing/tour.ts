// docs/tour.md as a program: its console blocks are run in one shell, as a user with an empty home, and what they print is compared
// with what the page says, or written into it. Numbers, digests and times differ between runs and are not compared.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface TourCommand {
  /** As typed; several lines for a here-document. */
  readonly text: string;
  readonly output: readonly string[];
  /** Line of the page, from 1. */
  readonly line: number;
  /** In a block that only a fresh clone runs. */
  readonly fresh: boolean;
}

const FRESH = "<!-- a fresh clone only -->";

/** Commands of all ```console blocks: "$ " begins one, "> " goes on with it, the rest is output. */
export function parseTour(page: string): readonly TourCommand[] {
  const commands: { text: string; output: string[]; line: number; fresh: boolean }[] = [];
  let inside = false;
  let fresh = false;
  for (const [i, line] of page.split("\n").entries()) {
    if (!inside) {
      if (line === FRESH) fresh = true;
      else if (line === "```console") inside = true;
      continue;
    }
    const last = commands.at(-1);
    if (line === "```") {
      inside = false;
      fresh = false;
    } else if (line.startsWith("$ ")) commands.push({ text: line.slice(2), output: [], line: i + 1, fresh });
    else if (line.startsWith("> ") && last?.output.length === 0) last.text += `\n${line.slice(2)}`;
    else last?.output.push(line);
  }
  return commands;
}

/** The page with these outputs instead of those it has. @param outputs by the line of their command */
export function withOutputs(page: string, outputs: ReadonlyMap<number, readonly string[]>): string {
  const lines = page.split("\n");
  for (const { text, output, line } of parseTour(page).toReversed()) {
    const said = outputs.get(line);
    if (said !== undefined) lines.splice(line - 1 + text.split("\n").length, output.length, ...said);
  }
  return lines.join("\n");
}

/** What two runs of the same command have in common. */
export function comparable(output: readonly string[]): readonly string[] {
  return output
    .map((line) =>
      line
        .replace(/\b[0-9a-f]{8,64}\b/g, "ID")
        .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?Z/g, "TIME")
        .replace(/#token=.*/g, "#token=...")
        .replace(/\d+(?:[.,]\d+)*(?: (?:ms|s|min|h|B|kB|MB|GB)\b)?(?: \d+ s)?/g, "N")
        .replace(/\S*\/(?=(?:api|agent)\.sock)/g, "")
        .replace(/[ \t]+/g, " ")
        .trimEnd(),
    )
    .filter((line) => line !== "");
}

export interface ShellOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Another user, by number; needs root. */
  readonly uid?: number;
}

const DEADLINE_MS = 300_000;

/** One bash for all commands, so that `cd` and `export` last. Both streams, in the order they come. */
export class TourShell {
  readonly #bash: ChildProcess;
  readonly #mark = `--- ${Math.random().toString(36).slice(2)} `;
  readonly #lines: string[] = [];
  #done: ((code: number) => void) | undefined;

  constructor({ cwd, env, uid }: ShellOptions) {
    const who = uid === undefined ? {} : { uid, gid: uid };
    this.#bash = spawn("bash", ["--norc"], { cwd, env, stdio: ["pipe", "pipe", "inherit"], ...who });
    if (this.#bash.stdout !== null)
      createInterface({ input: this.#bash.stdout }).on("line", (line) => {
        const at = line.indexOf(this.#mark);
        if (at < 0) return void this.#lines.push(line);
        if (at > 0) this.#lines.push(line.slice(0, at));
        this.#done?.(Number(line.slice(at + this.#mark.length)));
      });
  }

  async run(text: string): Promise<{ readonly code: number; readonly output: readonly string[] }> {
    this.#lines.length = 0;
    const quoted = `'${text.replaceAll("'", "'\\''")}'`;
    const code = await new Promise<number>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no end in ${DEADLINE_MS / 1000} s: ${text}`)), DEADLINE_MS);
      const gone = (): void => reject(new Error(`the shell ended: ${text}`));
      this.#bash.once("exit", gone);
      this.#done = (ended) => {
        clearTimeout(late);
        this.#bash.off("exit", gone);
        resolve(ended);
      };
      this.#bash.stdin?.write(`eval ${quoted} </dev/null 2>&1; printf '%s%s\\n' '${this.#mark}' $?\n`);
    });
    return { code, output: [...this.#lines] };
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#bash.once("close", resolve));
    this.#bash.stdin?.end();
    await ended;
  }
}
