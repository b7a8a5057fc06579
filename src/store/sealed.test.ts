import { expect, test } from "vitest";
import { nodeHasher, systemRandom } from "../node/ports.ts";
import { memoryBucket } from "../testing/memory-bucket.ts";
import { storeContract } from "../testing/store.contract.ts";
import { bucketStore } from "./bucket.ts";
import type { StoreEvent } from "./events.ts";
import { sealed } from "./sealed.ts";

const secret = Buffer.alloc(32, 1);

storeContract("a sealed bucket's store", async () =>
  bucketStore(
    sealed(memoryBucket(), secret, systemRandom, () => undefined),
    nodeHasher,
  ),
);

function sealedBucket() {
  const inner = memoryBucket();
  const events: StoreEvent[] = [];
  return { inner, events, bucket: sealed(inner, secret, systemRandom, (event) => events.push(event)) };
}

test("a sealed value shows nothing of its text, and no two seals are alike", async () => {
  const { inner, bucket } = sealedBucket();
  await bucket.put("a", Buffer.from("plain text"));
  const first = inner.values.get("a");
  await bucket.put("a", Buffer.from("plain text"));
  expect(Buffer.from(first ?? []).includes("plain")).toBe(false);
  expect(inner.values.get("a")).not.toEqual(first);
  expect(await bucket.get("a")).toEqual(Buffer.from("plain text"));
});

test("a sealed value under another key, as another kind or with another secret is a miss and an event", async () => {
  const { inner, events, bucket } = sealedBucket();
  await bucket.put("a", Buffer.from("x"));
  await bucket.addLine("a", Buffer.from("x"));
  const value = inner.values.get("a") ?? Buffer.alloc(0);
  inner.values.set("b", value);
  expect(await bucket.get("b")).toBeUndefined();
  inner.values.set("a", inner.added.get("a")?.[0] ?? Buffer.alloc(0));
  expect(await bucket.get("a")).toBeUndefined();
  inner.added.set("a", [value]);
  expect(await bucket.lines("a")).toEqual([]);
  expect(events).toEqual(["b", "a", "a"].map((key) => ({ type: "bad-bytes", layer: "bucket", key })));
  inner.values.set("c", value);
  expect(await sealed(inner, Buffer.alloc(32, 2), systemRandom, () => undefined).get("a")).toBeUndefined();
});

test("a sealed value with any byte changed, or cut anywhere, is a miss", async () => {
  const { inner, bucket } = sealedBucket();
  await bucket.put("a", Buffer.from("x"));
  const whole = Buffer.from(inner.values.get("a") ?? []);
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    for (const bytes of [flipped, whole.subarray(0, at)]) {
      inner.values.set("a", bytes);
      expect(await bucket.get("a"), `byte ${at}`).toBeUndefined();
    }
  }
});
