// The disk layer: blobs are files named by their SHA-256, records are one log per Action. Bytes read are hashed again, lines are
// authenticated. Not cacache: docs/decisions/0030-own-disk-layer.md.
import { sha256Of } from "../core/digest.ts";
import { diskRecords } from "./disk-records.ts";
import { guarded, guardedAsync, pathOf, removeQuietly, type StoreFolder, writeWhole } from "./folder.ts";
import type { BlobStore, Store } from "./store.ts";

/** 1 GiB: larger outputs are not kept in one piece. */
const MAX_BLOB_BYTES = 1024 * 1024 * 1024;
/** Use is noted in the modification time, which gc goes by, and at most this often. */
const NOTE_USE_MS = 3_600_000;
/** A put of what is there must be seen by a gc that is at work: its grace is six times this. */
const NOTE_PUT_MS = 600_000;

export function diskStore(folder: StoreFolder): Store {
  return { name: "disk", blobs: diskBlobs(folder), records: diskRecords(folder) };
}

function diskBlobs(folder: StoreFolder): BlobStore {
  const { files, hasher, clock } = folder;
  const noteUse = (path: string): void => {
    try {
      files.touch(path, clock.now());
    } catch {
      // A store that can only be read still serves.
    }
  };
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
        if (clock.now() - read.mtimeMs > NOTE_USE_MS) noteUse(path);
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
