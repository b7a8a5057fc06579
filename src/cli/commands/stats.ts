import { EXIT } from "../../core/errors.ts";
import { decisionFacts, type StoreFacts, statsText } from "../../report/store.ts";
import { readEntries } from "../../store/disk-records.ts";
import { CounterReader } from "../../store/counters.ts";
import type { StoreFolder } from "../../store/folder.ts";
import { survey } from "../../store/survey.ts";
import type { CliContext, Parsed } from "../command.ts";
import { configurationOf } from "../configuration.ts";
import { storeTrouble } from "../store-trouble.ts";
import { effects, openStoreFor } from "../wiring.ts";

export async function run(context: CliContext, parsed: Parsed): Promise<number> {
  const resolved = await configurationOf(context);
  const { config } = resolved;
  const { folder } = openStoreFor(context, resolved);
  try {
    const store = { ...factsOf(folder), maxBytes: config["store.disk"] };
    const decisions = decisionFacts(new CounterReader(folder).read());
    const facts = { store, decisions };
    context.stdout.write(
      parsed.flags.has("json") ? `${JSON.stringify(facts, null, 2)}\n` : statsText(facts, effects.clock.now()),
    );
    return EXIT.done;
  } catch (error) {
    throw storeTrouble(error);
  }
}

function factsOf(folder: StoreFolder): Omit<StoreFacts, "maxBytes"> {
  const { blobs, logs, marks, witnesses, leftOvers, bytes } = survey(folder);
  // A record is listed under its Action and under its command line: count it once.
  const records = new Set(
    logs.flatMap((log) => readEntries(folder, log.digest).flatMap(({ record, disowned }) => (disowned ? [] : record))),
  );
  let oldestUse: number | undefined;
  for (const { mtimeMs } of blobs.values()) oldestUse = Math.min(oldestUse ?? mtimeMs, Math.round(mtimeMs));
  return {
    path: folder.path,
    bytes,
    records: records.size,
    blobs: blobs.size,
    witnesses: witnesses.length,
    marks: marks.length,
    leftOvers: leftOvers.length,
    ...(oldestUse !== undefined && { oldestUse }),
  };
}
