import type { Digest } from "../core/digest.ts";
import { compareQuestions, pathSetDigest, strongFingerprint } from "../core/observation.ts";
import type { ActionRecord } from "../core/record.ts";
import type { Hasher } from "../ports.ts";

/** What the store's index needs to find a record. */
export function fingerprintsOf(
  record: ActionRecord,
  hasher: Hasher,
): { readonly pathSet: Digest; readonly strong: Digest } {
  const sorted = [...record.trace.observations].sort(compareQuestions);
  const pathSet = pathSetDigest(hasher, sorted);
  const values = sorted.map((observation) => observation.value);
  return { pathSet, strong: strongFingerprint(hasher, record.weak, pathSet, values) };
}
