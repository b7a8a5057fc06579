import { expect, test } from "vitest";
import { nodeHasher } from "../node/ports.ts";
import type { EpochMs } from "../ports.ts";
import { digestOf, entryOf } from "../testing/store.contract.ts";
import { disowningMark } from "./entries.ts";
import { memoryStore } from "./memory.ts";
import { readOnly } from "./read-only.ts";

test("a layer that may only be read serves, keeps no blob and no entry, but hears of a false skip", async () => {
  const inner = memoryStore(nodeHasher, 1 << 20);
  const there = await inner.blobs.put(Buffer.from("there"));
  const weak = digestOf("action");
  await inner.records.append(weak, entryOf("set", "s", 1));
  const store = readOnly(inner, nodeHasher);
  expect(await store.blobs.get(there)).toEqual(Buffer.from("there"));
  const put = await store.blobs.put(Buffer.from("new"));
  expect(put).toBe(digestOf("new"));
  expect(await store.blobs.findMissing([there, put])).toEqual([put]);
  await store.records.append(weak, entryOf("set", "s2", 2));
  expect(await store.records.lookup(weak)).toEqual([entryOf("set", "s", 1)]);
  const mark = disowningMark(5 as EpochMs);
  await store.records.append(weak, mark);
  expect(await store.records.lookup(weak)).toEqual([mark]);
});
