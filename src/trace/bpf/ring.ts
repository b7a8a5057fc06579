// The ring buffer that the kernel writes and we read, mapped as <linux/bpf.h> says: one page for the consumer's position
// (read-write), one for the producer's, and then the data twice over (read-only), so that no record is torn at the end.
// The data is mapped in windows as they are reached: a short command sees only the first, and V8, told of 128 MiB outside
// its heap, would start by collecting garbage.
import type { Libc } from "../ffi.ts";
import { MAX_RECORD_BYTES } from "./record.ts";
import { BpfRefused } from "./syscall.ts";

const PAGE = 4096;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;
const LENGTH = 0x3fff_ffff;
const WINDOW_BYTES = 4 << 20;
/** A record that begins in a window may end behind it. */
const OVERLAP_BYTES = Math.ceil(MAX_RECORD_BYTES / PAGE + 1) * PAGE;

/** One record where it lies: valid only during the call. `at` is a multiple of 8; `words[at >> 2]` is its first word. */
export type RecordSink = (bytes: Buffer, words: Uint32Array, at: number, length: number) => void;

export interface Ring {
  /** Reads what is complete, at most `maxBytes` of it. @returns bytes consumed; 0 = empty, or the next is being written */
  drain(sink: RecordSink, maxBytes?: number): number;
  close(): void;
}

/** @throws BpfRefused ENOMEM, EPERM */
export function mapRing(libc: Libc, map: number, ringBytes: number): Ring {
  const mmap = libc.func("void* mmap(void*, size_t, int, int, int, long)");
  const munmap = libc.func("int munmap(void*, size_t)");
  const mapped: { pointer: unknown; length: number }[] = [];
  const region = (length: number, protection: number, offset: number): ArrayBuffer => {
    const pointer: unknown = mmap(null, length, protection, MAP_SHARED, map, offset);
    const errno = libc.errno();
    if (libc.address(pointer) === 0xffff_ffff_ffff_ffffn) throw new BpfRefused("mmap ring", errno);
    mapped.push({ pointer, length });
    return libc.view(pointer, length);
  };
  const close = (): void => {
    for (const { pointer, length } of mapped.splice(0)) munmap(pointer, length);
  };
  try {
    const consumer = region(PAGE, PROT_READ | PROT_WRITE, 0);
    const producer = region(PAGE, PROT_READ, PAGE);
    const window = (start: number, length: number): Buffer => Buffer.from(region(length, PROT_READ, 2 * PAGE + start));
    return { drain: readRing({ consumer, producer, window, ringBytes }), close };
  } catch (error) {
    close();
    throw error;
  }
}

export interface RingMemory {
  readonly consumer: ArrayBuffer;
  readonly producer: ArrayBuffer;
  /** Part of the doubled data, whose memory begins at a multiple of 8; each is asked for once. */
  window(start: number, length: number): Buffer;
  readonly ringBytes: number;
}

/** The reading alone, on any memory of that layout: tests build their own. */
export function readRing(memory: RingMemory): Ring["drain"] {
  const { ringBytes } = memory;
  const windowBytes = Math.min(WINDOW_BYTES, ringBytes);
  const consumer = new BigUint64Array(memory.consumer, 0, 1);
  const producer = new BigUint64Array(memory.producer, 0, 1);
  const windows: ({ readonly bytes: Buffer; readonly words: Uint32Array } | undefined)[] = [];
  const windowAt = (index: number): { readonly bytes: Buffer; readonly words: Uint32Array } => {
    const start = index * windowBytes;
    const length = Math.min(windowBytes + OVERLAP_BYTES, 2 * ringBytes - start);
    const bytes = memory.window(start, length);
    return (windows[index] = { bytes, words: new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4) });
  };
  return (sink, maxBytes = Infinity) => {
    const start = Number(Atomics.load(consumer, 0));
    const end = Number(Atomics.load(producer, 0));
    let at = start;
    while (at < end && at - start < maxBytes) {
      const offset = at % ringBytes;
      const index = Math.floor(offset / windowBytes);
      const { bytes, words } = windows[index] ?? windowAt(index);
      const local = offset - index * windowBytes;
      const head = Atomics.load(words, local >>> 2);
      if ((head & BUSY) !== 0) break;
      const length = head & LENGTH;
      if ((head & DISCARDED) === 0) sink(bytes, words, local + 8, length);
      at += (length + 8 + 7) & ~7;
    }
    if (at !== start) Atomics.store(consumer, 0, BigInt(at));
    return at - start;
  };
}
