// What every layer and decorator of the store promises. An implementation runs it in ten lines:
//   storeContract("redis", async () => redisStore(await freshRedis()));
import { describe, expect, test } from "vitest";
import type { Digest } from "../core/digest.ts";
import type { EpochMs } from "../ports.ts";
import { disowningMark, MAX_PATH_SETS, MAX_PER_PATH_SET } from "../store/entries.ts";
import type { RecordEntry, Store } from "../store/store.ts";
import { digestOf, entryOf } from "./sample-entry.ts";

export { digestOf, entryOf } from "./sample-entry.ts";

/** @param make a fresh, empty store each time */
export function storeContract(name: string, make: () => Promise<Store>): void {
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  const lookup = async ({ records }: Store, weak: Digest): Promise<RecordEntry[]> =>
    (await records.lookup(weak)).map((entry) => {
      const own = { ...entry };
      delete (own as { via?: string }).via;
      return own;
    });
  const strongs = (entries: readonly RecordEntry[]): Digest[] => entries.map((entry) => entry.strong);
  const weak = digestOf("action");

  describe(`${name} keeps blobs`, () => {
    test("and gives back the bytes of a digest", async () => {
      const { blobs } = await make();
      const digest = await blobs.put(bytes("hello"));
      expect(digest).toBe(digestOf("hello"));
      expect(Buffer.from((await blobs.get(digest)) ?? []).toString()).toBe("hello");
    });

    test("of no bytes, of all byte values, of 1 MiB", async () => {
      const { blobs } = await make();
      for (const each of [
        Buffer.alloc(0),
        Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
        Buffer.alloc(1 << 20, 7),
      ])
        expect(Buffer.compare((await blobs.get(await blobs.put(each))) ?? bytes("none"), each)).toBe(0);
    });

    test("and answers a miss with undefined", async () => {
      const { blobs } = await make();
      expect(await blobs.get(digestOf("never put"))).toBeUndefined();
      expect(await blobs.get(`git-sha1:${"0".repeat(40)}` as Digest)).toBeUndefined();
    });

    test("and finds those missing, in the order asked", async () => {
      const { blobs } = await make();
      const here = await blobs.put(bytes("here"));
      const [a, b] = [digestOf("a"), digestOf("b")];
      expect(await blobs.findMissing([b, here, a])).toEqual([b, a]);
      expect(await blobs.findMissing([])).toEqual([]);
    });

    test("put twice, or twice at once, as one", async () => {
      const { blobs } = await make();
      const digests = await Promise.all([blobs.put(bytes("same")), blobs.put(bytes("same"))]);
      expect(new Set([...digests, await blobs.put(bytes("same"))]).size).toBe(1);
      expect(await blobs.findMissing(digests)).toEqual([]);
    });
  });

  describe(`${name} keeps records`, () => {
    test("newest first, whatever the order of appending", async () => {
      const store = await make();
      const { records } = store;
      for (const at of [2, 1, 3]) await records.append(weak, entryOf("set", `s${at}`, at));
      expect(await lookup(store, weak)).toEqual([3, 2, 1].map((at) => entryOf("set", `s${at}`, at)));
    });

    test("of each Action apart", async () => {
      const store = await make();
      const { records } = store;
      await records.append(weak, entryOf("set", "mine", 1));
      expect(await lookup(store, digestOf("another action"))).toEqual([]);
    });

    test("once, when the same is appended twice", async () => {
      const store = await make();
      const { records } = store;
      await records.append(weak, entryOf("set", "s", 1));
      await records.append(weak, entryOf("set", "s", 1));
      expect(await lookup(store, weak)).toHaveLength(1);
    });

    test("until a mark disowns them; what is recorded later counts", async () => {
      const store = await make();
      const { records } = store;
      await records.append(weak, entryOf("set", "wrong", 10));
      const mark = disowningMark(20 as EpochMs);
      await records.append(weak, mark);
      expect(await lookup(store, weak)).toEqual([mark]);
      await records.append(weak, entryOf("set", "late news of old", 20));
      expect(await lookup(store, weak)).toEqual([mark]);
      await records.append(weak, entryOf("set", "right", 21));
      expect(await lookup(store, weak)).toEqual([entryOf("set", "right", 21), mark]);
    });

    test(`of ${MAX_PATH_SETS} path sets at most, without the one unused longest`, async () => {
      const store = await make();
      const { records } = store;
      for (let at = 0; at <= MAX_PATH_SETS; at++) await records.append(weak, entryOf(`set ${at}`, `s${at}`, at));
      const kept = strongs(await lookup(store, weak));
      expect(kept).toHaveLength(MAX_PATH_SETS);
      expect(kept).not.toContain(digestOf("s0"));
    });

    test(`with ${MAX_PER_PATH_SET} entries a path set at most, the newest`, async () => {
      const store = await make();
      const { records } = store;
      for (let at = 0; at <= MAX_PER_PATH_SET; at++) await records.append(weak, entryOf("set", `s${at}`, at));
      const kept = strongs(await lookup(store, weak));
      expect(kept).toHaveLength(MAX_PER_PATH_SET);
      expect(kept[0]).toBe(digestOf(`s${MAX_PER_PATH_SET}`));
      expect(kept).not.toContain(digestOf("s0"));
    });

    test("appended at once, without losing one", async () => {
      const store = await make();
      const { records } = store;
      const all = Array.from({ length: 16 }, (_, i) => entryOf("set", `s${i}`, i));
      await Promise.all(all.map((entry) => records.append(weak, entry)));
      expect(await lookup(store, weak)).toEqual(all.toReversed());
    });
  });
}
