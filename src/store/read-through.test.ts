import { describe, expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import type { EpochMs } from "../ports.ts";
import { diskFolder } from "../testing/disk-folder.ts";
import { faulty } from "../testing/faulty.ts";
import { memoryBucket } from "../testing/memory-bucket.ts";
import { digestOf, entryOf, storeContract } from "../testing/store.contract.ts";
import { bucketStore } from "./bucket.ts";
import { diskStore } from "./disk.ts";
import { disowningMark } from "./entries.ts";
import type { StoreEvent } from "./events.ts";
import { memoryStore } from "./memory.ts";
import { readThrough } from "./read-through.ts";
import type { Store } from "./store.ts";

const memory = (): Store => memoryStore(nodeHasher, 8 * 1024 * 1024);
const broken = (store: Store): Store => faulty(store, () => ({ code: "EIO" }));
const weak = digestOf("action");

storeContract("memory over disk", async () => readThrough(memory(), diskStore(diskFolder()), "both", () => undefined));
storeContract("disk over a bucket", async () =>
  readThrough(diskStore(diskFolder()), bucketStore(memoryBucket(), nodeHasher), "upper", () => undefined),
);

function two(upper: Store, lower: Store, writes: "both" | "upper" = "upper") {
  const events: StoreEvent[] = [];
  return { events, store: readThrough(upper, lower, writes, (event) => events.push(event)) };
}

describe("reading through", () => {
  test("copies up what only the lower layer has", async () => {
    const [upper, lower] = [memory(), memory()];
    const digest = await lower.blobs.put(Buffer.from("x"));
    const { store } = two(upper, lower);
    expect(await store.blobs.findMissing([digest])).toEqual([]);
    expect(await upper.blobs.findMissing([digest])).toEqual([digest]);
    await store.blobs.get(digest);
    expect(await upper.blobs.findMissing([digest])).toEqual([]);
  });

  test("does not ask the lower layer for what the upper has", async () => {
    const upper = memory();
    const { store, events } = two(upper, broken(memory()));
    const digest = await upper.blobs.put(Buffer.from("x"));
    expect(await store.blobs.get(digest)).toEqual(Buffer.from("x"));
    expect(events).toEqual([]);
  });

  test("gives the bytes even if the copy fails, and without the upper layer", async () => {
    const lower = memory();
    const digest = await lower.blobs.put(Buffer.from("x"));
    const { store, events } = two(broken(memory()), lower);
    expect(await store.blobs.get(digest)).toEqual(Buffer.from("x"));
    expect(await store.blobs.findMissing([digest])).toEqual([]);
    expect(events.map((event) => event.type === "failed" && event.operation)).toEqual(["get", "put", "missing"]);
  });

  test("never copies an entry up: only what this machine made bears its authority", async () => {
    const upper = memory();
    const lower = bucketStore(memoryBucket("redis"), nodeHasher);
    await lower.records.append(weak, entryOf("set", "theirs", 2));
    await upper.records.append(weak, entryOf("set", "ours", 1));
    const { store } = two(upper, lower);
    expect((await store.records.lookup(weak)).map(({ via }) => via)).toEqual(["redis", undefined]);
    expect(await upper.records.lookup(weak)).toHaveLength(1);
  });

  test("of one entry in both layers takes the one this machine vouches for, whatever time the other claims", async () => {
    const upper = memory();
    const lower = bucketStore(memoryBucket("redis"), nodeHasher);
    await lower.records.append(weak, entryOf("set", "s", 99));
    await upper.records.append(weak, entryOf("set", "s", 1));
    expect(await two(upper, lower).store.records.lookup(weak)).toEqual([entryOf("set", "s", 1)]);
  });

  test("lets a mark in one layer disown the entries of the other", async () => {
    for (const marked of [0, 1]) {
      const layers = [memory(), memory()] as const;
      await layers[marked]?.records.append(weak, disowningMark(5 as EpochMs));
      await layers[1 - marked]?.records.append(weak, entryOf("set", "wrong", 5));
      expect(await two(layers[0], layers[1]).store.records.lookup(weak)).toEqual([disowningMark(5 as EpochMs)]);
    }
  });

  test("looks up in the layer that works, and fails only if none does", async () => {
    const works = memory();
    await works.records.append(weak, entryOf("set", "s", 1));
    for (const { store, events } of [two(broken(memory()), works), two(works, broken(memory()))]) {
      expect(await store.records.lookup(weak)).toHaveLength(1);
      expect(events).toHaveLength(1);
    }
    await expect(two(broken(memory()), broken(memory())).store.records.lookup(weak)).rejects.toThrow("EIO");
  });
});

describe("writing through", () => {
  test("fails with the layer that must have it", async () => {
    const cases = [
      { upper: memory(), lower: broken(memory()), writes: "upper", fails: false },
      { upper: broken(memory()), lower: memory(), writes: "upper", fails: true },
      { upper: memory(), lower: broken(memory()), writes: "both", fails: true },
    ] as const;
    for (const { upper, lower, writes, fails } of cases) {
      const { store, events } = two(upper, lower, writes);
      const outcome = await store.blobs.put(Buffer.from("x")).then(
        () => false,
        () => true,
      );
      expect(outcome).toBe(fails);
      expect(events).toHaveLength(fails ? 0 : 1);
    }
  });
});
