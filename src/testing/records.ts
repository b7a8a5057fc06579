// Records as the kernel would write them, for tests of what reads them.
import { AT, HEAD_BYTES } from "../trace/bpf/record.ts";

export interface RecordParts {
  readonly kind: number;
  readonly nr?: number;
  readonly pid?: number;
  readonly ret?: number;
  readonly flags?: number;
  readonly extra?: number;
  readonly session?: number;
  readonly mountNs?: number;
  readonly mode?: number;
  readonly string?: string;
  readonly second?: string;
  readonly argv?: string;
  readonly base?: string;
  readonly path?: string;
  readonly base2?: string;
  readonly root?: string;
  /** Without a NUL: a socket address. */
  readonly bytes?: Uint8Array;
}

/** Memory that starts at a multiple of 8. */
export function makeRecord(parts: RecordParts): { bytes: Buffer; words: Uint32Array; length: number } {
  const text = (value: string | undefined): Buffer =>
    value === undefined ? Buffer.alloc(0) : Buffer.from(`${value}\0`, "latin1");
  const block = (value: string | undefined): Buffer =>
    value === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.alloc(16, 1), text(value)]);
  const string = parts.bytes === undefined ? text(parts.string) : Buffer.from(parts.bytes);
  const second = text(parts.second);
  const argv = text(parts.argv);
  const [base, path] = [text(parts.base), text(parts.path)];
  const [base2, root] = [block(parts.base2), block(parts.root)];
  const tail = Buffer.concat([string, second, argv, base, path, base2, root]);
  const length = (HEAD_BYTES + tail.length + 7) & ~7;
  const bytes = Buffer.from(new ArrayBuffer(length));
  tail.copy(bytes, HEAD_BYTES);
  bytes.writeUInt32LE(length, AT.len);
  bytes.writeUInt8(parts.kind, AT.kind);
  bytes.writeUInt16LE(parts.nr ?? 0, AT.nr);
  bytes.writeUInt32LE(parts.pid ?? 100, AT.tgid);
  bytes.writeUInt32LE(parts.pid ?? 100, AT.tid);
  bytes.writeInt32LE(parts.ret ?? 0, AT.ret);
  bytes.writeUInt32LE(parts.flags ?? 0, AT.flags);
  bytes.writeUInt32LE(parts.argv === undefined ? (parts.extra ?? 0) : argv.length, AT.extra);
  bytes.writeUInt32LE(parts.mountNs ?? 1, AT.mountNs);
  bytes.writeUInt32LE(parts.session ?? 2, AT.session);
  bytes.writeUInt32LE(parts.mode ?? 0, AT.mode);
  bytes.writeUInt16LE(string.length, AT.stringLen);
  bytes.writeUInt16LE(second.length, AT.secondLen);
  bytes.writeUInt16LE(base.length, AT.baseLen);
  bytes.writeUInt16LE(path.length, AT.pathLen);
  bytes.writeUInt16LE(base2.length, AT.base2Len);
  bytes.writeUInt16LE(root.length, AT.rootLen);
  return { bytes, words: new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4), length };
}
