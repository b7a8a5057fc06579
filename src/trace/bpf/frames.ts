// What the tracer's own process and its caller say to each other over a socket: u32 length, u8 type, payload. Records go as
// the kernel wrote them; everything else is JSON. Both ends are us, of one version, started by one another.

export const FRAME = {
  /** Whole records, one behind the other. */
  records: 1,
  /** A MountTable. */
  mounts: 2,
  /** Caller: a Request. Tracer: the Reply with its id. */
  control: 3,
} as const;

export const FRAME_HEAD_BYTES = 5;
/** A frame of records is at most one poll's worth; mount tables of large machines are below 1 MB. */
const MAX_FRAME_BYTES = 128 << 20;

export type Request =
  | { readonly id: number; readonly op: "adopt" | "release"; readonly pid: number }
  | { readonly id: number; readonly op: "seal" };

export function frameHead(type: number, length: number): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32LE(length, 0);
  head.writeUInt8(type, 4);
  return head;
}

export function jsonFrame(type: number, value: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(value));
  return Buffer.concat([frameHead(type, payload.length), payload]);
}

/** Puts frames together from whatever pieces the socket brings. Payloads are copies whose memory starts at a multiple of 8. */
export class FrameReader {
  readonly #onFrame: (type: number, payload: Buffer) => void;
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES);
  #headFilled = 0;
  #payload: Buffer | undefined;
  #filled = 0;

  constructor(onFrame: (type: number, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws RangeError for a frame that cannot be ours */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload === undefined) {
        const take = Math.min(FRAME_HEAD_BYTES - this.#headFilled, chunk.length - at);
        chunk.copy(this.#head, this.#headFilled, at, at + take);
        this.#headFilled += take;
        at += take;
        if (this.#headFilled < FRAME_HEAD_BYTES) return;
        const length = this.#head.readUInt32LE(0);
        if (length > MAX_FRAME_BYTES) throw new RangeError(`frame of ${length} bytes`);
        this.#payload = Buffer.from(new ArrayBuffer(length));
        this.#filled = 0;
      }
      const take = Math.min(this.#payload.length - this.#filled, chunk.length - at);
      chunk.copy(this.#payload, this.#filled, at, at + take);
      this.#filled += take;
      at += take;
      if (this.#filled < this.#payload.length) return;
      const payload = this.#payload;
      this.#payload = undefined;
      this.#headFilled = 0;
      this.#onFrame(this.#head[4] ?? 0, payload);
    }
  }
}
