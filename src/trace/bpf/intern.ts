// Base directories repeat in nearly every event: one object for each, found by its bytes, so that a repeat costs a
// comparison and no string.
import type { Bytes, FileObject } from "../event.ts";

const SLOTS = 4096;

/** One character a byte. Not toString("latin1", ...): choosing the encoding costs as much as a short string. */
export function latin1(bytes: Buffer, start: number, end: number): Bytes {
  return (bytes as Buffer & { latin1Slice(start: number, end: number): string }).latin1Slice(start, end) as Bytes;
}

export class DirectoryInterner {
  /** Per slot: device, mount, inode low, inode high. */
  readonly #keys = new Uint32Array(4 * SLOTS);
  readonly #objects = Array<FileObject | undefined>(SLOTS);
  readonly #paths = Array<Uint8Array | undefined>(SLOTS);

  /** @param end of the path, without its NUL */
  get(dev: number, mount: number, low: number, high: number, bytes: Buffer, start: number, end: number): FileObject {
    const slot = Math.imul(low ^ Math.imul(dev, 31) ^ (mount << 4), 0x9e37_79b1) >>> 20;
    const k = 4 * slot;
    const keys = this.#keys;
    const known = this.#objects[slot];
    if (known !== undefined && keys[k] === dev && keys[k + 1] === mount && keys[k + 2] === low && keys[k + 3] === high)
      if (sameBytes(this.#paths[slot], bytes, start, end)) return known;
    const ino = inode(low, high);
    const object: FileObject = { dev, mountId: mount, ino, mode: 0, path: latin1(bytes, start, end) };
    keys[k] = dev;
    keys[k + 1] = mount;
    keys[k + 2] = low;
    keys[k + 3] = high;
    this.#objects[slot] = object;
    this.#paths[slot] = new Uint8Array(bytes.subarray(start, end));
    return object;
  }
}

/** Few file systems number beyond 32 bits, and three big integers cost as much as a short string. */
export function inode(low: number, high: number): bigint {
  return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
}

function sameBytes(path: Uint8Array | undefined, bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  if (path?.length !== length) return false;
  for (let i = 0; i < length; i++) if (path[i] !== bytes[start + i]) return false;
  return true;
}
