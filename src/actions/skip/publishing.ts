// What main recorded on the disk and post hands on: uploads wait for the end of the job, where nobody waits for them.
import type { Digest } from "../../core/digest.ts";
import { parseDigest } from "../../core/digest.ts";
import type { Store } from "../../store/store.ts";
import type { Host } from "../host.ts";
import type { Recorded, RemoteRecords } from "../remote-records.ts";
import { oneLine } from "./words.ts";

export function saveRecorded(host: Host, recorded: Recorded): void {
  host.saveState("mode", "step");
  host.saveState("recorded", JSON.stringify(recorded));
}

export function loadRecorded(host: Host): Recorded | undefined {
  try {
    const { weak, record, label } = JSON.parse(host.state("recorded")) as Record<string, string>;
    const digests = [weak, record, label].map((text) => parseDigest(text ?? ""));
    const [a, b, c] = digests as [Digest | undefined, Digest | undefined, Digest | undefined];
    return a === undefined || b === undefined || c === undefined ? undefined : { weak: a, record: b, label: c };
  } catch {
    return undefined;
  }
}

/** Never fails a job: a layer that did not take it is one line. */
export async function publish(
  host: Host,
  remote: RemoteRecords | undefined,
  disk: Store,
  recorded: Recorded,
): Promise<void> {
  for (const { layer, why } of (await remote?.publish(disk, [recorded])) ?? [])
    host.log(`Foregone: ${layer}: ${why === undefined ? "uploaded" : `not uploaded: ${oneLine(why)}`}`);
}
