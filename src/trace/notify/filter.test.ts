import { describe, expect, test } from "vitest";
import { type Abi, syscallsOf } from "../tables/table.ts";
import { loadLibc } from "../ffi.ts";
import { notifyRefusal } from "./available.ts";
import { FILTER_ABIS, filterProgram, WATCHED } from "./filter.ts";

// What the kernel does with the program, so that it can be asked without loading it.
function run(program: Uint8Array, data: { nr: number; arch: number; args?: readonly bigint[] }): string {
  const input = new DataView(new ArrayBuffer(64));
  input.setUint32(0, data.nr >>> 0, true);
  input.setUint32(4, data.arch, true);
  data.args?.forEach((value, i) => input.setBigUint64(16 + 8 * i, value, true));
  const code = new DataView(program.buffer);
  let a = 0;
  for (let pc = 0, steps = 0; steps < 200; steps++) {
    const op = code.getUint16(8 * pc, true);
    const k = code.getUint32(8 * pc + 4, true);
    const jump = (taken: boolean): number => code.getUint8(8 * pc + (taken ? 2 : 3));
    if (op === 0x06) return k === 0x7fff0000 ? "allow" : k === 0x7fc00000 ? "notify" : `refuse ${k & 0xffff}`;
    if (op === 0x20) a = input.getUint32(k, true);
    else if (op === 0x54) a = (a & k) >>> 0;
    else if (op === 0x05) pc += k;
    else if (op === 0x15) pc += jump(a === k);
    else if (op === 0x35) pc += jump(a >= k);
    else throw new Error(`opcode ${op}`);
    pc++;
  }
  throw new Error("does not end");
}

const x64 = FILTER_ABIS["x64"] ?? [];
const program = filterProgram(x64);
const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const number = (abi: Abi, name: string): number => syscallsOf(abi).find((s) => s.name === name)?.nr ?? -1;
const ask = (name: string, ...args: bigint[]): string =>
  run(program, { nr: number("x86-64", name), arch: X86_64, args });

test("fits the kernel's limit of 4,096 instructions", () => {
  expect(program.length / 8).toBeLessThan(4096);
});

describe.each([
  ["x86-64", X86_64],
  ["i386", I386],
] as const)("%s", (abi, arch) => {
  const table = syscallsOf(abi);
  const asking = (kind: string): boolean =>
    ["open", "look", "change", "change-fd", "pair", "exec", "list", "bind", "receive-fd"].includes(kind);
  test.each(table.filter((s) => s.call.kind === "harmless" && !WATCHED.has(s.name)))("allows $name", ({ nr }) => {
    expect(run(program, { nr, arch })).toBe("allow");
  });
  test.each(table.filter((s) => asking(s.call.kind) || WATCHED.has(s.name)))("asks for $name", ({ nr }) => {
    expect(run(program, { nr, arch })).toBe("notify");
  });
  test("asks for numbers that are not in the table, and lets negative ones fail by themselves", () => {
    const known = new Set(table.map((s) => s.nr));
    const unknown = Array.from({ length: 1024 }, (_, nr) => nr).filter((nr) => !known.has(nr));
    expect(new Set(unknown.map((nr) => run(program, { nr, arch })))).toEqual(new Set(["notify"]));
    expect(run(program, { nr: 0x7fffffff, arch })).toBe("notify");
    expect(run(program, { nr: -1, arch })).toBe("allow");
  });
});

test("asks for x32 numbers and for ABIs it does not know", () => {
  expect(run(program, { nr: 0x40000000, arch: X86_64 })).toBe("notify");
  expect(run(program, { nr: 0, arch: 0x40000028 })).toBe("notify");
});

test("io_uring does not exist", () => {
  expect(ask("io_uring_setup")).toBe("refuse 38");
});

test("sendto asks only with an address", () => {
  expect(ask("sendto", 1n, 2n, 3n, 4n, 0n)).toBe("allow");
  expect(ask("sendto", 1n, 2n, 3n, 4n, 0x1234n)).toBe("notify");
  expect(ask("sendto", 1n, 2n, 3n, 4n, 0x1_0000_0000n)).toBe("notify");
});

test("socket asks for families whose peers nobody can name", () => {
  for (const family of [1n, 2n, 10n, 16n]) expect(ask("socket", family)).toBe("allow");
  for (const family of [17n, 40n, 0xffffffffn]) expect(ask("socket", family)).toBe("notify");
  expect(ask("socket", 2n, 0x80003n)).toBe("notify");
  expect(ask("socket", 10n, 0x80802n)).toBe("allow");
});

test("System V objects ask unless they are the run's own", () => {
  expect(ask("shmget", 0n, 4096n, 0o600n)).toBe("allow");
  expect(ask("shmget", 77n, 4096n, 0o3600n)).toBe("allow");
  expect(ask("shmget", 77n, 4096n, 0o1600n)).toBe("notify");
  expect(ask("msgget", 77n, 0o3600n)).toBe("allow");
});

test("conditional calls ask for the named values alone", () => {
  expect(ask("ptrace", 0n)).toBe("allow");
  expect(ask("ptrace", 16n)).toBe("notify");
  expect(ask("ptrace", 0x4206n)).toBe("notify");
  expect(ask("fcntl", 3n, 1n)).toBe("allow");
  expect(ask("fcntl", 3n, 1026n)).toBe("notify");
});

test("i386 socketcall asks for the calls that name a peer", () => {
  const socketcall = (call: bigint): string =>
    run(program, { nr: number("i386", "socketcall"), arch: I386, args: [call] });
  expect(socketcall(3n)).toBe("notify");
  expect(socketcall(11n)).toBe("notify");
  expect(socketcall(10n)).toBe("allow");
});

test("arm64 has a filter too, but does not observe", async () => {
  const libc = await loadLibc();
  if (!("unavailable" in libc)) expect(notifyRefusal(libc, "6.8.0", "arm64")).toBe("not proven on arm64");
  const arm = filterProgram(FILTER_ABIS["arm64"] ?? []);
  expect(run(arm, { nr: number("arm64", "openat"), arch: 0xc00000b7 })).toBe("notify");
  expect(run(arm, { nr: number("arm64", "read"), arch: 0xc00000b7 })).toBe("allow");
});
