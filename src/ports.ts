// The effects that the pure layers are handed: the only doors to the world. `node/` holds their only implementations.
// File access is synchronous on purpose: evaluating 1,000 observations costs 3 µs each that way, and 50-100 µs each
// through Node's thread pool.

/** Milliseconds since the Unix epoch, whole. */
export type EpochMs = number & { readonly __brand: "EpochMs" };

export interface Clock {
  now(): EpochMs;
  /** Milliseconds from an arbitrary start, never going back: for durations. */
  monotonicMs(): number;
}

export interface Random {
  bytes(count: number): Uint8Array;
  /** Uniform in [0, 1), from a cryptographic source: nothing that a pull request can predict. */
  fraction(): number;
}

export interface Hasher {
  /** 64 lower-case hex digits. Strings are hashed as UTF-8. */
  sha256(data: Uint8Array | string): string;
  /** The git object id (SHA-1) of a blob with these bytes: 40 lower-case hex digits. */
  gitBlob(data: Uint8Array): string;
  /** HMAC-SHA-256: 64 lower-case hex digits. */
  hmac(key: Uint8Array, data: Uint8Array | string): string;
}

export type EntryType = "file" | "dir" | "symlink" | "other";

/** What lstat says of one path. */
export interface Stat {
  readonly type: EntryType;
  /** Permission bits, e.g. 0o755. */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Files are stamped with the time of the last timer tick: up to 10 ms old (CONFIG_HZ=100). Doubled to be on the safe side. */
export const CLOCK_GRANULARITY_NS = 20_000_000n;

/** `undefined`: nothing is there (ENOENT, ENOTDIR). An `Unreadable`: something is there and nobody could look. */
export type Looked<T> = T | undefined | Unreadable;
export class Unreadable {
  /** An errno name such as EACCES. */
  readonly code: string;
  constructor(code: string) {
    this.code = code;
  }
}

/** Read access to the file system, by absolute path. Never throws for what a file system can do. */
export interface Files {
  lstat(path: string): Looked<Stat>;
  /** Follows no symlink in the last component. Larger than `maxBytes`: `Unreadable("EFBIG")`. */
  read(path: string, maxBytes?: number): Looked<Uint8Array>;
  /** At most `length` bytes from `offset`: fewer at the end of the file. As `read` otherwise. */
  readPart(path: string, offset: number, length: number): Looked<Uint8Array>;
  readlink(path: string): Looked<string>;
  /** Names and types in no particular order, without `.` and `..`. */
  list(path: string): Looked<readonly (readonly [name: string, type: EntryType])[]>;
  /** Which kind of file system a path lies on: `f_type` of statfs(2), e.g. 0xef53 for ext4. */
  fileSystem(path: string): Looked<number>;
}

/** Write access, by absolute path. Each call answers with an errno name when it failed, `undefined` when it is done. */
export interface FileWriter {
  /** One folder; its parent exists. Done if it is there already. */
  makeDirectory(path: string): string | undefined;
  /** A file that must not exist yet. */
  writeNew(path: string, bytes: Uint8Array, mode: number): string | undefined;
  makeSymlink(target: string, path: string): string | undefined;
  /** Replaces what is at `to`, unless that is a folder. */
  rename(from: string, to: string): string | undefined;
  /** A file, a symlink or an empty folder. Done if nothing is there. */
  remove(path: string): string | undefined;
}

/** Runs a short helper program (git) to its end. Never throws: `status` is null if it could not start or was killed. */
export interface Runner {
  run(argv: readonly string[], options: RunOptions): Ran;
  /** The same beside other work, or beside another of its kind. Never rejects. */
  start(argv: readonly string[], options: RunOptions): Promise<Ran>;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array;
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/**
 * One HTTP request; redirects are not followed. The global `fetch` is one.
 * @throws what broke the connection, or what `signal` was aborted with; while the body is read, too
 */
export type Fetch = (url: string, request: FetchRequest) => Promise<FetchAnswer>;

export interface FetchRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly redirect: "manual";
  readonly signal: AbortSignal;
}

export interface FetchAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** Raw DEFLATE (RFC 1951). */
export interface Deflate {
  deflate(bytes: Uint8Array): Uint8Array;
  /** `undefined`: no deflate stream, or one that holds more than `maxBytes`. */
  inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined;
}

/** What the store needs to know of one of its own files. */
export interface StoredFile {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ino: bigint;
  readonly uid: number;
  readonly mode: number;
  readonly type: EntryType;
}

/**
 * Read and write access to the store's own folder, by absolute path. Each method is one step that can fail and at which
 * a process can be killed. Throws Errors with an errno `code`, except where it says what it returns instead. Files are
 * made with mode 0600, folders with 0700.
 */
export interface StoreFiles {
  /** Follows symlinks. `undefined`: nothing there. */
  stat(path: string): StoredFile | undefined;
  /** `undefined`: nothing there. @throws EFBIG above `maxBytes` */
  read(path: string, maxBytes: number): { readonly bytes: Uint8Array; readonly mtimeMs: number } | undefined;
  /** Names; `undefined`: no such folder. */
  list(folder: string): readonly string[] | undefined;
  /** Parents included; an existing folder is no error. */
  mkdir(folder: string): void;
  /** Opens a new file for writing. @throws EEXIST */
  create(path: string): number;
  /** Opens for reading and appending (O_APPEND), made if it is not there. */
  openAppend(path: string): number;
  /** One write(2). @returns bytes written, perhaps fewer than given */
  write(fd: number, bytes: Uint8Array): number;
  /** What lies behind `position`, at most `maxBytes` of it. */
  readFrom(fd: number, position: number, maxBytes: number): Uint8Array;
  fstat(fd: number): StoredFile;
  /** The one asynchronous step: it takes milliseconds, and an agent must go on answering. */
  fsync(fd: number): Promise<void>;
  close(fd: number): void;
  /** Replaces the target. @returns false if there is no source */
  rename(from: string, to: string): boolean;
  /** @returns false if the target exists */
  link(from: string, to: string): boolean;
  /** @returns false if nothing was there */
  unlink(path: string): boolean;
  /** Sets the modification time. @returns false if nothing is there */
  touch(path: string, at: EpochMs): boolean;
  /** Who we are: files of anybody else are not trusted. `undefined` where the system has no such ids (Windows). */
  readonly uid: number | undefined;
}
