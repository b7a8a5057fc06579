// Records on disk: one log per Action (record-log.ts), and beside it a log of the marks that disown, which is never compacted:
// losing a mark would bring a false skip back.
import type { Digest } from "../core/digest.ts";
import { appendLine, compactLog, MAX_LOG_BYTES } from "./append-log.ts";
import { retain } from "./entries.ts";
import { guarded, pathOf, type StoreFolder } from "./folder.ts";
import { type DecodedLog, LINE_BYTES, recordLog } from "./record-log.ts";
import { type RecordEntry, type RecordStore, StoreError } from "./store.ts";

/** 32 lines x 5 µs a MAC = 0.2 ms; the block before them costs one MAC. Each 32nd append writes at most 113 kB anew. */
export const MAX_LINES_BEHIND_BLOCK = 32;
export const MARKS = ".disowned";

export function diskRecords(folder: StoreFolder): RecordStore {
  return {
    lookup: async (weak) => readEntries(folder, weak),
    async append(weak, entry) {
      const path = pathOf(folder, "records", weak);
      const line = recordLog(folder.hasher, folder.key, weak).encodeLine(entry);
      if (entry.disowned === true) return disown(folder, path, line);
      const sizeBytes = await appendLine(folder, path, line);
      if (sizeBytes > MAX_LINES_BEHIND_BLOCK * LINE_BYTES) await compactIfLong(folder, weak);
    },
  };
}

/**
 * A mark that cannot be written (full disk) must not leave a false skip in force: then the entries themselves go, and with
 * them the marks, of which the last is perhaps half a line.
 */
async function disown(folder: StoreFolder, path: string, line: Uint8Array): Promise<void> {
  try {
    await appendLine(folder, path + MARKS, line);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    guarded(`remove ${path}`, () => {
      folder.files.unlink(path);
      folder.files.unlink(path + MARKS);
    });
  }
}

/**
 * What a lookup returns. Damage to the marks may hide one, so it disowns everything (`verify` tells, and mends it).
 * @throws StoreError
 */
export function readEntries(folder: StoreFolder, weak: Digest): readonly RecordEntry[] {
  const marks = readLog(folder, weak, MARKS);
  if (marks.torn + marks.forged > 0) return [];
  return retain([...marks.entries, ...readLog(folder, weak, "").entries]);
}

/** @throws StoreError */
export function readLog(folder: StoreFolder, weak: Digest, suffix: "" | typeof MARKS): DecodedLog {
  const path = pathOf(folder, "records", weak) + suffix;
  const bytes = guarded(`read ${path}`, () => readStart(folder, path));
  return recordLog(folder.hasher, folder.key, weak).decode(bytes ?? Buffer.alloc(0));
}

/** A log that outgrew its bound is damaged or was never compacted: its start is as good as any part of it. */
function readStart({ files }: StoreFolder, path: string): Uint8Array | undefined {
  try {
    return files.read(path, MAX_LOG_BYTES)?.bytes;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EFBIG") throw error;
  }
  const fd = files.openAppend(path);
  try {
    return files.readFrom(fd, 0, MAX_LOG_BYTES);
  } finally {
    files.close(fd);
  }
}

/**
 * Writes the log anew with the entries that a lookup returns and `keep` agrees to.
 * @returns false if somebody else is at it, or there is none
 * @throws StoreError
 */
export function compactRecords(
  folder: StoreFolder,
  weak: Digest,
  keep: (entry: RecordEntry) => boolean,
): Promise<boolean> {
  const log = recordLog(folder.hasher, folder.key, weak);
  return compactLog(folder, pathOf(folder, "records", weak), (old) => {
    const { entries, end } = log.decode(old);
    const { entries: marks } = readLog(folder, weak, MARKS);
    const counted = retain([...marks, ...entries]);
    const kept = counted.filter((entry) => entry.disowned !== true && keep(entry));
    return { bytes: kept.length === 0 ? Buffer.alloc(0) : log.encodeBlock(kept.toReversed()), consumed: end };
  });
}

async function compactIfLong(folder: StoreFolder, weak: Digest): Promise<void> {
  try {
    const { bytes, blockBytes } = readLog(folder, weak, "");
    if (bytes - blockBytes > MAX_LINES_BEHIND_BLOCK * LINE_BYTES) await compactRecords(folder, weak, () => true);
  } catch (error) {
    // The entry is written; the next append compacts again.
    if (!(error instanceof StoreError)) throw error;
  }
}
