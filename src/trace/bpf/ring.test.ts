import { expect, test } from "vitest";
import { readRing } from "./ring.ts";

const SIZE = 4096;
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;

/** The memory of a ring buffer, data doubly mapped by writing everything twice. */
function makeRing() {
  const own = new ArrayBuffer(4096);
  const shared = new ArrayBuffer(4096 + 2 * SIZE);
  const [consumer, producer] = [new BigUint64Array(own, 0, 1), new BigUint64Array(shared, 0, 1)];
  const data = Buffer.from(shared, 4096);
  let end = 0;
  const put = (byte: number, offset: number): void => {
    data[offset % SIZE] = byte;
    data[(offset % SIZE) + SIZE] = byte;
  };
  return {
    drain: readRing(own, shared, SIZE),
    consumer,
    write(text: string, flags = 0): number {
      const at = end;
      const head = Buffer.alloc(8);
      head.writeUInt32LE((text.length | flags) >>> 0, 0);
      for (const [i, byte] of Buffer.concat([head, Buffer.from(text)]).entries()) put(byte, at + i);
      end += (8 + text.length + 7) & ~7;
      producer[0] = BigInt(end);
      return at;
    },
    finish(at: number): void {
      put(data[(at % SIZE) + 3]! & 0x7f, at + 3);
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
  expect(Number(ring.consumer[0])).toBeGreaterThan(4 * SIZE);
});

test("one call reads no more than it is asked to, give or take a record", () => {
  const ring = makeRing();
  for (let i = 0; i < 10; i++) ring.write("x".repeat(24));
  expect(taken(ring.drain, 64).length).toBe(2);
  expect(taken(ring.drain).length).toBe(8);
});
