// Values come from standard input, a file or a hidden prompt: never from argv, which every process of the machine can read.
import { readFileSync } from "node:fs";
import { ForegoneError } from "../../core/errors.ts";
import { MAX_VALUE_BYTES, MIN_VALUE_BYTES, valueFault } from "../../secrets/values.ts";
import type { CliContext, Parsed } from "../command.ts";
import { expandPath } from "../configuration.ts";

/** @throws ForegoneError E_USAGE for a value that cannot be stored */
export async function readValue(context: CliContext, parsed: Parsed, name: string): Promise<Buffer> {
  const file = parsed.values.get("from-file");
  const given =
    file === undefined ? await readStdin(context, `value of ${name}: `) : readFile(expandPath(file, context));
  const value = parsed.flags.has("exact") ? given : withoutLineEnd(given);
  const fault = valueFault(value);
  if (fault !== undefined) throw valueError(fault, value.length);
  return value;
}

export function valueError(fault: NonNullable<ReturnType<typeof valueFault>>, sizeBytes: number): ForegoneError {
  const [what, hint] = {
    empty: ["the value is empty", 'printf %s "$TOKEN" | foregone secrets set NAME --scope S'],
    blank: ["the value is only white space", 'printf %s "$TOKEN" | foregone secrets set NAME --scope S'],
    nul: ["the value holds a NUL byte, which no environment variable can", "base64 it first"],
    short: [
      `the value has ${sizeBytes} bytes; below ${MIN_VALUE_BYTES} its mask would hide half the log`,
      "use a longer one",
    ],
    long: [
      `the value has ${sizeBytes} bytes, more than ${MAX_VALUE_BYTES}`,
      "store a key that opens the file, not the file",
    ],
    "not-utf8": ["the value is not UTF-8 text", "base64 it first"],
  }[fault] as [string, string];
  return new ForegoneError("E_USAGE", what, { hint });
}

/** One trailing line end, as `echo` writes it. */
function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ForegoneError("E_NOT_FOUND", `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

async function readStdin(context: CliContext, prompt: string): Promise<Buffer> {
  const asked = await askHidden(context, prompt);
  if (asked !== undefined) return asked;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of context.stdin as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_VALUE_BYTES + 2) throw valueError("long", size);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

type Terminal = NodeJS.ReadStream & { setRawMode(on: boolean): unknown };

/** @returns undefined if nobody sits at a terminal */
export async function askHidden(context: CliContext, prompt: string): Promise<Buffer | undefined> {
  const stdin = context.stdin as Terminal;
  if (!stdin.isTTY) return undefined;
  context.stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.resume();
  const typed: number[] = [];
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer>)
      for (const byte of Buffer.from(chunk)) {
        const [interrupt, end, backspace, erase] = [3, 4, 8, 127];
        if (byte === interrupt) throw new ForegoneError("E_USAGE", "interrupted", { exitCode: 130 });
        if (byte === end || byte === 0x0d || byte === 0x0a) return Buffer.from(typed);
        if (byte === backspace || byte === erase) typed.pop();
        else typed.push(byte);
      }
    return Buffer.from(typed);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    context.stderr.write("\n");
  }
}
