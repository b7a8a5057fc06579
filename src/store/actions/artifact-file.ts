// What an artifact of ours holds, a zip whose files are stored and not deflated (each value is, by us, so that nothing inflates
// beyond a bound): "entry", the 112 bytes that find the record; "elsewhere", digests of values that lie in the run's second
// artifact; "v/<64 hex>", the values. Nothing in it is believed but what its digest proves.
import { unzipSync, zipSync } from "fflate";
import { type Digest, hexOf } from "../../core/digest.ts";
import type { Deflate } from "../../ports.ts";
import { BODY_BYTES, BODY_MAGIC, bodyReader, encodeBody } from "../entry-codec.ts";
import type { RecordEntry } from "../store.ts";

/** The record and its small values: found on each look-up, so it must stay small. */
export const MAX_RECORD_ZIP_BYTES = 1024 * 1024;
/** The large values of one record, fetched when it is replayed. */
export const MAX_VALUES_ZIP_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 10_000;
const VALUE = /^v\/([0-9a-f]{64})$/;

export interface ArtifactContent {
  readonly entry: RecordEntry | undefined;
  readonly elsewhere: ReadonlySet<Digest>;
  /** Deflated. */
  readonly values: ReadonlyMap<Digest, Uint8Array>;
}

export function encodeArtifact(content: ArtifactContent): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  if (content.entry !== undefined) files["entry"] = encodeBody(content.entry);
  if (content.elsewhere.size > 0) files["elsewhere"] = Buffer.from([...content.elsewhere].map(hexOf).join("\n"));
  for (const [digest, packed] of content.values) files[`v/${hexOf(digest)}`] = packed;
  return zipSync(files, { level: 0 });
}

/** @returns undefined for anything that is not such a zip */
export function decodeArtifact(zip: Uint8Array, maxBytes: number): ArtifactContent | undefined {
  if (zip.length > maxBytes) return undefined;
  let files: Record<string, Uint8Array>;
  try {
    let [count, size] = [0, 0];
    files = unzipSync(zip, {
      filter({ name, originalSize, compression }) {
        if (name !== "entry" && name !== "elsewhere" && !VALUE.test(name)) return false;
        count += 1;
        size += originalSize;
        // Stored files cannot be larger than the zip; a size that lies would be allocated.
        return compression === 0 && count <= MAX_FILES && size <= zip.length;
      },
    });
  } catch {
    return undefined;
  }
  const body = Buffer.from(files["entry"] ?? []);
  const isEntry = body.length === BODY_BYTES && body.subarray(0, 4).equals(BODY_MAGIC);
  const values = new Map<Digest, Uint8Array>();
  for (const [name, bytes] of Object.entries(files)) {
    const hex = VALUE.exec(name)?.[1];
    if (hex !== undefined) values.set(`sha256:${hex}` as Digest, bytes);
  }
  const named = Buffer.from(files["elsewhere"] ?? [])
    .toString("latin1")
    .split("\n");
  const elsewhere = named.filter((hex) => /^[0-9a-f]{64}$/.test(hex)).map((hex) => `sha256:${hex}` as Digest);
  return { entry: isEntry ? bodyReader(body)(0) : undefined, elsewhere: new Set(elsewhere), values };
}

/** Deflated, unless that makes it larger; the first byte says which. */
export function pack(bytes: Uint8Array, deflate: Deflate): Uint8Array {
  const packed = deflate.deflate(bytes);
  return packed.length < bytes.length
    ? Buffer.concat([Buffer.from([1]), packed])
    : Buffer.concat([Buffer.from([0]), bytes]);
}

/** @returns undefined: no such value, or one larger than `maxBytes` */
export function unpack(packed: Uint8Array, deflate: Deflate, maxBytes: number): Uint8Array | undefined {
  const rest = packed.subarray(1);
  if (packed[0] === 0) return rest.length <= maxBytes ? rest : undefined;
  return packed[0] === 1 ? deflate.inflate(rest, maxBytes) : undefined;
}
