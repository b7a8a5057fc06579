// The disk layer: blobs are files named by their SHA-256, records are one log per Action. Bytes read are hashed again, lines are
// authenticated. Not cacache: docs/decisions/0030-own-disk-layer.md.
import type { Digest } from "../core/digest.ts";
import { sha256Of } from "../core/digest.ts";
import { appendLine, compactLog, MAX_LOG_BYTES } from "./append-log.ts";
import { retain } from "./entries.ts";
import { guarded, guardedAsync, pathOf, removeQuietly, type StoreFolder, writeWhole } from "./folder.ts";
import { LINE_BYTES, recordLog } from "./record-log.ts";
import { type BlobStore, type RecordEntry, type RecordStore, type Store, StoreError } from "./store.ts";

/** 1 GiB: larger outputs are not kept in one piece. */
const MAX_BLOB_BYTES = 1024 * 1024 * 1024;
/** Use is noted in the modification time, which gc goes by, and at most this often. */
const NOTE_USE_MS = 3_600_000;
/** A put of what is there must be seen by a gc that is at work: its grace is six times this. */
const NOTE_PUT_MS = 600_000;
/** 64 lines x 3 µs a MAC = 0.2 ms; the block before them costs one MAC. */
const MAX_LINES_BEHIND_BLOCK = 64;

export function diskStore(folder: StoreFolder): Store {
  return { name: "disk", blobs: diskBlobs(folder), records: diskRecords(folder) };
}

function diskBlobs(folder: StoreFolder): BlobStore {
  const { files, hasher, clock } = folder;
  return {
    async get(digest) {
      if (!digest.startsWith("sha256:")) return undefined;
      const path = pathOf(folder, "blobs", digest);
      return guarded(`read ${path}`, () => {
        const read = files.read(path, MAX_BLOB_BYTES);
        if (read === undefined) return undefined;
        if (sha256Of(hasher, read.bytes) !== digest) {
          // Out of the way, so that the next put writes it anew.
          removeQuietly(files, path);
          return undefined;
        }
        if (clock.now() - read.mtimeMs > NOTE_USE_MS) files.touch(path, clock.now());
        return read.bytes;
      });
    },
    async put(bytes) {
      const digest = sha256Of(hasher, bytes);
      const path = pathOf(folder, "blobs", digest);
      await guardedAsync(`write ${path}`, async () => {
        const there = files.stat(path);
        if (there !== undefined && there.sizeBytes === bytes.length) {
          if (clock.now() - there.mtimeMs < NOTE_PUT_MS) return;
          // False: gc took it away between the two calls.
          if (files.touch(path, clock.now())) return;
        }
        await writeWhole(folder, path, bytes, "durable");
      });
      return digest;
    },
    async findMissing(digests) {
      return guarded("look for blobs", () =>
        digests.filter((digest) => files.stat(pathOf(folder, "blobs", digest)) === undefined),
      );
    },
  };
}

function diskRecords(folder: StoreFolder): RecordStore {
  const { files, hasher, key } = folder;
  const read = (weak: Digest, path: string): readonly RecordEntry[] => {
    const log = files.read(path, MAX_LOG_BYTES);
    return log === undefined ? [] : recordLog(hasher, key, weak).decode(log.bytes).entries;
  };
  return {
    async lookup(weak) {
      const path = pathOf(folder, "records", weak);
      return guarded(`read ${path}`, () => retain([...read(weak, marksOf(path)), ...read(weak, path)]));
    },
    async append(weak, entry) {
      const path = pathOf(folder, "records", weak);
      const log = recordLog(hasher, key, weak);
      if (entry.disowned === true) {
        await appendLine(folder, marksOf(path), log.encodeLine(entry));
        return;
      }
      const sizeBytes = await appendLine(folder, path, log.encodeLine(entry));
      if (sizeBytes > MAX_LINES_BEHIND_BLOCK * LINE_BYTES) await compactIfLong(folder, weak).catch(laterPerhaps);
    },
  };
}

/** Marks have a file of their own, which is never compacted: losing one would bring a false skip back. */
function marksOf(path: string): string {
  return `${path}.disowned`;
}

/** The entry is written; the next append compacts again. */
function laterPerhaps(error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
}

async function compactIfLong(folder: StoreFolder, weak: Digest): Promise<void> {
  const path = pathOf(folder, "records", weak);
  const log = recordLog(folder.hasher, folder.key, weak);
  const read = folder.files.read(path, MAX_LOG_BYTES);
  if (read === undefined) return;
  const now = log.decode(read.bytes);
  if (read.bytes.length - now.blockBytes <= MAX_LINES_BEHIND_BLOCK * LINE_BYTES) return;
  await compactLog(folder, path, (old) => {
    const { entries, end } = log.decode(old);
    return { bytes: log.encodeBlock(retain(entries).toReversed()), consumed: end };
  });
}
