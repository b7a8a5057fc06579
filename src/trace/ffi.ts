// The C library through koffi: memory that does not move, syscalls, errno. Loaded only when something is traced, so that a
// hit pays nothing for it. koffi has no install script; its prebuilt binaries are packages of their own.

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
    const { default: koffi } = await import("koffi");
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
