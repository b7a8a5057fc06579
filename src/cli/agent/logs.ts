// foregone agent logs: the end of the log, and what comes.
import { closeSync, fstatSync, openSync, readSync, watch } from "node:fs";
import { EXIT, ForegoneError } from "../../core/errors.ts";
import type { CliContext, Parsed } from "../command.ts";
import { agentHere } from "./here.ts";

const DEFAULT_LINES = 50;
/** 10,000 lines of some 100 characters. */
const MAX_TAIL_BYTES = 1024 * 1024;

export async function logs(context: CliContext, parsed: Parsed): Promise<number> {
  const { place } = await agentHere(context);
  const lines = Number(parsed.values.get("lines") ?? DEFAULT_LINES);
  if (!Number.isSafeInteger(lines) || lines < 0)
    throw new ForegoneError("E_USAGE", `--lines wants a whole number, not "${parsed.values.get("lines")}"`);
  const end = printTail(context, place.log, lines);
  if (parsed.flags.has("follow")) await follow(context, place.log, end);
  return EXIT.done;
}

/** @returns size of the log when it was read */
function printTail(context: CliContext, path: string, lines: number): number {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    throw new ForegoneError("E_NOT_FOUND", `there is no log yet: ${path}`, { hint: "foregone agent start" });
  }
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(0, size - MAX_TAIL_BYTES);
    const bytes = Buffer.alloc(size - from);
    readSync(fd, bytes, 0, bytes.length, from);
    const all = bytes.toString().split("\n");
    const last = all.slice(Math.max(0, all.length - 1 - lines));
    context.stdout.write(last.join("\n"));
    return size;
  } finally {
    closeSync(fd);
  }
}

/** Until interrupted. A log that became shorter was rotated: it is read from its beginning. */
async function follow(context: CliContext, path: string, from: number): Promise<void> {
  let at = from;
  const more = (): void => {
    const fd = openSync(path, "r");
    try {
      const { size } = fstatSync(fd);
      if (size < at) at = 0;
      const bytes = Buffer.alloc(Math.min(MAX_TAIL_BYTES, size - at));
      at += readSync(fd, bytes, 0, bytes.length, at);
      context.stdout.write(bytes);
    } finally {
      closeSync(fd);
    }
  };
  const watcher = watch(path.slice(0, path.lastIndexOf("/")), (_, name) => {
    if (name !== null && path.endsWith(`/${name}`)) more();
  });
  await new Promise<void>((resolve) => process.once("SIGINT", () => resolve()));
  watcher.close();
}
