import * as fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "./bytes.ts";
import { peerIdOf } from "./identity.ts";
import { MAX_RING, ownersOf, ringOf } from "./ring.ts";

const node = (n: number, upMs = 3_600_000): { id: Buffer; upMs: number } => ({
  id: peerIdOf(sha256(Buffer.from(`node ${n}`))),
  upMs,
});
const key = (n: number): Buffer => sha256(Buffer.from(`key ${n}`));
const keys = Array.from({ length: 400 }, (_, n) => key(n));

test("removing a node moves only its keys", () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 32 }), fc.nat(31), (size, at) => {
      const nodes = Array.from({ length: size }, (_, n) => node(n));
      const gone = nodes[at % size];
      const rest = nodes.filter((each) => each !== gone);
      for (const k of keys) {
        const [before, after] = [ownersOf(nodes, k), ownersOf(rest, k)];
        expect(after).toEqual(
          before.includes(gone as never) ? [before.find((owner) => owner !== gone), after[1]] : before,
        );
      }
    }),
    { numRuns: 20 },
  );
});

test("the order in which a peer lists the nodes does not matter", () => {
  const nodes = Array.from({ length: 12 }, (_, n) => node(n));
  for (const k of keys) expect(ownersOf(nodes.toReversed(), k)).toEqual(ownersOf(nodes, k));
});

test("keys are spread evenly", () => {
  const nodes = Array.from({ length: 8 }, (_, n) => node(n));
  const counts = new Map(nodes.map((each) => [each, 0]));
  for (let n = 0; n < 4000; n++)
    for (const owner of ownersOf(nodes, key(n))) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  // 1000 each; 150 is five standard deviations.
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test("one node owns alone, none owns nothing", () => {
  expect(ownersOf([node(1)], key(1))).toEqual([node(1)]);
  expect(ownersOf([], key(1))).toEqual([]);
});

test("of more than 32 the longest up are in the ring, and small differences of clocks change nothing", () => {
  const old = Array.from({ length: 20 }, (_, n) => node(n, 90 * 60_000));
  const young = Array.from({ length: 40 }, (_, n) => node(100 + n, 5 * 60_000));
  const ring = ringOf([...young, ...old]);
  expect(ring).toHaveLength(MAX_RING);
  expect(old.every((each) => ring.includes(each))).toBe(true);
  const other = ringOf([...old, ...young].map(({ id, upMs }) => ({ id, upMs: upMs + 2000 })));
  expect(other.map(({ id }) => id)).toEqual(ring.map(({ id }) => id));
});
