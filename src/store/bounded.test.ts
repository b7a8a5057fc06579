import { describe, expect, test } from "vitest";
import { nodeHasher, systemClock } from "../node/ports.ts";
import { type Fault, faulty } from "../testing/faulty.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import { digestOf, entryOf, storeContract } from "../testing/store.contract.ts";
import type { EpochMs } from "../ports.ts";
import { bounded } from "./bounded.ts";
import { disowningMark } from "./entries.ts";
import type { StoreEvent } from "./events.ts";
import { memoryStore } from "./memory.ts";

const memory = () => memoryStore(nodeHasher, 8 * 1024 * 1024);
const clock = systemClock;
const bounds = { deadlineMs: 5, maxBytes: 100, maxFailures: 3 };

storeContract("a bounded store", async () =>
  bounded(memory(), { deadlineMs: 10_000, maxBytes: 1 << 20, maxFailures: 3 }, systemClock, () => undefined),
);

function boundedBy(plan: (nth: number) => Fault) {
  const events: StoreEvent[] = [];
  let asked = 0;
  const inner = faulty(memory(), (_, nth) => {
    asked = nth;
    return plan(nth);
  });
  return { events, asked: () => asked, store: bounded(inner, bounds, clock, (event) => events.push(event)) };
}

describe("a bounded layer", () => {
  test.each(["hang" as const, { code: "ECONNRESET" }])(
    "answers every read with a miss when it fails: %s",
    async (fault) => {
      const weak = digestOf("x");
      expect(await boundedBy(() => fault).store.blobs.get(weak)).toBeUndefined();
      expect(await boundedBy(() => fault).store.blobs.findMissing([weak])).toEqual([weak]);
      expect(await boundedBy(() => fault).store.records.lookup(weak)).toEqual([]);
    },
  );

  test("fails a write with a StoreError that names the layer", async () => {
    const late = boundedBy(() => "hang").store;
    await expect(late.blobs.put(Buffer.from("x"))).rejects.toMatchObject({ layer: "memory", code: "timeout" });
    const reset = boundedBy(() => ({ code: "ECONNRESET" })).store;
    const append = reset.records.append(digestOf("a"), entryOf("set", "s", 1));
    await expect(append).rejects.toMatchObject({ layer: "memory", code: "ECONNRESET" });
  });

  test("takes no entry after a value that it did not get, but marks; one that lives on does", async () => {
    const [weak, large] = [digestOf("a"), Buffer.alloc(101)];
    const { store } = boundedBy(() => undefined);
    await expect(store.blobs.put(large)).rejects.toMatchObject({ code: "EFBIG" });
    await expect(store.records.append(weak, entryOf("set", "s", 1))).rejects.toMatchObject({ code: "EFBIG" });
    await store.records.append(weak, disowningMark(1 as EpochMs));
    const lives = bounded(memory(), { ...bounds, restMs: 1000 }, clock, () => undefined);
    await expect(lives.blobs.put(large)).rejects.toMatchObject({ code: "EFBIG" });
    await lives.records.append(weak, entryOf("set", "s", 1));
    expect(await lives.records.lookup(weak)).toHaveLength(1);
  });

  test("bears what a library throws", async () => {
    const inner = memory();
    const wild = { ...inner, blobs: { ...inner.blobs, get: () => Promise.reject(new RangeError("wild")) } };
    const events: StoreEvent[] = [];
    expect(await bounded(wild, bounds, clock, (event) => events.push(event)).blobs.get(digestOf("x"))).toBeUndefined();
    expect(events).toEqual([{ type: "failed", layer: "memory", operation: "get", code: "RangeError" }]);
  });

  test("is off after 3 failures in a row, and not asked again", async () => {
    const { store, events, asked } = boundedBy(() => ({ code: "503" }));
    for (let i = 0; i < 5; i++) await store.blobs.get(digestOf("x"));
    expect(asked()).toBe(3);
    expect(events.filter(({ type }) => type === "layer-off")).toEqual([
      { type: "layer-off", layer: "memory", failures: 3 },
    ]);
    expect(events).toHaveLength(4);
    for (let i = 0; i < 3; i++) await store.blobs.put(Buffer.from("x")).catch(() => undefined);
    await expect(store.blobs.put(Buffer.from("x"))).rejects.toMatchObject({ code: "off" });
    expect(asked()).toBe(6);
  });

  test("is off after one time-out: it cost a whole deadline", async () => {
    const { store, events, asked } = boundedBy(() => "hang");
    for (let i = 0; i < 3; i++) expect(await store.blobs.get(digestOf("x"))).toBeUndefined();
    expect(asked()).toBe(1);
    expect(events.map(({ type }) => type)).toEqual(["layer-off", "failed"]);
    await expect(store.blobs.put(Buffer.from("x"))).rejects.toMatchObject({ code: "off" });
    expect(asked()).toBe(1);
  });

  test("is still read when it takes no writes any more", async () => {
    const inner = memory();
    const digest = await inner.blobs.put(Buffer.from("x"));
    const full = faulty(inner, (operation) => (operation === "put" ? { code: "OOM" } : undefined));
    const { blobs } = bounded(full, bounds, clock, () => undefined);
    for (let i = 0; i < 4; i++) await expect(blobs.put(Buffer.from("y"))).rejects.toMatchObject({ layer: "memory" });
    expect(await blobs.get(digest)).toEqual(Buffer.from("x"));
  });

  test("is asked again after its rest, by one, and then by all once it answers", async () => {
    const time = new VirtualTime();
    let down = true;
    let asked = 0;
    const inner = faulty(memory(), () => (asked++, down ? { code: "ECONNREFUSED" } : undefined));
    const { blobs } = bounded(inner, { ...bounds, restMs: 1000 }, time.clock, () => undefined);
    const get = (): Promise<unknown> => blobs.get(digestOf("x"));
    for (let i = 0; i < 5; i++) await get();
    expect(asked).toBe(3);
    time.pass(1000);
    await Promise.all([get(), get()]);
    expect(asked).toBe(4);
    down = false;
    time.pass(1000);
    for (let i = 0; i < 3; i++) await get();
    expect(asked).toBe(7);
  });

  test("forgives failures after a success", async () => {
    const { store, asked } = boundedBy((nth) => (nth % 3 === 0 ? undefined : { code: "503" }));
    for (let i = 0; i < 9; i++) await store.blobs.get(digestOf("x"));
    expect(asked()).toBe(9);
  });

  test("takes and gives blobs of 100 bytes, not of 101", async () => {
    const inner = memory();
    const events: StoreEvent[] = [];
    const { blobs } = bounded(inner, bounds, clock, (event) => events.push(event));
    expect(await blobs.get(await blobs.put(Buffer.alloc(100)))).toHaveLength(100);
    await expect(blobs.put(Buffer.alloc(101))).rejects.toMatchObject({ code: "EFBIG" });
    expect(await blobs.get(await inner.blobs.put(Buffer.alloc(101)))).toBeUndefined();
    expect(events).toEqual([{ type: "failed", layer: "memory", operation: "get", code: "EFBIG" }]);
  });
});
