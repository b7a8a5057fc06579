import { expect, test } from "vitest";
import type { Digest } from "../core/digest.ts";
import { nodeHasher } from "../node/ports.ts";
import { faulty } from "../testing/faulty.ts";
import { digestOf, storeContract } from "../testing/store.contract.ts";
import type { StoreEvent } from "./events.ts";
import { memoryStore } from "./memory.ts";
import { verified } from "./verified.ts";

const memory = () => memoryStore(nodeHasher, 8 * 1024 * 1024);

storeContract("a verified store", async () => verified(memory(), nodeHasher, () => undefined));

test("invariant 3: bytes that are not those of the digest are a miss and an event", async () => {
  const events: StoreEvent[] = [];
  const lying = faulty(memory(), () => "wrong-bytes");
  const { blobs } = verified(lying, nodeHasher, (event) => events.push(event));
  expect(await blobs.get(digestOf("x"))).toBeUndefined();
  expect(events).toEqual([{ type: "bad-bytes", layer: "memory", key: digestOf("x") }]);
});

test("bytes named by their git id are checked by it", async () => {
  const bytes = Buffer.from("hello\n");
  const inner = memory();
  const store = verified({ ...inner, blobs: { ...inner.blobs, get: async () => bytes } }, nodeHasher, () => undefined);
  // `echo hello | git hash-object --stdin`
  expect(await store.blobs.get("git-sha1:ce013625030ba8dba906f756967f9e9ca394464a" as Digest)).toBe(bytes);
  expect(await store.blobs.get(`git-sha1:${"0".repeat(40)}` as Digest)).toBeUndefined();
});
