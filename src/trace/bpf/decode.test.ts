import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeRecord, type RecordParts } from "../../testing/records.ts";
import type { TraceEvent } from "../event.ts";
import { CALLS } from "./call-table.ts";
import { Decoder } from "./decode.ts";
import { FLAG, HEAD_BYTES, KIND } from "./record.ts";

const NR = { openat: 257, newfstatat: 262, unlinkat: 263, renameat2: 316, symlinkat: 266, shmget: 29, shmat: 30 };

function decode(...records: readonly RecordParts[]): { events: TraceEvent[]; decoder: Decoder } {
  const events: TraceEvent[] = [];
  const decoder = new Decoder((event) => void events.push(event));
  for (const parts of records) {
    const { bytes, words, length } = makeRecord(parts);
    decoder.record(bytes, words, 0, length);
  }
  return { events, decoder };
}

/** One of each kind whose tail has parts. */
const samples: readonly RecordParts[] = [
  { kind: KIND.open, nr: NR.openat, string: "a/b", base: "/home", path: "/home/a/b" },
  { kind: KIND.look, nr: NR.newfstatat, string: "x", base: "/y", ret: -2, flags: FLAG.chroot, root: "/jail" },
  { kind: KIND.pair, nr: NR.renameat2, string: "from", second: "to", base: "/b", base2: "/c" },
  { kind: KIND.change, nr: NR.unlinkat, string: "gone", base: "/b", extra: 0x200 },
  { kind: KIND.executed, string: "./run", second: "/bin/sh", argv: "sh\0./run\0", base: "/b", path: "/usr/bin/dash" },
  { kind: KIND.connect, bytes: Uint8Array.of(1, 0, 0x2f, 0x73, 0), base: "/b" },
  { kind: KIND.bind, bytes: Uint8Array.of(1, 0, 0x73, 0), base: "/run" },
  { kind: KIND.list, path: "/home" },
  { kind: KIND.dns, bytes: new Uint8Array(40) },
];

describe("a record becomes", () => {
  test("an open with base, flags, outcome and the object behind it", () => {
    const { events } = decode({ ...samples[0]!, extra: 0o100, flags: FLAG.created, mode: 0o100644 });
    expect(events).toMatchObject([
      {
        type: "open",
        path: { string: "a/b", base: { path: "/home" } },
        flags: 0o100,
        created: true,
        outcome: 0,
        object: { path: "/home/a/b", mode: 0o100644 },
      },
    ]);
  });
  test("a look with its errno and the chroot it happened in", () => {
    expect(decode(samples[1]!).events).toMatchObject([
      { type: "look", class: "stat", outcome: 2, path: { root: { path: "/jail" } } },
    ]);
  });
  test("a pair with both bases, a removed directory, an exec with argv", () => {
    expect(decode(...samples.slice(2, 5)).events).toMatchObject([
      { type: "pair", op: "rename", from: { base: { path: "/b" } }, to: { string: "to", base: { path: "/c" } } },
      { type: "change", op: "rmdir" },
      { type: "exec", interpreter: "/bin/sh", argv: ["sh", "./run", ""], object: { path: "/usr/bin/dash" } },
    ]);
  });
  test("a bind and the file that it made", () => {
    expect(decode(samples[6]!).events).toMatchObject([
      { type: "bind" },
      { type: "change", op: "mknod", path: { string: "s", base: { path: "/run" } } },
    ]);
  });
  test("bytes, not characters", () => {
    const name = "caf\xe9\n\xff";
    expect(decode({ ...samples[0]!, string: name }).events).toMatchObject([{ path: { string: name } }]);
  });
  test("nothing that could be mistaken for the truth, where a path was cut", () => {
    const [event] = decode({ ...samples[0]!, flags: FLAG.cut }).events;
    expect(event).toMatchObject({ type: "open", path: { string: "a/b", base: undefined } });
    expect(event).not.toHaveProperty("object");
  });
  test("a forbidden call where an absolute link would start elsewhere", () => {
    expect(decode({ ...samples[0]!, nr: 437, flags: FLAG.in_root }).events).toMatchObject([
      { type: "forbidden", call: "openat2 RESOLVE_IN_ROOT" },
    ]);
  });
  test("a call of unknown number, by its number", () => {
    expect(decode({ kind: KIND.unknown, extra: 471 }).events).toMatchObject([{ call: "syscall 471" }]);
  });
  test("shared memory of somebody else, not of its own", () => {
    const IPC_CREAT_EXCL = 0o3000;
    const get = (extra: number, mode: number, ret: number): RecordParts => ({
      kind: KIND.ipc,
      nr: NR.shmget,
      extra,
      mode,
      ret,
    });
    const attach = (id: number): RecordParts => ({ kind: KIND.ipc, nr: NR.shmat, extra: id });
    const { events } = decode(get(0, 0, 7), attach(7), get(99, IPC_CREAT_EXCL, 8), attach(8), get(99, 0, 8));
    expect(events).toEqual([]);
    expect(decode(get(5, 0, 9), attach(9)).events).toMatchObject([{ call: "shmget" }, { call: "shmat", target: 9 }]);
  });
});

describe("a record that does not hold together is counted, never believed, never thrown", () => {
  test("cut at each byte", () => {
    for (const parts of samples) {
      const { bytes, words, length } = makeRecord(parts);
      for (let cut = 0; cut < length; cut++) {
        const decoder = new Decoder(() => expect.unreachable(`${parts.kind} cut at ${cut}`));
        decoder.record(bytes, words, 0, cut);
        expect(decoder.errors).toBe(1);
      }
    }
  });
  test("one whose head says it is shorter than its parts", () => {
    for (const parts of samples.slice(0, 8)) {
      const { bytes, words } = makeRecord(parts);
      const decoder = new Decoder(() => expect.unreachable(`kind ${parts.kind}`));
      bytes.writeUInt32LE(HEAD_BYTES, 0);
      decoder.record(bytes, words, 0, HEAD_BYTES);
      expect(decoder.errors).toBe(1);
    }
  });
  test("random bytes of any length, with any kind", () => {
    const decoder = new Decoder(() => undefined);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: HEAD_BYTES, maxLength: 600 }), fc.nat(40), (noise, kind) => {
        const length = noise.length & ~7;
        const bytes = Buffer.from(new ArrayBuffer(length));
        bytes.set(noise.subarray(0, length));
        bytes.writeUInt32LE(length, 0);
        bytes[4] = kind;
        const before = decoder.errors;
        decoder.record(bytes, new Uint32Array(bytes.buffer, 0, length / 4), 0, length);
        return decoder.errors - before <= 1;
      }),
      { numRuns: 20_000 },
    );
  });
  test("a call that the table does not have", () => {
    expect(decode({ kind: KIND.look, nr: CALLS.perAbi - 1, string: "x" }).decoder.errors).toBe(1);
  });
});

test("who is alive follows forks and exits", () => {
  const { decoder } = decode(
    { kind: KIND.fork, pid: 1, extra: 10 },
    { kind: KIND.fork, pid: 10, extra: 11 },
    { kind: KIND.exit, pid: 10 },
  );
  expect([...decoder.alive]).toEqual([11]);
});
