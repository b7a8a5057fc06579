// What a command wrote, in the order it came: chunks tagged stdout or stderr. Replay writes the chunks of each stream to that
// stream, so interleaving is kept as far as the recorder saw it. Bytes: docs/format.md, "Output log".
import { ByteReader } from "./bytes.ts";

export type OutputStream = "stdout" | "stderr";

export interface OutputChunk {
  readonly stream: OutputStream;
  readonly bytes: Uint8Array;
}

const MAGIC = Buffer.from("FGO\x01", "latin1");
const TAGS: Readonly<Record<OutputStream, number>> = { stdout: 1, stderr: 2 };
const HEADER_BYTES = 5;
const MAX_CHUNK_BYTES = 0xffff_ffff;

/** Takes chunks as they come; neighbours of one stream become one chunk, so a program that writes byte by byte costs no more. */
export class OutputLog {
  readonly #parts: Uint8Array[] = [MAGIC];
  #stream: OutputStream | undefined;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Of what was written so far, framing included but for the open chunk's 5 bytes. */
  sizeBytes = MAGIC.length;

  /** @param bytes kept, not copied: the caller does not change them */
  add(stream: OutputStream, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (stream !== this.#stream || this.#pendingBytes + bytes.length > MAX_CHUNK_BYTES) this.#flush();
    this.#stream = stream;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.sizeBytes += bytes.length;
  }

  /** The whole log. More may be added afterwards. */
  done(): Uint8Array {
    this.#flush();
    return Buffer.concat(this.#parts);
  }

  #flush(): void {
    if (this.#stream !== undefined && this.#pendingBytes > 0) {
      const header = Buffer.alloc(HEADER_BYTES);
      header[0] = TAGS[this.#stream];
      header.writeUInt32LE(this.#pendingBytes, 1);
      this.#parts.push(header, Buffer.concat(this.#pending));
      this.sizeBytes += HEADER_BYTES;
    }
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}

/** Views into `log`, in order. @returns undefined for bytes that are no output log, cut ones included */
export function decodeOutputLog(log: Uint8Array): readonly OutputChunk[] | undefined {
  const reader = new ByteReader(log);
  if (!reader.take(MAGIC.length).equals(MAGIC)) return undefined;
  const chunks: OutputChunk[] = [];
  while (reader.left > 0) {
    const tag = reader.u8();
    const bytes = reader.take(reader.u32());
    if (reader.failed || (tag !== TAGS.stdout && tag !== TAGS.stderr)) return undefined;
    chunks.push({ stream: tag === TAGS.stdout ? "stdout" : "stderr", bytes });
  }
  return chunks;
}
