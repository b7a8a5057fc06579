// One record where it lies: numbers by word, strings and objects of its tail. Throws RangeError when the lengths in its head
// do not fit; the decoder counts that.
import type { Bytes, FileObject, PathRef } from "../event.ts";
import { DirectoryInterner, inode, latin1 } from "./intern.ts";
import { AT, FLAG, HEAD_BYTES, OBJECT_BYTES } from "./record.ts";

const EMPTY = "" as Bytes;

export class RecordView {
  kind = 0;
  nr = 0;
  /** Result of the call; negative errno. */
  ret = 0;
  flags = 0;
  extra = 0;
  pid = 0;
  mountNs = 0;
  /** Where the tail begins, and the lengths of its parts. */
  body = 0;
  stringLen = 0;
  secondLen = 0;
  baseLen = 0;
  pathLen = 0;
  base2Len = 0;
  rootLen = 0;

  readonly #directories = new DirectoryInterner();
  #bytes: Buffer = Buffer.alloc(0);
  #words: Uint32Array = new Uint32Array(0);
  #w = 0;
  #end = 0;

  /** @param at a multiple of 4 */
  set(bytes: Buffer, words: Uint32Array, at: number, length: number): void {
    this.#bytes = bytes;
    this.#words = words;
    this.#w = at >> 2;
    this.#end = at + length;
    this.body = at + HEAD_BYTES;
    const kind = this.word(AT.kind);
    this.kind = kind & 0xff;
    this.nr = kind >>> 16;
    this.ret = this.word(AT.ret) | 0;
    this.flags = this.word(AT.flags);
    this.extra = this.word(AT.extra);
    this.pid = this.word(AT.tgid);
    this.mountNs = this.word(AT.mountNs);
    const strings = this.word(AT.stringLen);
    const paths = this.word(AT.baseLen);
    const blocks = this.word(AT.base2Len);
    this.stringLen = strings & 0xffff;
    this.secondLen = strings >>> 16;
    this.baseLen = paths & 0xffff;
    this.pathLen = paths >>> 16;
    this.base2Len = blocks & 0xffff;
    this.rootLen = blocks >>> 16;
  }

  word(offset: number): number {
    return this.#words[this.#w + (offset >> 2)]!;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** A view of the tail, valid as long as the record is. */
  bytes(start: number, length: number): Buffer {
    this.#check(start, length);
    return this.#bytes.subarray(start, start + length);
  }

  /** @param length with the NUL */
  string(start: number, length: number): Bytes {
    if (length <= 1) return EMPTY;
    this.#check(start, length);
    return latin1(this.#bytes, start, start + length - 1);
  }

  ref(start: number, length: number, base: FileObject | undefined, root: FileObject | undefined): PathRef {
    const string = this.string(start, length);
    return root === undefined ? { string, base } : { string, base, root };
  }

  /** @param start where the base path lies */
  base(start: number): FileObject | undefined {
    const length = this.baseLen;
    if (length === 0 || this.#mayBeCut(length)) return undefined;
    this.#check(start, length);
    return this.#directories.get(
      this.word(AT.baseDev),
      this.word(AT.baseMount),
      this.word(AT.baseIno),
      this.word(AT.baseIno + 4),
      this.#bytes,
      start,
      start + length - 1,
    );
  }

  /** @param start where the result path lies */
  object(start: number): FileObject | undefined {
    const length = this.pathLen;
    if (length === 0 || this.#mayBeCut(length)) return undefined;
    this.#check(start, length);
    const ino = inode(this.word(AT.ino), this.word(AT.ino + 4));
    // A pipe or memfd has no path in any directory.
    const path = this.has(FLAG.pseudo) && length === 2 ? EMPTY : latin1(this.#bytes, start, start + length - 1);
    return { dev: this.word(AT.dev), ino, path, mode: this.word(AT.mode), mountId: this.word(AT.mount) };
  }

  /** Where base and result paths begin; `argv` of an exec lies before them. */
  get paths(): number {
    return this.body + this.stringLen + this.secondLen;
  }

  secondBase(): FileObject | undefined {
    return this.#block(this.paths + this.baseLen + this.pathLen, this.base2Len);
  }

  /**
   * The process's root directory, if it is not what its mount namespace calls `/`.
   * @param usual the mount that is
   */
  root(usual: number | undefined, argvLen = 0): FileObject | undefined {
    if (this.has(FLAG.chroot))
      return this.#block(this.paths + argvLen + this.baseLen + this.pathLen + this.base2Len, this.rootLen);
    const mountId = this.word(AT.rootMount);
    if (usual === undefined || usual === mountId || mountId === 0) return undefined;
    // The top of another mount: where that is, the mount table says.
    return { dev: 0, ino: 0n, path: "/" as Bytes, mode: 0, mountId };
  }

  #block(start: number, length: number): FileObject | undefined {
    if (length <= OBJECT_BYTES || this.#mayBeCut(length - OBJECT_BYTES)) return undefined;
    this.#check(start, length);
    const b = this.#bytes;
    const dev = b.readUInt32LE(start);
    const mount = b.readUInt32LE(start + 4);
    const low = b.readUInt32LE(start + 8);
    const high = b.readUInt32LE(start + 12);
    return this.#directories.get(dev, mount, low, high, b, start + OBJECT_BYTES, start + length - 1);
  }

  /** Which path of the record was cut is not known; "/" never is. */
  #mayBeCut(length: number): boolean {
    return this.has(FLAG.cut) && length > 2;
  }

  #check(start: number, length: number): void {
    if (start + length > this.#end) throw new RangeError("record is shorter than its parts");
  }
}
