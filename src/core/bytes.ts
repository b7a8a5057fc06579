// Reading and writing the pieces that our formats are made of. The reader never throws: out of bounds, it becomes `failed` and
// goes on returning zeros, so that a decoder checks once, at its end.

export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(count: number): Buffer {
    if (this.failed || count > this.left) {
      this.failed = true;
      return Buffer.alloc(0);
    }
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  u8(): number {
    return this.take(1)[0] ?? 0;
  }

  u32(): number {
    const four = this.take(4);
    return four.length === 4 ? four.readUInt32LE(0) : 0;
  }

  /** LEB128, shortest form, below 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || this.failed || scale > 2 ** 49 || (byte === 0 && scale > 1)) {
        this.failed = true;
        return 0;
      }
      this.#at++;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
    }
    if (value > Number.MAX_SAFE_INTEGER) this.failed = true;
    return value;
  }

  /** UTF-8 of `count` bytes; anything that is no UTF-8 fails. */
  text(count: number): string {
    const bytes = this.take(count);
    if (this.failed) return "";
    const text = bytes.toString("utf8");
    // Buffer puts U+FFFD for what is no UTF-8.
    if (text.includes("\uFFFD") && !Buffer.from(text, "utf8").equals(bytes)) this.failed = true;
    return text;
  }
}

export class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  #small: number[] = [];

  u8(value: number): void {
    this.#small.push(value & 0xff);
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#small.push((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.#small.push(rest);
  }

  bytes(bytes: Uint8Array): void {
    this.#flush();
    this.#parts.push(bytes);
  }

  /** varint length, then UTF-8. @throws TypeError for a lone surrogate, which UTF-8 cannot say */
  text(text: string): void {
    const bytes = utf8(text);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  done(): Buffer {
    this.#flush();
    return Buffer.concat(this.#parts);
  }

  #flush(): void {
    if (this.#small.length === 0) return;
    this.#parts.push(Uint8Array.from(this.#small));
    this.#small = [];
  }
}

/** @throws TypeError for a lone surrogate */
export function utf8(text: string): Buffer {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError(`not well-formed text: ${JSON.stringify(text)}`);
  return Buffer.from(text, "utf8");
}
