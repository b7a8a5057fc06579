// A RecordEntry in 112 bytes: what a line of a log and a line in a shared store have in common. Bytes: docs/format.md.
import { type Digest, hexOf } from "../core/digest.ts";
import type { EpochMs } from "../ports.ts";
import type { RecordEntry } from "./store.ts";

export const BODY_BYTES = 112;
export const BODY_MAGIC = Buffer.from("FGL\x01", "latin1");

/** @throws TypeError for digests other than SHA-256, or a time beyond 48 bits: a bug in the caller */
export function encodeBody(entry: RecordEntry): Buffer {
  const body = Buffer.alloc(BODY_BYTES);
  BODY_MAGIC.copy(body);
  body[4] = entry.disowned === true ? 1 : 0;
  body.writeUIntLE(entry.recordedAt, 8, 6);
  writeSha256(body, 16, entry.pathSet);
  writeSha256(body, 48, entry.strong);
  writeSha256(body, 80, entry.record);
  return body;
}

function writeSha256(body: Buffer, at: number, digest: Digest): void {
  if (!digest.startsWith("sha256:")) throw new TypeError(`a record entry holds SHA-256 digests, not ${digest}`);
  body.write(hexOf(digest), at, "hex");
}

/**
 * @param log where bodies of BODY_BYTES lie: authentic, or of a layer that vouches for nothing
 * @returns reads the body at an offset; undefined for a kind of line that this version does not know
 */
export function bodyReader(log: Buffer): (at: number) => RecordEntry | undefined {
  // One conversion for all, and the text of each path set once: a log has 1000 entries of 20 path sets.
  const hex = log.toString("hex");
  const known = new Map<string, Digest>();
  const pathSetOf = (digits: string): Digest => {
    const digest = known.get(digits) ?? (`sha256:${digits}` as Digest);
    known.set(digits, digest);
    return digest;
  };
  return (at) => {
    const kind = log[at + 4];
    if (kind !== 0 && kind !== 1) return undefined;
    const digits = 2 * at;
    const entry = {
      pathSet: pathSetOf(hex.slice(digits + 32, digits + 96)),
      strong: `sha256:${hex.slice(digits + 96, digits + 160)}` as Digest,
      record: `sha256:${hex.slice(digits + 160, digits + 224)}` as Digest,
      recordedAt: log.readUIntLE(at + 8, 6) as EpochMs,
    };
    return kind === 1 ? { ...entry, disowned: true } : entry;
  };
}

/** @returns undefined unless these bytes are exactly one body, of a kind that this version knows */
export function decodeBody(bytes: Uint8Array): RecordEntry | undefined {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (body.length !== BODY_BYTES || !body.subarray(0, BODY_MAGIC.length).equals(BODY_MAGIC)) return undefined;
  return bodyReader(body)(0);
}
