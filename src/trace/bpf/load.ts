// Loads a blob: the kernel runs its loader program, which relocates (CO-RE), makes the maps and loads the programs, and
// writes their descriptors into its context. Then attaches. Everything is held by descriptors: closed, or the process
// killed, and the kernel detaches.
import type { NativeMemory } from "../ffi.ts";
import type { Blob } from "./blob.ts";
import { type BpfCalls, BpfRefused } from "./syscall.ts";

const PROGRAM_TYPE_SYSCALL = 31;
const SLEEPABLE = 1 << 4;
const MAP_TYPE_ARRAY = 2;
const ATTACH: Record<string, number> = { on_ingress: 0, on_egress: 1 }; // BPF_CGROUP_INET_*

export interface Loaded {
  map(name: string): number;
  program(name: string): number;
  readonly programs: readonly string[];
  close(): void;
}

/** A signal that arrives while the kernel verifies makes it give up with EAGAIN. libbpf tries five times; in Node more signals are about. */
export const LOAD_ATTEMPTS = 20;

/**
 * @param ringBytes a power of two, at least a page
 * @throws BpfRefused: EPERM, ENOMEM, or what the verifier said
 */
export function load(calls: BpfCalls, blob: Blob, ringBytes: number): Loaded {
  for (let attempt = 1; ; attempt++)
    try {
      return loadOnce(calls, blob, ringBytes);
    } catch (error) {
      if (!(error instanceof BpfRefused) || error.errno !== "EAGAIN" || attempt === LOAD_ATTEMPTS) throw error;
    }
}

function loadOnce(calls: BpfCalls, blob: Blob, ringBytes: number): Loaded {
  const { libc } = calls;
  const copy = (bytes: Buffer): NativeMemory => {
    const memory = libc.alloc(bytes.length);
    bytes.copy(memory.bytes);
    return memory;
  };
  // Context: 24-byte head; per map { fd, max_entries, u64 initial value }; per program { fd }.
  const mapAt = (index: number): number => 24 + 16 * index;
  const programAt = (index: number): number => mapAt(blob.maps.length) + 4 * index;
  const size = programAt(blob.programs.length);
  const context = libc.alloc(size + 64);
  context.bytes.writeUInt32LE(size, 0);
  const ring = blob.maps.indexOf("ring");
  if (ring >= 0) context.bytes.writeUInt32LE(ringBytes, mapAt(ring) + 4);
  // The loader copies from here; a page, because it rounds up.
  const bss = libc.alloc(8192);
  const bssIndex = blob.maps.indexOf("bss");
  if (bssIndex >= 0) context.bytes.writeBigUInt64LE(bss.address, mapAt(bssIndex) + 8);

  const data = copy(blob.data);
  const instructions = copy(blob.instructions);
  const licence = copy(Buffer.from("Dual BSD/GPL\0"));
  const fdArray = libc.alloc(8);
  const open: number[] = [];
  try {
    const dataMap = calls.call("map create", "loader", (attr) => {
      attr.writeUInt32LE(MAP_TYPE_ARRAY, 0);
      attr.writeUInt32LE(4, 4);
      attr.writeUInt32LE(blob.data.length, 8);
      attr.writeUInt32LE(1, 12);
      attr.write("__loader.map", 28);
    });
    open.push(dataMap);
    const zero = libc.alloc(8);
    calls.call("map update", "loader", (attr) => {
      attr.writeUInt32LE(dataMap, 0);
      attr.writeBigUInt64LE(zero.address, 8);
      attr.writeBigUInt64LE(data.address, 16);
    });
    fdArray.bytes.writeInt32LE(dataMap, 0);
    const loader = calls.call("program load", "loader", (attr) => {
      attr.writeUInt32LE(PROGRAM_TYPE_SYSCALL, 0);
      attr.writeUInt32LE(blob.instructions.length / 8, 4);
      attr.writeBigUInt64LE(instructions.address, 8);
      attr.writeBigUInt64LE(licence.address, 16);
      attr.writeUInt32LE(SLEEPABLE, 44);
      attr.write("__loader.prog", 48);
      attr.writeBigUInt64LE(fdArray.address, 120);
    });
    open.push(loader);
    calls.call("program run", "loader", (attr) => {
      attr.writeUInt32LE(loader, 0);
      attr.writeUInt32LE(size, 40);
      attr.writeBigUInt64LE(context.address, 48);
    });
    const returned = calls.answer(4);
    if (returned < 0) throw new BpfRefused("bpf loader", -returned);
  } finally {
    for (const fd of open) calls.close(fd);
    for (const memory of [data, instructions, licence, fdArray, bss]) libc.free(memory);
  }
  const maps = blob.maps.map((_, i) => context.bytes.readInt32LE(mapAt(i)));
  const programs = blob.programs.map((_, i) => context.bytes.readInt32LE(programAt(i)));
  libc.free(context);
  const at = (fds: readonly number[], names: readonly string[], name: string): number => {
    const fd = fds[names.indexOf(name)];
    if (fd === undefined || fd <= 0) throw new Error(`the BPF program has no ${name}`);
    return fd;
  };
  return {
    map: (name) => at(maps, blob.maps, name),
    program: (name) => at(programs, blob.programs, name),
    programs: blob.programs,
    close: () => {
      for (const fd of [...programs, ...maps]) if (fd > 0) calls.close(fd);
    },
  };
}

/**
 * Attaches every tracing program; the cgroup programs only if there is a cgroup v2 root.
 * @returns the links: closing them detaches
 */
export function attach(calls: BpfCalls, loaded: Loaded, cgroupFd: number | undefined): number[] {
  const links: number[] = [];
  try {
    for (const name of loaded.programs) {
      const type = ATTACH[name];
      if (type === undefined)
        // The name is NULL: a tp_btf program knows its own tracepoint.
        links.push(calls.call("tracepoint open", name, (attr) => void attr.writeUInt32LE(loaded.program(name), 8)));
      else if (cgroupFd !== undefined)
        links.push(
          calls.call("link create", name, (attr) => {
            attr.writeUInt32LE(loaded.program(name), 0);
            attr.writeUInt32LE(cgroupFd, 4);
            attr.writeUInt32LE(type, 8);
          }),
        );
    }
    return links;
  } catch (error) {
    for (const link of links) calls.close(link);
    throw error;
  }
}
