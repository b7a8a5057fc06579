import { expect, test } from "vitest";
import { nodeHasher, systemClock } from "../node/ports.ts";
import { diskFolder } from "../testing/disk-folder.ts";
import { faulty } from "../testing/faulty.ts";
import { memoryBucket } from "../testing/memory-bucket.ts";
import { digestOf, storeContract } from "../testing/store.contract.ts";
import { bucketStore } from "./bucket.ts";
import { diskStore } from "./disk.ts";
import type { StoreEvent } from "./events.ts";
import { type FarLayer, type Layers, layered } from "./layers.ts";
import { memoryStore } from "./memory.ts";
import type { Store } from "./store.ts";

const bounds = { deadlineMs: 1000, maxBytes: 1 << 24, maxFailures: 3 };
const common = { clock: systemClock, hasher: nodeHasher, onEvent: () => undefined };
const memory = (): Store => memoryStore(nodeHasher, 8 * 1024 * 1024);
const far = (...stores: readonly Store[]): FarLayer[] => stores.map((store) => ({ store, bounds }));
const shared = (name: string): Store => bucketStore(memoryBucket(name), nodeHasher);

storeContract("all layers", async () =>
  layered({ ...common, memory: memory(), disk: diskStore(diskFolder()), far: far(shared("peers"), shared("redis")) }),
);
storeContract("disk with far layers that are all dead", async () => {
  const dead = (name: string): Store => faulty(shared(name), () => ({ code: "ECONNREFUSED" }));
  return layered({ ...common, disk: diskStore(diskFolder()), far: far(dead("peers"), dead("redis")) });
});

test("layers are asked in the order memory, disk, peers, shared, and a hit is copied to all above", async () => {
  const layers: Layers & { memory: Store } = {
    ...common,
    memory: memory(),
    disk: diskStore(diskFolder()),
    far: far(shared("peers"), shared("redis")),
    onEvent: (event: StoreEvent) => void (event.type === "done" && asked.push(`${event.layer} ${event.operation}`)),
  };
  const asked: string[] = [];
  const digest = (await layers.far[1]?.store.blobs.put(Buffer.from("x"))) ?? digestOf("");
  const store = layered(layers);
  expect(await store.blobs.get(digest)).toEqual(Buffer.from("x"));
  expect(asked.filter((what) => what.endsWith("get"))).toEqual(["memory get", "disk get", "peers get", "redis get"]);
  for (const layer of [layers.memory, layers.disk, ...layers.far.map(({ store }) => store)])
    expect(await layer.blobs.findMissing([digest]), layer.name).toEqual([]);
});

test("wrong bytes of a far layer are a miss, are not copied, and the next layer is asked", async () => {
  const disk = diskStore(diskFolder());
  const lying = faulty(shared("peers"), () => "wrong-bytes");
  const honest = shared("redis");
  const digest = await honest.blobs.put(Buffer.from("x"));
  const events: StoreEvent[] = [];
  const store = layered({ ...common, disk, far: far(lying, honest), onEvent: (event) => events.push(event) });
  expect(await store.blobs.get(digest)).toEqual(Buffer.from("x"));
  expect(await disk.blobs.get(digest)).toEqual(Buffer.from("x"));
  expect(events.filter(({ type }) => type === "bad-bytes")).toHaveLength(1);
});
