// Frames on the one stream between two peers: `u32be len | u8 type | u32be id | body`, len = bytes after it. The first byte on
// the wire is always 00 (len < 2^24), so a peer of the founding protocol ("g" or "{") shows at once.

/** Chosen: a value of 1 MiB goes out in 17 pieces, between which small answers pass (2.3 ms instead of 7.6, measured). */
export const MAX_FRAME_BYTES = 65_536;
export const FRAME_HEAD_BYTES = 9;
/** len counts type and id. */
const MIN_LENGTH = 5;
/** Length and type: all that is needed to refuse a frame. */
const PREFIX_BYTES = 5;
export const MAX_BODY_BYTES = MAX_FRAME_BYTES - MIN_LENGTH;

/** Numbers are the wire's; those from 0x80 on are for later versions and are skipped. */
export const FRAME = {
  hello: 0x01,
  helloAck: 0x02,
  auth: 0x03,
  ping: 0x04,
  error: 0x05,
  peers: 0x06,
  get: 0x0a,
  value: 0x0b,
  miss: 0x0c,
  wait: 0x0d,
  cancel: 0x0e,
  release: 0x0f,
  find: 0x10,
  found: 0x11,
  put: 0x12,
  putAck: 0x13,
  have: 0x14,
  invalidate: 0x15,
  pong: 0x16,
} as const;

const KNOWN = new Set<number>(Object.values(FRAME));
const FIRST_OPTIONAL = 0x80;

export interface Frame {
  readonly type: number;
  /** Of the request this is about: odd if the dialer asked, even if the listener did, 0 if nobody did. */
  readonly id: number;
  readonly body: Buffer;
}

export type FrameFault = "oversize" | "undersize" | "unknown-type";

export function encodeFrame(type: number, id: number, ...parts: readonly Uint8Array[]): Buffer {
  const bodyBytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (bodyBytes > MAX_BODY_BYTES) throw new RangeError(`a frame holds ${MAX_BODY_BYTES} bytes, not ${bodyBytes}`);
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + bodyBytes);
  frame.writeUInt32BE(MIN_LENGTH + bodyBytes, 0);
  frame[4] = type;
  frame.writeUInt32BE(id, 5);
  let at = FRAME_HEAD_BYTES;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/**
 * Cuts a stream into frames. Holds at most one frame that is not whole; a length out of bounds is a fault before a byte of the
 * body is kept, and after a fault nothing more comes out.
 */
export class FrameDecoder {
  #rest: Buffer = Buffer.alloc(0);
  #pieces: Buffer[] = [];
  #held = 0;
  #need = PREFIX_BYTES;
  fault: FrameFault | undefined;

  /** Frames that `chunk` completes. Bodies are views, of the chunk itself if it holds them whole: copy what is to be kept. */
  push(chunk: Uint8Array): readonly Frame[] {
    if (this.fault !== undefined) return [];
    this.#pieces.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#held += chunk.length;
    // Joined only when a frame is whole, or its head is: dripping bytes cost no quadratic copying.
    if (this.#held < this.#need) return [];
    const [only] = this.#pieces;
    this.#rest = only?.length === this.#held ? only : Buffer.concat(this.#pieces, this.#held);
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      const left = this.#rest.length - at;
      this.#need = PREFIX_BYTES;
      if (left < PREFIX_BYTES) break;
      const length = this.#rest.readUInt32BE(at);
      this.fault = faultOf(length, this.#rest[at + 4] as number);
      if (this.fault !== undefined) return this.#end(frames);
      this.#need = 4 + length;
      if (left < this.#need) break;
      const type = this.#rest[at + 4] as number;
      if (type < FIRST_OPTIONAL)
        frames.push({
          type,
          id: this.#rest.readUInt32BE(at + 5),
          body: this.#rest.subarray(at + FRAME_HEAD_BYTES, at + this.#need),
        });
      at += this.#need;
    }
    this.#keep(this.#rest.subarray(at));
    return frames;
  }

  #keep(rest: Buffer): void {
    this.#rest = Buffer.alloc(0);
    this.#pieces = rest.length === 0 ? [] : [Buffer.from(rest)];
    this.#held = rest.length;
  }

  #end(frames: readonly Frame[]): readonly Frame[] {
    this.#keep(Buffer.alloc(0));
    return frames;
  }
}

function faultOf(length: number, type: number): FrameFault | undefined {
  if (length > MAX_FRAME_BYTES) return "oversize";
  if (length < MIN_LENGTH) return "undersize";
  return type < FIRST_OPTIONAL && !KNOWN.has(type) ? "unknown-type" : undefined;
}
