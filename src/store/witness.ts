// The witness of a record: what lstat said of each observed path while the answer was computed. If lstat says the same now, the
// answer is the same and no content need be read (the trick of git's index). It lies beside the record, on this machine
// alone: device and inode numbers mean nothing elsewhere. Bytes: docs/format.md, "Witness".
//
// Sound only if: 1. the stat was taken before the content was read; 2. its ctime and mtime were then older than the
// clock's granularity, or a later change could bear the same times ("racily clean"); 3. the file system keeps ctime by itself
// (src/memo/file-system.ts decides: a row is only written where it does). A process that writes through a shared mapping while it
// is hashed and goes on afterwards escapes 2, as it escapes git and make: pages that are dirty already move no time.
import { type Digest, hexOf } from "../core/digest.ts";
import { CLOCK_GRANULARITY_NS, type EpochMs, type Stat } from "../ports.ts";
import { guarded, guardedAsync, pathOf, type StoreFolder, writeWhole } from "./folder.ts";

/** What a row holds: 5 x 8 bytes. Permission bits are covered by ctime. */
export type Witnessed = Pick<Stat, "dev" | "ino" | "sizeBytes" | "mtimeNs" | "ctimeNs">;

export interface Witness {
  /** True: the answer of observation `index` is what it was. False: nobody knows. */
  holds(index: number, now: Witnessed): boolean;
}

const HEADER_BYTES = 48;
const ROW_WORDS = 5;
const ROW_BYTES = ROW_WORDS * 8;
const MAC_BYTES = 32;
const MAGIC = Buffer.from("FGW\x01", "latin1");
/** Of the largest record: 500,000 rows. */
const MAX_BYTES = HEADER_BYTES + 500_000 * ROW_BYTES + MAC_BYTES;

/**
 * Replaces the witness of a record. Losing it costs time, nothing else: it is not synced.
 * @param rows one per observation, in the record's order; undefined where there is nothing to remember
 * @param takenAt when the first of these stats was taken
 * @throws StoreError
 */
export async function writeWitness(
  folder: StoreFolder,
  record: Digest,
  rows: readonly (Witnessed | undefined)[],
  takenAt: EpochMs,
): Promise<void> {
  const file = Buffer.alloc(HEADER_BYTES + rows.length * ROW_BYTES + MAC_BYTES);
  MAGIC.copy(file);
  file.writeUInt32LE(rows.length, 4);
  file.write(hexOf(record), 8, "hex");
  const words = new BigInt64Array(file.buffer, file.byteOffset + HEADER_BYTES, rows.length * ROW_WORDS);
  const settledBefore = BigInt(takenAt) * 1_000_000n - CLOCK_GRANULARITY_NS;
  rows.forEach((row, i) => {
    if (row === undefined || row.mtimeNs >= settledBefore || row.ctimeNs >= settledBefore) return;
    words.set([row.ino, row.ctimeNs, row.mtimeNs, BigInt(row.sizeBytes), row.dev], i * ROW_WORDS);
  });
  const macAt = file.length - MAC_BYTES;
  file.write(folder.hasher.hmac(folder.key, file.subarray(0, macAt)), macAt, "hex");
  const path = pathOf(folder, "witness", record);
  await guardedAsync(`write ${path}`, () => writeWhole(folder, path, file, "quick"));
}

/**
 * @returns undefined if there is none, or none that this store wrote for this record
 * @throws StoreError
 */
export function readWitness(folder: StoreFolder, record: Digest): Witness | undefined {
  const path = pathOf(folder, "witness", record);
  const read = guarded(`read ${path}`, () => folder.files.read(path, MAX_BYTES));
  if (read === undefined || read.bytes.length < HEADER_BYTES + MAC_BYTES) return undefined;
  // A view of 64-bit words must start at a multiple of 8, which a pooled buffer need not.
  const { buffer, byteOffset, length } = read.bytes.byteOffset % 8 === 0 ? read.bytes : new Uint8Array(read.bytes);
  const file = Buffer.from(buffer, byteOffset, length);
  const macAt = file.length - MAC_BYTES;
  if (folder.hasher.hmac(folder.key, file.subarray(0, macAt)) !== file.toString("hex", macAt)) return undefined;
  const count = file.readUInt32LE(4);
  if (!file.subarray(0, 4).equals(MAGIC) || macAt !== HEADER_BYTES + count * ROW_BYTES) return undefined;
  if (file.toString("hex", 8, 40) !== hexOf(record)) return undefined;
  const words = new BigInt64Array(file.buffer, file.byteOffset + HEADER_BYTES, count * ROW_WORDS);
  return {
    holds(index, now) {
      const at = index * ROW_WORDS;
      // No file has inode 0: such a row remembers nothing.
      return (
        words[at] !== 0n &&
        words[at] === now.ino &&
        words[at + 1] === now.ctimeNs &&
        words[at + 2] === now.mtimeNs &&
        words[at + 3] === BigInt(now.sizeBytes) &&
        words[at + 4] === now.dev
      );
    },
  };
}
