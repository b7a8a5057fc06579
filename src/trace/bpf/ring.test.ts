import { expect, test } from "vitest";
import { readRing } from "./ring.ts";

const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;

/** The memory of a ring buffer, its data doubly mapped by writing everything twice. */
function makeRing(size = 4096) {
  const [own, other] = [new ArrayBuffer(4096), new ArrayBuffer(4096)];
  const [consumer, producer] = [new BigUint64Array(own, 0, 1), new BigUint64Array(other, 0, 1)];
  const data = Buffer.from(new ArrayBuffer(2 * size));
  let end = 0;
  const put = (bytes: Buffer, at: number): void => {
    const offset = at % size;
    bytes.copy(data, offset);
    bytes.copy(data, offset + size);
    if (offset + bytes.length > size) bytes.copy(data, 0, size - offset);
  };
  const window = (start: number, length: number): Buffer => data.subarray(start, start + length);
  return {
    drain: readRing({ consumer: own, producer: other, window, ringBytes: size }),
    consumer,
    write(text: string, flags = 0): number {
      const at = end;
      const head = Buffer.alloc(8);
      head.writeUInt32LE((text.length | flags) >>> 0, 0);
      put(Buffer.concat([head, Buffer.from(text)]), at);
      end += (8 + text.length + 7) & ~7;
      producer[0] = BigInt(end);
      return at;
    },
    finish(at: number): void {
      put(Buffer.from([data[(at % size) + 3]! & 0x7f]), at + 3);
    },
  };
}

function taken(drain: ReturnType<typeof readRing>, max?: number): string[] {
  const found: string[] = [];
  drain((bytes, _words, at, length) => void found.push(bytes.toString("latin1", at, at + length)), max);
  return found;
}

test("records come whole and in order, those that were given up are left out", () => {
  const ring = makeRing();
  ring.write("first");
  ring.write("given up", DISCARDED);
  ring.write("third one");
  expect(taken(ring.drain)).toEqual(["first", "third one"]);
  expect(taken(ring.drain)).toEqual([]);
});

test("a record that is being written stops the reader until it is done", () => {
  const ring = makeRing();
  ring.write("a");
  const busy = ring.write("slow", BUSY);
  ring.write("b");
  expect(taken(ring.drain)).toEqual(["a"]);
  ring.finish(busy);
  expect(taken(ring.drain)).toEqual(["slow", "b"]);
});

test("records that cross the end are read whole, for many rounds", () => {
  const ring = makeRing();
  for (let i = 0; i < 500; i++) {
    const text = `${i}-`.padEnd(i % 97, "x") || "-";
    ring.write(text);
    expect(taken(ring.drain)).toEqual([text]);
  }
  expect(Number(ring.consumer[0])).toBeGreaterThan(16_384);
});

test("one call reads no more than it is asked to, give or take a record", () => {
  const ring = makeRing();
  for (let i = 0; i < 10; i++) ring.write("x".repeat(24));
  expect(taken(ring.drain, 64).length).toBe(2);
  expect(taken(ring.drain).length).toBe(8);
});

test("a large ring is read in windows, across their borders too", () => {
  const size = 16 << 20;
  const ring = makeRing(size);
  const wrong: number[] = [];
  for (let i = 0, written = 0; written < size + (1 << 20); i++) {
    const text = `${i} `.padEnd(20_000 + (i % 7), "y");
    ring.write(text);
    written += text.length;
    if (taken(ring.drain)[0] !== text) wrong.push(i);
  }
  expect(wrong).toEqual([]);
});
