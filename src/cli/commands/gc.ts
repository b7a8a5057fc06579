import { EXIT, ForegoneError } from "../../core/errors.ts";
import { nodeDeflate } from "../../node/store-files.ts";
import { gcText } from "../../report/store.ts";
import { gc } from "../../store/gc.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf, printNotes } from "../configuration.ts";
import { storeTrouble } from "../store-trouble.ts";
import { openStoreFor } from "../wiring.ts";
import { Progress } from "../progress.ts";

const FLAGS = [
  ["max-size", "store.disk"],
  ["max-age", "store.max-age"],
] as const;

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const flags = new Map<string, { name: string; text: string }>();
  for (const [name, key] of FLAGS) {
    const text = parsed.values.get(name);
    if (text !== undefined) flags.set(key, { name: `--${name}`, text });
  }
  const resolved = await configurationOf(context, flags);
  printNotes(context, resolved);
  const limits = { maxBytes: resolved.config["store.disk"], maxAgeMs: resolved.config["store.max-age"] };
  const dryRun = parsed.flags.has("dry-run");
  const { folder } = openStoreFor(context, resolved);
  const progress = new Progress(context.stderr, "reading");
  const report = await gc(folder, nodeDeflate, limits, dryRun, progress.show).catch((error: unknown) => {
    throw storeTrouble(error);
  });
  progress.end();
  if (report === "locked")
    throw new ForegoneError("E_LOCKED", "another gc is at work on this store", { hint: "wait a minute and try again" });
  const facts = { ...limits, ...report, dryRun };
  context.stdout.write(parsed.flags.has("json") ? `${JSON.stringify(facts, null, 2)}\n` : gcText(facts));
  return EXIT.done;
}
