// What the kernel opens by itself when a file is executed: the interpreter of a script (execve(2), "Interpreter scripts"), or
// the loader that an ELF file names (PT_INTERP, elf(5)). No event tells; the file does.
import { type Files, Unreadable } from "../../ports.ts";
import type { Bytes } from "../event.ts";

export interface Header {
  /** Begins with "#!". */
  readonly isScript: boolean;
  /** What the kernel opens next: relative to the working directory if it is not absolute. */
  readonly interpreter: Bytes | undefined;
}

/** BINPRM_BUF_SIZE: the kernel looks no further for a "#!" line. */
const SCRIPT_LINE = 256;
/** Program headers of any real binary are far fewer; 64 of 56 bytes. */
const MAX_HEADERS = 64;
const PT_INTERP = 3;
const MAX_PATH = 4096;

/** @returns undefined if the file cannot be read now */
export function readHeader(path: string, files: Files): Header | undefined {
  const head = part(files, path, 0, SCRIPT_LINE);
  if (head === undefined) return undefined;
  if (head[0] === 0x23 && head[1] === 0x21) return { isScript: true, interpreter: scriptInterpreter(head) };
  return { isScript: false, interpreter: elfInterpreter(head, path, files) };
}

function scriptInterpreter(head: Buffer): Bytes | undefined {
  const [name] = head
    .toString("latin1", 2)
    .split(/[\n\0]/, 1)[0]!
    .trimStart()
    .split(/[ \t]/, 1);
  return name === undefined || name === "" ? undefined : (name as Bytes);
}

function elfInterpreter(head: Buffer, path: string, files: Files): Bytes | undefined {
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const wide = head[4] === 2;
  // Big-endian binaries do not run on the machines we trace.
  if (head[5] !== 1) return undefined;
  const offset = wide ? Number(head.readBigUInt64LE(0x20)) : head.readUInt32LE(0x1c);
  const size = head.readUInt16LE(wide ? 0x36 : 0x2a);
  const count = Math.min(head.readUInt16LE(wide ? 0x38 : 0x2c), MAX_HEADERS);
  const least = wide ? 56 : 32;
  if (size < least || !Number.isSafeInteger(offset)) return undefined;
  const headers = part(files, path, offset, size * count);
  if (headers === undefined) return undefined;
  for (let at = 0; at + least <= headers.length; at += size) {
    if (headers.readUInt32LE(at) !== PT_INTERP) continue;
    const from = wide ? Number(headers.readBigUInt64LE(at + 8)) : headers.readUInt32LE(at + 4);
    const length = wide ? Number(headers.readBigUInt64LE(at + 32)) : headers.readUInt32LE(at + 16);
    const name = part(files, path, from, Math.min(length, MAX_PATH))?.toString("latin1");
    return name === undefined ? undefined : (name.split("\0", 1)[0] as Bytes);
  }
  return undefined;
}

function part(files: Files, path: string, offset: number, length: number): Buffer | undefined {
  const bytes = files.readPart(path, offset, length);
  if (bytes === undefined || bytes instanceof Unreadable) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Loaders of the common C libraries: for an executed file that is gone, each of them may have been the one. */
export const USUAL_LOADERS = [
  "/lib64/ld-linux-x86-64.so.2",
  "/lib/ld-linux.so.2",
  "/lib/ld-linux-aarch64.so.1",
  "/lib/ld-musl-x86_64.so.1",
  "/lib/ld-musl-aarch64.so.1",
] as readonly string[] as readonly Bytes[];
