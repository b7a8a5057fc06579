// What the API cache keeps, as one run of bytes, so that the next job can begin with it: sealed candidates and the entries that find
// them, exactly as they lie on disk. Nothing in it proves anything: what does not open is a miss, what opens needs a 304.
//
//   "foregone api pack 1\n" | 4 length | verdicts about the etag rule (rules.ts), so that the next job need not pay for proofs again
//   then, newest first:  32 weak | 112 entry (store/entry-codec.ts) | 4 length, big endian | sealed candidate
import { hexOf, type Digest, parseDigest, sha256Of } from "../core/digest.ts";
import { readEntries } from "../store/disk-records.ts";
import { BODY_BYTES, decodeBody, encodeBody } from "../store/entry-codec.ts";
import type { Hasher } from "../ports.ts";
import type { RuleFile } from "./rules.ts";
import type { StoreFolder } from "../store/folder.ts";
import type { RecordEntry, Store } from "../store/store.ts";
import { survey } from "../store/survey.ts";

const MAGIC = Buffer.from("foregone api pack 1\n");
const WEAK_BYTES = 32;
const LENGTH_BYTES = 4;
const HEAD_BYTES = WEAK_BYTES + BODY_BYTES + LENGTH_BYTES;

export interface PackBounds {
  /** Per search key. */
  readonly perKey: number;
  readonly maxBytes: number;
}

/** @returns undefined if there is nothing. @throws StoreError */
export async function pack(
  folder: StoreFolder,
  store: Store,
  rules: RuleFile,
  bounds: PackBounds,
): Promise<Buffer | undefined> {
  const found = survey(folder).logs.flatMap(({ digest: weak }) =>
    readEntries(folder, weak)
      .filter(({ disowned }) => disowned !== true)
      .slice(0, bounds.perKey)
      .map((entry) => ({ weak, entry })),
  );
  found.sort((a, b) => b.entry.recordedAt - a.entry.recordedAt);
  const verdicts = Buffer.from(rules.load() ?? "");
  const parts: Uint8Array[] = [MAGIC, lengthOf(verdicts), verdicts];
  const head = parts.length;
  let size = MAGIC.length + LENGTH_BYTES + verdicts.length;
  for (const { weak, entry } of found) {
    const sealed = await store.blobs.get(entry.record);
    if (sealed === undefined) continue;
    const item = [Buffer.from(hexOf(weak), "hex"), encodeBody(entry), lengthOf(sealed), sealed];
    size += item.reduce((sum, { length }) => sum + length, 0);
    if (size > bounds.maxBytes) break;
    parts.push(...item);
  }
  return parts.length === head ? undefined : Buffer.concat(parts);
}

/**
 * Adds what is not there yet.
 * @returns how many candidates were added; what follows damage is left out. @throws StoreError
 */
export async function unpack(bytes: Buffer, store: Store, rules: RuleFile, hasher: Hasher): Promise<number> {
  const start = MAGIC.length + LENGTH_BYTES;
  if (bytes.length < start || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return 0;
  const items = start + bytes.readUInt32BE(MAGIC.length);
  // What this machine found out itself stands. Wrong advice costs nothing: a wrong guess is an ordinary answer.
  if (rules.load() === undefined && items > start) rules.save(bytes.subarray(start, items).toString());
  let added = 0;
  for (const { weak, entry, sealed } of itemsOf(bytes, items)) {
    if (sha256Of(hasher, sealed) !== entry.record) continue;
    if ((await store.records.lookup(weak)).some(({ record }) => record === entry.record)) continue;
    await store.blobs.put(sealed);
    await store.records.append(weak, entry);
    added++;
  }
  return added;
}

function* itemsOf(bytes: Buffer, from: number): Generator<{ weak: Digest; entry: RecordEntry; sealed: Uint8Array }> {
  for (let at = from; at + HEAD_BYTES <= bytes.length;) {
    const weak = parseDigest(`sha256:${bytes.subarray(at, at + WEAK_BYTES).toString("hex")}`);
    const entry = decodeBody(bytes.subarray(at + WEAK_BYTES, at + WEAK_BYTES + BODY_BYTES));
    const sealedAt = at + HEAD_BYTES;
    const to = sealedAt + bytes.readUInt32BE(sealedAt - LENGTH_BYTES);
    if (weak === undefined || entry === undefined || entry.disowned === true || to > bytes.length) return;
    yield { weak, entry, sealed: bytes.subarray(sealedAt, to) };
    at = to;
  }
}

function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  return length;
}
