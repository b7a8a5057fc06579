// A real scan under a key that has a record is compared with it, whether an audit was drawn or not: that is the only proof
// that the key has no hole.
import type { Log } from "sarif";
import type { Digest } from "../core/digest.ts";
import type { RecordSource } from "../memo/lookup.ts";
import type { Store } from "../store/store.ts";
import { canonicalSarif } from "./sarif/canonical.ts";
import { diffSarif, type SarifDiff } from "./sarif/diff.ts";
import { readSarif } from "./sarif/read.ts";
import { answerOf, type ScanKey } from "./scan-key.ts";
import { loadScan } from "./scan-record.ts";

export type Comparison =
  | { readonly kind: "none" }
  | { readonly kind: "same"; readonly id: Digest }
  /** A false skip, had it been replayed. */
  | { readonly kind: "differs"; readonly id: Digest; readonly diff: SarifDiff };

/** @param log of the scan that ran, normalised */
export async function compareWithRecorded(
  key: ScanKey,
  log: Log,
  { records, store }: { readonly records: RecordSource; readonly store: Store },
): Promise<Comparison> {
  const entries = await records.entries(key.weak);
  if ("why" in entries) return { kind: "none" };
  const newest = entries.findIndex((entry) => entry.disowned === true);
  for (const entry of newest < 0 ? entries : entries.slice(0, newest)) {
    const id = entry.record;
    const record = await records.load(id);
    if ("why" in record || record.provenance.repository !== key.repository) continue;
    // A record that could not have served proves nothing against the key: a fork may publish what it likes.
    if (records.distrust === undefined && entry.via !== undefined) continue;
    if ((await records.distrust?.(record, { id, entry, exactTree: () => false })) !== undefined) continue;
    if (!record.trace.observations.every((seen) => answerOf(key, seen) === seen.value)) continue;
    const loaded = await loadScan(record, store).catch(() => undefined);
    const read = loaded === undefined ? undefined : readSarif(loaded.sarif);
    if (read?.kind !== "log") continue;
    const recorded = read.log as Log;
    return canonicalSarif(recorded) === canonicalSarif(log)
      ? { kind: "same", id }
      : { kind: "differs", id, diff: diffSarif(recorded, log) };
  }
  return { kind: "none" };
}
