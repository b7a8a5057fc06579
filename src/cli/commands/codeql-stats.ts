// foregone codeql stats.
import { scanLog, scanStats } from "../../codeql/scan-log.ts";
import { EXIT } from "../../core/errors.ts";
import { durationText, plural } from "../../report/units.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { openStoreFor } from "../wiring.ts";
import { lines, print } from "../codeql/asked.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const { folder } = openStoreFor(context, await configurationOf(context));
  const numbers = scanStats(scanLog(folder));
  if (parsed.flags.has("json")) print(context, numbers);
  else {
    const { hits, misses, skipped, stored, refused, audits, falseSkips } = numbers;
    const list = (counts: Readonly<Record<string, number>>): string =>
      Object.entries(counts)
        .sort(([, a], [, b]) => b - a)
        .map(([reason, n]) => `${n} ${reason}`)
        .join(", ") || "none";
    const share =
      skipped + stored === 0 ? "" : ` (${Math.round((100 * skipped) / (skipped + stored))} % of scans asked for)`;
    context.stdout.write(
      lines([
        `stored    ${plural(stored, "scan")}; refused: ${list(refused)}`,
        `retrieved ${plural(hits, "time")}; misses: ${list(misses)}`,
        `skipped   ${plural(skipped, "scan")}${share}, saved ${durationText(numbers.savedMs)}`,
        `audits    ${plural(audits, "scan")} compared, ${plural(falseSkips, "false skip")}`,
      ]),
    );
  }
  return EXIT.done;
}
