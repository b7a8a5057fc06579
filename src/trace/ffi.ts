// The C library through koffi: memory that does not move, syscalls, errno. Loaded only when something is traced, so that a
// hit pays nothing for it. koffi has no install script; its prebuilt binaries are packages of their own.
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { dirname, join } from "node:path";

/** Zeroed memory outside the JavaScript heap: its address stays fixed while the kernel reads it. */
export interface NativeMemory {
  readonly bytes: Buffer;
  /** Opaque, for function arguments. */
  readonly pointer: unknown;
  readonly address: bigint;
}

export interface Libc {
  alloc(sizeBytes: number): NativeMemory;
  /** The buffer must not be touched afterwards. Small memory that is reused need not be freed. */
  free(memory: NativeMemory): void;
  address(pointer: unknown): bigint;
  /** A view of memory that somebody else owns (mmap). It must outlive the view. */
  view(pointer: unknown, sizeBytes: number): ArrayBuffer;
  /** Declares one libc function, e.g. "int prctl(int, ulong, ulong, ulong, ulong)". */
  // oxlint-disable-next-line typescript/no-explicit-any -- the C declaration is the type; TypeScript cannot see it
  func(declaration: string): (...args: any[]) => any;
  /** errno of the last call. Read at once: Node's own calls change it. */
  errno(): number;
}

/** @returns an error text when koffi has no binary for this platform */
export async function loadLibc(): Promise<Libc | { readonly unavailable: string }> {
  if (process.platform !== "linux") return { unavailable: `no sound observer on ${process.platform}` };
  try {
    const koffi = nativeKoffi() ?? (await import("koffi")).default;
    const library = koffi.load(null);
    const malloc = library.func("void* malloc(size_t)");
    const free = library.func("void free(void*)");
    return {
      alloc(sizeBytes) {
        const pointer: unknown = malloc(sizeBytes);
        if (pointer === null) throw new Error(`malloc(${sizeBytes}) failed`);
        const bytes = Buffer.from(koffi.view(pointer, sizeBytes)).fill(0);
        return { bytes, pointer, address: koffi.address(pointer) };
      },
      free: (memory) => void free(memory.pointer),
      address: (pointer) => koffi.address(pointer),
      view: (pointer, sizeBytes) => koffi.view(pointer, sizeBytes),
      func: (declaration) => library.func(declaration),
      errno: () => koffi.errno(),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { unavailable: `no FFI for ${process.platform}-${process.arch}: ${why}` };
  }
}

type Koffi = Pick<typeof import("koffi").default, "load" | "view" | "address" | "errno">;

/** What koffi's own JavaScript finds and loads in 12 ms of CPU, in 3. @returns undefined: let it, it knows more platforms */
function nativeKoffi(): Koffi | undefined {
  try {
    const path = process.arch === "x64" && isGlibcNode() ? koffiBinary() : undefined;
    if (path === undefined) return undefined;
    const module: { exports: Partial<Koffi> & { readonly version?: string } } = { exports: {} };
    process.dlopen(module, path);
    // Another package's koffi, found further up, may be of another major version.
    return module.exports.version?.startsWith("3.") === true ? (module.exports as Koffi) : undefined;
  } catch {
    return undefined;
  }
}

/** Where Node's own resolution would look. */
function koffiBinary(): string | undefined {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, "node_modules/@koromix/koffi-linux-x64/linux_x64/koffi.node");
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

/** By the loader that Node's ELF file names, in its first page. */
function isGlibcNode(): boolean {
  const head = Buffer.alloc(4096);
  const fd = openSync(process.execPath, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  return head.includes("/ld-linux-x86-64.so.2\0");
}
