import { expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import { memoryBucket } from "../testing/memory-bucket.ts";
import { digestOf, entryOf, storeContract } from "../testing/store.contract.ts";
import { bucketStore } from "./bucket.ts";

storeContract("a bucket's store", async () => bucketStore(memoryBucket(), nodeHasher));

test("a bucket's entries say which layer they came from", async () => {
  const { records } = bucketStore(memoryBucket("redis"), nodeHasher);
  await records.append(digestOf("action"), entryOf("set", "s", 1));
  expect(await records.lookup(digestOf("action"))).toEqual([{ ...entryOf("set", "s", 1), via: "redis" }]);
});

test("lines of a bucket that are no entries, or of an unknown kind, are left out", async () => {
  const bucket = memoryBucket();
  const { records } = bucketStore(bucket, nodeHasher);
  const weak = digestOf("action");
  await records.append(weak, entryOf("set", "s", 1));
  const [[key, lines]] = [...bucket.added] as [[string, Uint8Array[]]];
  const future = Uint8Array.from(lines[0] ?? []);
  future[4] = 2;
  for (const junk of [Buffer.alloc(0), Buffer.alloc(112), Buffer.alloc(500), future]) await bucket.addLine(key, junk);
  expect(await records.lookup(weak)).toHaveLength(1);
});
