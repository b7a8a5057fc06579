import { expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import { storeContract } from "../testing/store.contract.ts";
import { memoryStore } from "./memory.ts";

storeContract("memory", async () => memoryStore(nodeHasher, 8 * 1024 * 1024));

test("memory forgets what was used longest ago when its bytes are used up", async () => {
  const { blobs } = memoryStore(nodeHasher, 10_000);
  const [a, b] = [await blobs.put(Buffer.alloc(4000, 1)), await blobs.put(Buffer.alloc(4000, 2))];
  await blobs.get(a);
  const c = await blobs.put(Buffer.alloc(4000, 3));
  expect(await blobs.findMissing([a, b, c])).toEqual([b]);
});

test("memory does not keep a value larger than itself, and says no error", async () => {
  const { blobs } = memoryStore(nodeHasher, 1000);
  const digest = await blobs.put(Buffer.alloc(2000));
  expect(await blobs.get(digest)).toBeUndefined();
});
