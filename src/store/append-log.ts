// Appending and compacting a log that many processes write, without a lock around appends.
//
// An append is one write(2) on an O_APPEND descriptor, then a look whether the path still names the file written to; if a
// compaction replaced it meanwhile, the line is appended again. A compaction writes the new file, renames it over the
// log and then carries over what was appended to the old file until the rename. So an append is seen by the compactor, or sees
// the compaction; a line that both carry over is there twice, which readers do not mind. Only a compactor killed between
// rename and carrying over can lose a line, and a lost line is a miss. Marks that must not be lost are kept in a log of
// their own that is never compacted.
import { guardedAsync, removeQuietly, type StoreFolder, writeWhole } from "./folder.ts";
import { acquire } from "./lock.ts";
import { StoreError } from "./store.ts";

/** Each repetition means that a compaction came between; two in a row are already a coincidence. */
const MAX_ATTEMPTS = 8;
/** A log is compacted long before: 1000 entries x 112 B. More is damage. */
export const MAX_LOG_BYTES = 4 * 1024 * 1024;

/**
 * @param how "durable": survives a power cut. "quick": for what may as well be lost
 * @returns size of the log after the append
 * @throws StoreError
 */
export async function appendLine(
  folder: StoreFolder,
  path: string,
  line: Uint8Array,
  how: "durable" | "quick" = "durable",
): Promise<number> {
  const { files } = folder;
  return guardedAsync(`append to ${path}`, async () => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const fd = openIn(folder, path);
      try {
        // A short write (disk full) leaves a fragment, which readers skip; completing it could interleave with others.
        if (files.write(fd, line) !== line.length)
          throw new StoreError("disk", "ENOSPC", `cannot append to ${path}: ENOSPC`);
        if (how === "durable") await files.fsync(fd);
        const mine = files.fstat(fd);
        if (files.stat(path)?.ino === mine.ino) return mine.sizeBytes;
      } finally {
        files.close(fd);
      }
    }
    throw new StoreError("disk", "EBUSY", `cannot append to ${path}: it is replaced all the time`);
  });
}

export interface Compacted {
  /** What the log is to hold; empty removes it. */
  readonly bytes: Uint8Array;
  /** How much of the old log this accounts for; the rest, perhaps half a line, is carried over as it is. */
  readonly consumed: number;
}

/** @returns false if there is no log, or somebody else is at it. @throws StoreError */
export async function compactLog(
  folder: StoreFolder,
  path: string,
  compact: (old: Uint8Array) => Compacted,
): Promise<boolean> {
  const { files } = folder;
  return guardedAsync(`compact ${path}`, async () => {
    if (files.stat(path) === undefined || !acquire(folder, `${path}.lock`)) return false;
    let old: number | undefined;
    try {
      old = files.openAppend(path);
      const { bytes, consumed } = compact(files.readFrom(old, 0, MAX_LOG_BYTES));
      if (bytes.length === 0) files.unlink(path);
      else await writeWhole(folder, path, bytes, "durable");
      const late = files.readFrom(old, consumed, MAX_LOG_BYTES);
      if (late.length > 0) await appendLine(folder, path, late);
      return true;
    } finally {
      if (old !== undefined) files.close(old);
      removeQuietly(files, `${path}.lock`);
    }
  });
}

function openIn({ files }: StoreFolder, path: string): number {
  try {
    return files.openAppend(path);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    files.mkdir(path.slice(0, path.lastIndexOf("/")));
    return files.openAppend(path);
  }
}
