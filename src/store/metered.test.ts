import { expect, test } from "vitest";
import { nodeHasher, systemClock } from "../node/ports.ts";
import type { EpochMs } from "../ports.ts";
import { digestOf, entryOf, storeContract } from "../testing/store.contract.ts";
import { disowningMark } from "./entries.ts";
import type { StoreEvent } from "./events.ts";
import { memoryStore } from "./memory.ts";
import { metered } from "./metered.ts";

const memory = () => memoryStore(nodeHasher, 8 * 1024 * 1024);

storeContract("a metered store", async () => metered(memory(), systemClock, () => undefined));

test("a metered store tells layer, operation, outcome, bytes and time", async () => {
  const events: StoreEvent[] = [];
  let now = 0;
  const clock = { now: () => 0 as EpochMs, monotonicMs: () => (now += 2) };
  const { blobs, records } = metered(memory(), clock, (event) => events.push(event));
  const digest = await blobs.put(Buffer.from("four"));
  await blobs.get(digest);
  await blobs.get(digestOf("gone"));
  await blobs.findMissing([digest]);
  await records.append(digestOf("a"), disowningMark(0 as EpochMs));
  await records.lookup(digestOf("a"));
  await records.append(digestOf("a"), entryOf("set", "s", 1));
  await records.lookup(digestOf("a"));
  const told = events.map((e) => (e.type === "done" ? [e.layer, e.operation, e.found, e.bytes, e.ms] : []));
  expect(told).toEqual([
    ["memory", "put", true, 4, 2],
    ["memory", "get", true, 4, 2],
    ["memory", "get", false, 0, 2],
    ["memory", "missing", true, 0, 2],
    ["memory", "append", true, 0, 2],
    ["memory", "lookup", false, 0, 2],
    ["memory", "append", true, 0, 2],
    ["memory", "lookup", true, 0, 2],
  ]);
});
