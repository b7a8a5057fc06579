import { expect, test } from "vitest";
import { nodeHasher, systemClock, systemRandom } from "../node/ports.ts";
import { memoryBucket } from "../testing/memory-bucket.ts";
import { digestOf, entryOf, storeContract } from "../testing/store.contract.ts";
import type { EpochMs } from "../ports.ts";
import { bucketStore } from "./bucket.ts";
import { disowningMark } from "./entries.ts";
import type { StoreEvent } from "./events.ts";
import { sealed } from "./sealed.ts";
import { signed, type Signing, signingKey } from "./signed.ts";
import type { Store } from "./store.ts";

const main = signingKey(Buffer.alloc(32, 1));
const stranger = signingKey(Buffer.alloc(32, 2));
const network = "github.com/acme/shop";
const trusting: Signing = { key: main, trusted: [main.publicKey], network };
const weak = digestOf("action");

storeContract("a signed and sealed bucket's store", async () => {
  const bucket = sealed(memoryBucket(), Buffer.alloc(32, 3), systemRandom, () => undefined);
  return bucketStore(
    signed(bucket, trusting, systemClock, () => undefined),
    nodeHasher,
    true,
  );
});

/** Several members over one bucket, and what the reader is told. */
function members() {
  const inner = memoryBucket("redis");
  const events: StoreEvent[] = [];
  const member = (signing: Signing): Store =>
    bucketStore(
      signed(inner, signing, systemClock, (event) => events.push(event)),
      nodeHasher,
      true,
    );
  return { inner, events, member };
}

test("an entry counts if a trusted key signed it, and bears no mark of its layer", async () => {
  const { member, events } = members();
  await member(trusting).records.append(weak, entryOf("set", "s", 1));
  const reader = member({ ...trusting, key: undefined });
  expect(await reader.records.lookup(weak)).toEqual([entryOf("set", "s", 1)]);
  expect(events).toEqual([]);
});

test.each<[string, Partial<Signing>]>([
  ["signed by nobody", { key: undefined }],
  ["signed by a stranger", { key: stranger }],
  ["signed for another network", { network: "github.com/acme/other" }],
])("an entry %s is left out, and told", async (_name, wrong) => {
  const { member, events } = members();
  await member({ ...trusting, ...wrong }).records.append(weak, entryOf("set", "s", 1));
  expect(await member(trusting).records.lookup(weak)).toEqual([]);
  expect(events).toEqual([{ type: "not-believed", layer: "redis", count: 1 }]);
});

test("a signed line moved to another Action, or with any bit changed or cut, is left out", async () => {
  const { inner, member } = members();
  const { records } = member(trusting);
  await records.append(weak, entryOf("set", "s", 1));
  const [[name, [line]]] = [...inner.added] as [[string, [Uint8Array]]];
  const other = digestOf("another action");
  inner.added.set(name.replace(weak.slice(7), other.slice(7)), [line]);
  expect(await records.lookup(other)).toEqual([]);
  for (let at = 0; at < line.length; at++) {
    const flipped = Buffer.from(line);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    inner.added.set(name, [flipped, line.subarray(0, at)]);
    expect(await records.lookup(weak), `byte ${at}`).toEqual([]);
  }
});

test("a mark disowns whoever signed it, and none from the future", async () => {
  const { member, inner } = members();
  const { records } = member(trusting);
  const now = systemClock.now();
  await records.append(weak, entryOf("set", "s", 1));
  const later = disowningMark((now + 3_600_000) as EpochMs);
  await member({ ...trusting, key: undefined }).records.append(weak, later);
  await member({ ...trusting, key: stranger }).records.append(weak, later);
  expect(await records.lookup(weak)).toHaveLength(1);
  await member({ ...trusting, key: stranger }).records.append(weak, disowningMark(now));
  expect(await records.lookup(weak)).toEqual([disowningMark(now)]);
  inner.added.delete(`disowned/${weak.slice(7)}`);
  await member({ ...trusting, key: undefined }).records.append(weak, disowningMark(now));
  expect(await records.lookup(weak)).toEqual([disowningMark(now)]);
});

test("a key that is none is trusted by nobody", async () => {
  const { member } = members();
  await member(trusting).records.append(weak, entryOf("set", "s", 1));
  const broken = { ...trusting, trusted: [Buffer.alloc(5), Buffer.alloc(0)] };
  expect(await member(broken).records.lookup(weak)).toEqual([]);
});
