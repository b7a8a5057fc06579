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
 * @param at where a body of BODY_BYTES starts: authentic, or of a layer that vouches for nothing
 * @returns undefined for a kind of line that this version does not know
 */
export function decodeBody(log: Buffer, at: number): RecordEntry | undefined {
  const kind = log[at + 4];
  if (kind !== 0 && kind !== 1) return undefined;
  return {
    pathSet: readSha256(log, at + 16),
    strong: readSha256(log, at + 48),
    record: readSha256(log, at + 80),
    recordedAt: log.readUIntLE(at + 8, 6) as EpochMs,
    ...(kind === 1 && { disowned: true as const }),
  };
}

function readSha256(log: Buffer, at: number): Digest {
  return `sha256:${log.toString("hex", at, at + 32)}` as Digest;
}
