// The least that an engine must offer to be a layer: bytes by key, and lines that are only ever added. Redis, S3 or an HTTP
// cache implement five methods; `sealed` encrypts what passes; `bucketStore` makes a Store of it.
import { hexOf, sha256Of } from "../core/digest.ts";
import type { Digest } from "../core/digest.ts";
import type { Hasher } from "../ports.ts";
import { retain } from "./entries.ts";
import { decodeBody, encodeBody } from "./entry-codec.ts";
import type { RecordEntry, Store } from "./store.ts";

/**
 * Of one name. Each may need a signature checked (0.1 ms), and who can write could fill a list with lines that are none. 200 are
 * ten states of each of the 20 path sets that count.
 */
export const MAX_LINES = 200;
/** What the names of lines that disown begin with. */
export const MARKS = "disowned/";

/** Keys are of [a-z0-9./-], at most 100 characters. Every method may throw anything: `bounded` bears it. */
export interface Bucket {
  readonly name: string;
  get(key: string): Promise<Uint8Array | undefined>;
  /** A name has one meaning: an engine may keep the value it has, if it is whole, and then makes it live on. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Those of `keys` that are not there. */
  missing(keys: readonly string[]): Promise<readonly string[]>;
  /** Of many that add at once, none is lost. The oldest beyond MAX_LINES may be dropped. */
  addLine(key: string, line: Uint8Array): Promise<void>;
  /** In any order. */
  lines(key: string): Promise<readonly Uint8Array[]>;
}

/**
 * Put `verified` above it, for it does not hash what it gets.
 * @param vouches the bucket lets through only entries that a key we trust has authenticated; else they are marked with `via`
 */
export function bucketStore(bucket: Bucket, hasher: Hasher, vouches = false): Store {
  const blobKey = (digest: Digest): string => `blobs/${hexOf(digest)}`;
  const read = async (key: string): Promise<readonly RecordEntry[]> =>
    (await bucket.lines(key)).flatMap((line) => {
      const entry = decodeBody(line);
      return entry === undefined ? [] : vouches ? entry : { ...entry, via: bucket.name };
    });
  return {
    name: bucket.name,
    blobs: {
      get: (digest) => bucket.get(blobKey(digest)),
      async put(bytes) {
        const digest = sha256Of(hasher, bytes);
        await bucket.put(blobKey(digest), bytes);
        return digest;
      },
      async findMissing(digests) {
        const missing = new Set(await bucket.missing(digests.map(blobKey)));
        return digests.filter((digest) => missing.has(blobKey(digest)));
      },
    },
    records: {
      async lookup(weak) {
        const [entries, marks] = await Promise.all([read(recordKey(weak)), read(markKey(weak))]);
        return retain([...entries, ...marks]);
      },
      append: (weak, entry) =>
        bucket.addLine(entry.disowned === true ? markKey(weak) : recordKey(weak), encodeBody(entry)),
    },
  };
}

function recordKey(weak: Digest): string {
  return `records/${hexOf(weak)}`;
}

/** Apart, so that no trimming of many entries drops a mark. */
function markKey(weak: Digest): string {
  return `${MARKS}${hexOf(weak)}`;
}
