// The ring buffer that the kernel writes and we read, mapped as <linux/bpf.h> says: one page for the consumer's position
// (read-write), one for the producer's and then the data twice over (read-only), so that no record is torn at the end.
import type { Libc } from "../ffi.ts";
import { BpfRefused } from "./syscall.ts";

const PAGE = 4096;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;
const LENGTH = 0x3fff_ffff;

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
  const region = (length: number, protection: number, offset: number): { pointer: unknown; view: ArrayBuffer } => {
    const pointer: unknown = mmap(null, length, protection, MAP_SHARED, map, offset);
    const errno = libc.errno();
    if (libc.address(pointer) === 0xffff_ffff_ffff_ffffn) throw new BpfRefused("mmap ring", errno);
    return { pointer, view: libc.view(pointer, length) };
  };
  const own = region(PAGE, PROT_READ | PROT_WRITE, 0);
  let shared: typeof own;
  try {
    shared = region(PAGE + 2 * ringBytes, PROT_READ, PAGE);
  } catch (error) {
    munmap(own.pointer, PAGE);
    throw error;
  }
  const ring = readRing(own.view, shared.view, ringBytes);
  return {
    drain: ring,
    close() {
      munmap(own.pointer, PAGE);
      munmap(shared.pointer, PAGE + 2 * ringBytes);
    },
  };
}

/** The reading alone, on any memory of that layout: tests build their own. */
export function readRing(consumerPage: ArrayBuffer, shared: ArrayBuffer, ringBytes: number): Ring["drain"] {
  const consumer = new BigUint64Array(consumerPage, 0, 1);
  const producer = new BigUint64Array(shared, 0, 1);
  const bytes = Buffer.from(shared, PAGE, 2 * ringBytes);
  const words = new Uint32Array(shared, PAGE, ringBytes / 2);
  return (sink, maxBytes = Infinity) => {
    const start = Number(Atomics.load(consumer, 0));
    const end = Number(Atomics.load(producer, 0));
    let at = start;
    while (at < end && at - start < maxBytes) {
      const offset = at % ringBytes;
      const head = Atomics.load(words, offset >>> 2);
      if ((head & BUSY) !== 0) break;
      const length = head & LENGTH;
      if ((head & DISCARDED) === 0) sink(bytes, words, offset + 8, length);
      at += (length + 8 + 7) & ~7;
    }
    if (at !== start) Atomics.store(consumer, 0, BigInt(at));
    return at - start;
  };
}
